import BrokerModel
import EventLoop
import KafkaWire
import Partitions

// One connection's requests that change topics which are there. The storage loop does it, and the
// request stays at the front of the input until that has answered.
extension KafkaConnectionHandler {
    func createPartitions(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        let version = header.apiVersion
        let request = try CreatePartitionsRequest(reading: &reader, version: version)
        let front = frontTopics ?? add(request)
        guard !mustWait(for: front) else { return .waiting }
        let response = answers.added(request, front)
        respond(to: header, .createPartitions, &output) {
            response.write(to: &$0, version: version)
        }
        return .answered
    }

    func alterConfigs(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        let version = header.apiVersion
        let alterations = ConfigAlterations(
            try AlterConfigsRequest(reading: &reader, version: version)
        )
        let front = frontTopics ?? alter(alterations)
        guard !mustWait(for: front) else { return .waiting }
        let response = answers.altered(alterations, front)
        respond(to: header, .alterConfigs, &output) { response.write(to: &$0, version: version) }
        return .answered
    }

    func incrementalAlterConfigs(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        let version = header.apiVersion
        let alterations = ConfigAlterations(
            try IncrementalAlterConfigsRequest(reading: &reader, version: version)
        )
        let front = frontTopics ?? alter(alterations)
        guard !mustWait(for: front) else { return .waiting }
        let response = answers.alteredIncrementally(alterations, front)
        respond(to: header, .incrementalAlterConfigs, &output) {
            response.write(to: &$0, version: version)
        }
        return .answered
    }

    func deleteRecords(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        let version = header.apiVersion
        let request = try DeleteRecordsRequest(reading: &reader, version: version)
        let front = frontDeletions ?? delete(request)
        guard front.waiting.isEmpty || service.loop.now >= front.deadline else {
            frontDeletions = front
            lookAgain(at: front.deadline)
            return .waiting
        }
        frontDeletions = nil
        let response = answers.deleted(request, front)
        respond(to: header, .deleteRecords, &output) { response.write(to: &$0, version: version) }
        return .answered
    }

    /// The storage loop has answered for one partition.
    func recordsDeleted(_ deletion: TopicChanges.Deletion, _ outcome: FrontDeletions.Outcome) {
        guard let front = frontDeletions, deletion.number > front.after,
            frontDeletions?.waiting.remove(deletion.partition) != nil
        else { return }
        frontDeletions?.outcomes[deletion.partition] = outcome
        if frontDeletions?.waiting.isEmpty == true { lookAgain() }
    }

    // MARK: Asking

    /// Whether a request that changes topics has to wait until fewer changes are on their way.
    func mustWaitForChanges(_ api: KafkaAPI) -> Bool {
        switch api {
        case .createTopics, .deleteTopics, .createPartitions, .deleteRecords, .alterConfigs,
            .incrementalAlterConfigs:
            break
        default: return false
        }
        guard frontTopics == nil, frontDeletions == nil, service.topicChanges.isFull else {
            return false
        }
        lookAgain(at: service.loop.now + KafkaServerLimits.topicChangeRetryInterval)
        return true
    }

    private func add(_ request: CreatePartitionsRequest) -> FrontTopics {
        var front = frontTopics(within: request.timeoutMilliseconds)
        guard !request.validatesOnly else { return front }
        for case (_, .success(let plan)) in answers.additions(request) {
            front.waiting.insert(plan.name)
            service.topicChanges.add(plan, for: connection.id)
        }
        return front
    }

    /// A check alone is the storage loop's too: it knows what each topic has.
    private func alter(_ alterations: ConfigAlterations) -> FrontTopics {
        var front = frontTopics(within: .max)
        for case .success(let plan?) in answers.plans(of: alterations) {
            front.waiting.insert(plan.name)
            service.topicChanges.alter(plan, for: connection.id)
        }
        return front
    }

    private func delete(_ request: DeleteRecordsRequest) -> FrontDeletions {
        var front = FrontDeletions(
            deadline: deadline(after: request.timeoutMilliseconds),
            after: service.topicChanges.lastToken
        )
        for plan in answers.deletions(request) {
            front.waiting.insert(plan.partition)
            service.topicChanges.deleteRecords(plan, for: connection.id)
        }
        return front
    }
}
