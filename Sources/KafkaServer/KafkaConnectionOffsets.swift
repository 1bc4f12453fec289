import BrokerModel
import EventLoop
import KafkaSessions
import KafkaWire
import Partitions

// One connection's requests about committed offsets. What changes them stays at the front of the
// input until the log has kept it.
extension KafkaConnectionHandler {
    func committedOffsets(
        _ api: KafkaAPI,
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        switch api {
        case .offsetCommit: return try offsetCommit(&reader, header, &output)
        case .offsetFetch: return try offsetFetch(&reader, header, &output)
        case .offsetDelete: return try offsetDelete(&reader, header, &output)
        default: throw .unknownAPI(header.apiKey)
        }
    }

    private func offsetCommit(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        let version = header.apiVersion
        if frontOffsets == nil {
            let request = try OffsetCommitRequest(reading: &reader, version: version)
            guard !mustWaitForJournal() else { return .waiting }
            frontOffsets = begin(request, version: version)
        }
        guard let front = settledFront() else { return .waiting }
        guard case .commit(let plan) = front.answer else { throw .unknownAPI(header.apiKey) }
        let response = plan.response
        respond(to: header, .offsetCommit, &output) { response.write(to: &$0, version: version) }
        return .answered
    }

    private func begin(_ request: OffsetCommitRequest, version: Int16) -> FrontOffsets {
        let loop = service.loop
        var plan = OffsetCommitPlan(
            request,
            version: version,
            catalog: service.catalog.snapshot,
            now: loop.wallClock
        )
        guard !plan.items.isEmpty else { return .done(.commit(plan)) }
        let claim = GroupClaim(
            groupID: request.groupID,
            generation: request.generationIDOrMemberEpoch,
            memberID: request.memberID,
            instanceID: request.groupInstanceID,
            knowsMissingGroups: version >= 9
        )
        let code = service.admit(claim)
        guard code == .none else {
            plan.refuseAll(code)
            return .done(.commit(plan))
        }
        let records = service.groupOffsets.commit(&plan, of: request.groupID)
        guard !records.isEmpty else { return .done(.commit(plan)) }
        return write(records, .commit(plan))
    }

    private func offsetFetch(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        let version = header.apiVersion
        let request = try OffsetFetchRequest(reading: &reader, version: version)
        // Nothing is ever unstable (KIP-447): there are no transactions that could be open.
        let answer = OffsetFetchAnswer(
            catalog: service.catalog.snapshot,
            offsets: service.groupOffsets.table,
            refusal: service.groupOffsets.journal.isOpen ? .none : .coordinatorNotAvailable
        )
        let response = answer.response(to: request, version: version)
        respond(to: header, .offsetFetch, &output) { response.write(to: &$0, version: version) }
        return .answered
    }

    private func offsetDelete(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        let version = header.apiVersion
        if frontOffsets == nil {
            let request = try OffsetDeleteRequest(reading: &reader, version: version)
            guard !mustWaitForJournal() else { return .waiting }
            frontOffsets = begin(request)
        }
        guard let front = settledFront() else { return .waiting }
        guard case .delete(let response) = front.answer else { throw .unknownAPI(header.apiKey) }
        respond(to: header, .offsetDelete, &output) { response.write(to: &$0, version: version) }
        return .answered
    }

    private func begin(_ request: OffsetDeleteRequest) -> FrontOffsets {
        let group = request.groupID
        guard !group.isEmpty else {
            return .done(.delete(OffsetDeletePlan.refused(.invalidGroupID)))
        }
        var plan = OffsetDeletePlan(request, catalog: service.catalog.snapshot)
        guard !plan.items.isEmpty else { return .done(.delete(plan.response)) }
        let code = service.codeForDeleting(offsetsOf: group)
        guard code == .none else { return .done(.delete(OffsetDeletePlan.refused(code))) }
        let records = service.groupOffsets.delete(&plan, of: group) {
            service.groups.directory.isSubscribed(group, to: $0)
        }
        guard !records.isEmpty else { return .done(.delete(plan.response)) }
        return write(records, .delete(plan.response))
    }

    // MARK: Waiting

    /// Every request that may write of groups asks first: what waits for the log has a bound.
    func mustWaitForJournal() -> Bool {
        guard service.groupOffsets.journal.isFull else { return false }
        service.waitForJournal(connection.id)
        return true
    }

    private func write(
        _ records: [GroupRecord],
        _ answer: FrontOffsets.Answer
    ) -> FrontOffsets {
        lastOffsetsTicket &+= 1
        let ticket = lastOffsetsTicket
        service.groupOffsets.journal.append(records) { [weak self] code in
            guard let self, lastOffsetsTicket == ticket else { return }
            frontOffsets?.settle(code)
            lookAgain()
        }
        return FrontOffsets(
            answer: answer,
            deadline: service.loop.now + service.groupOffsets.settings.commitTimeout,
            isSettled: false
        )
    }

    /// The front request, once it can be answered: the log has answered, or has had its time. What
    /// it keeps after that is kept all the same.
    private func settledFront() -> FrontOffsets? {
        guard var front = frontOffsets else { return nil }
        if !front.isSettled {
            guard service.loop.now >= front.deadline else {
                lookAgain(at: front.deadline)
                return nil
            }
            lastOffsetsTicket &+= 1
            front.settle(.coordinatorNotAvailable)
        }
        frontOffsets = nil
        return front
    }
}

/// The request about committed offsets at the front of a connection's input, while the log works on
/// it.
struct FrontOffsets {
    enum Answer {
        case commit(OffsetCommitPlan)
        case delete(OffsetDeleteResponse)
    }

    private(set) var answer: Answer
    let deadline: MonotonicTime
    private(set) var isSettled: Bool

    init(answer: Answer, deadline: MonotonicTime, isSettled: Bool) {
        self.answer = answer
        self.deadline = deadline
        self.isSettled = isSettled
    }

    /// One that needs nothing of the log.
    static func done(_ answer: Answer) -> FrontOffsets {
        FrontOffsets(answer: answer, deadline: MonotonicTime(nanoseconds: 0), isSettled: true)
    }

    /// Says in the answer what the log said.
    mutating func settle(_ code: KafkaErrorCode) {
        isSettled = true
        guard code != .none else { return }
        switch answer {
        case .commit(var plan):
            plan.refuseAll(code)
            answer = .commit(plan)
        case .delete: answer = .delete(OffsetDeletePlan.refused(code))
        }
    }
}
