import BrokerModel
import EventLoop
import KafkaSessions
import KafkaWire

/// The coordinator of all consumer groups: it does what `GroupDirectory` decides. Confined to the
/// Kafka loop.
final class GroupCoordinator {
    var directory: GroupDirectory
    let journal: GroupJournal
    /// Called with a connection and the answer to what it asked, perhaps before `ask` returns.
    var answered: (UInt64, GroupTicket, GroupAnswer) -> Void = { _, _, _ in }
    /// Called with what happened to groups, for the operator.
    var noted: (GroupEvent) -> Void = { _ in }
    /// The tombstones of all that a group has committed, which are written with its own.
    var removeOffsets: (String) -> [GroupRecord] = { _ in [] }

    let counters: GroupCounters

    private let loop: EventLoop
    /// The connections whose requests wait. One that is gone leaves its request to the group.
    private var connections: [GroupTicket: UInt64] = [:]
    private var lastTicket: UInt64 = 0
    private var timer: (id: TimerID, time: MonotonicTime)?
    private var isPerforming = false

    init(
        loop: EventLoop,
        settings: GroupSettings,
        memory: MemoryPool,
        journal: GroupJournal,
        seed: UInt64
    ) {
        self.loop = loop
        self.journal = journal
        directory = GroupDirectory(settings: settings, memory: memory, seed: seed)
        counters = directory.counters
    }

    var now: GroupTime { GroupTime(loop.now, wall: loop.wallClock) }

    // MARK: Requests

    func nextTicket() -> GroupTicket {
        lastTicket += 1
        return GroupTicket(lastTicket)
    }

    /// Hands over a request that may wait, and does what follows.
    func ask(
        _ ticket: GroupTicket,
        for connection: UInt64,
        _ request: (inout GroupDirectory, GroupTicket, GroupTime) -> Void
    ) {
        connections[ticket] = connection
        request(&directory, ticket, now)
        perform()
    }

    func heartbeat(_ request: HeartbeatRequest) -> KafkaErrorCode {
        defer { perform() }
        return directory.heartbeat(request, now: now)
    }

    /// The connection is gone. Its member stays: it has its session's time to come back.
    func forget(_ ticket: GroupTicket) { connections[ticket] = nil }

    // MARK: Administrators

    func describe(_ request: DescribeGroupsRequest, version: Int16) -> DescribeGroupsResponse {
        // Each once: a short request that names one large group many times makes no long answer.
        var seen: Set<String> = []
        let groups = request.groupIDs.filter { seen.insert($0).inserted }.map { groupID in
            var group = directory.describe(groupID, version: version)
            if request.wantsAuthorizedOperations, group.errorCode == .none,
                group.groupState != GroupState.dead.rawValue
            {
                group.authorizedOperations = AuthorizedOperations.group
            }
            return group
        }
        return DescribeGroupsResponse(groups: groups)
    }

    func list(_ request: ListGroupsRequest) -> ListGroupsResponse {
        ListGroupsResponse(
            groups: directory.list(states: request.statesFilter, types: request.typesFilter)
        )
    }

    /// Deletes groups that nobody is in, with what they have committed; answered once the log has
    /// that.
    func delete(_ request: DeleteGroupsRequest, ticket: GroupTicket, for connection: UInt64) {
        connections[ticket] = connection
        var response = DeleteGroupsResponse(results: [])
        var deleted: [GroupSnapshot] = []
        var records: [GroupRecord] = []
        var seen: Set<String> = []
        for groupID in request.groupIDs where seen.insert(groupID).inserted {
            let snapshot = directory.snapshot(of: groupID)
            var result = DeleteGroupsResponse.Result(groupID: groupID)
            result.errorCode = directory.delete(groupID)
            response.results.append(result)
            guard result.errorCode == .none, let snapshot else { continue }
            deleted.append(snapshot)
            records += removeOffsets(groupID) + [.groupGone(groupID)]
        }
        perform()
        guard !records.isEmpty else { return answer(ticket, .deleted(response)) }
        journal.append(records) { [weak self] code in
            self?.deleted(deleted, code, response, ticket)
        }
    }

    /// What the log has not taken is there again, unless somebody has made it anew.
    private func deleted(
        _ groups: [GroupSnapshot],
        _ code: KafkaErrorCode,
        _ response: DeleteGroupsResponse,
        _ ticket: GroupTicket
    ) {
        var response = response
        if code != .none {
            for group in groups where directory.state(of: group.groupID) == nil {
                directory.restore(group, now: loop.now)
            }
            for index in response.results.indices where response.results[index].errorCode == .none {
                response.results[index].errorCode = code
            }
        }
        answer(ticket, .deleted(response))
        perform()
    }

    // MARK: Effects

    /// Does what the directory left to be done. Whoever changes the directory calls this after it.
    func perform() {
        guard !isPerforming else { return }
        isPerforming = true
        while true {
            let effects = directory.takeEffects()
            guard !effects.isEmpty else { break }
            for effect in effects { perform(effect) }
        }
        isPerforming = false
        for event in directory.takeEvents() { noted(event) }
        schedule()
    }

    private func perform(_ effect: GroupEffect) {
        switch effect {
        case .answer(let ticket, let answer): self.answer(ticket, answer)
        case .store(let group, let storing):
            journal.append([.group(group)]) { [weak self] code in
                guard let self else { return }
                directory.stored(storing, code, now: now)
                perform()
            }
        }
    }

    private func answer(_ ticket: GroupTicket, _ answer: GroupAnswer) {
        guard let connection = connections.removeValue(forKey: ticket) else { return }
        answered(connection, ticket, answer)
    }

    // MARK: Time

    /// One timer for all groups: it may come too early, and then costs a look.
    private func schedule() {
        guard let time = directory.nextDeadline else { return }
        if let timer {
            guard time < timer.time else { return }
            loop.cancel(timer.id)
        }
        let id = loop.schedule(at: time) { [weak self] in
            guard let self else { return }
            timer = nil
            directory.expire(now: now)
            perform()
        }
        timer = (id, time)
    }
}
