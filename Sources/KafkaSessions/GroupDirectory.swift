import BrokerModel
import KafkaWire

/// All consumer groups. Each call says what the time is; what it leaves to be done is in
/// `takeEffects`, to be done in that order and before the next call.
public struct GroupDirectory: Sendable {
    private(set) var groups: [String: ConsumerGroup] = [:]
    var context: GroupContext

    /// `memory` pays for members and what they say of themselves. `seed` makes ids for members that
    /// do not repeat.
    public init(settings: GroupSettings, memory: MemoryPool, seed: UInt64) {
        context = GroupContext(settings: settings, memory: memory, seed: seed)
    }

    public var counters: GroupCounters { context.counters }

    public var count: Int { groups.count }

    /// When to call `expire` again: nothing comes due before that.
    public var nextDeadline: MonotonicTime? { context.deadlines.earliest }

    public mutating func takeEffects() -> [GroupEffect] {
        defer { context.effects.removeAll(keepingCapacity: true) }
        return context.effects
    }

    /// What happened since the last call, oldest first, for the operator's log.
    public mutating func takeEvents() -> [GroupEvent] { context.takeEvents() }

    // MARK: Requests of members

    /// Answered by an effect, now or later.
    public mutating func join(_ call: JoinCall, now: GroupTime) {
        context.now = now
        let request = call.request
        if let code = refusal(of: request) {
            return context.answer(call.ticket, .joining(code, memberID: request.memberID))
        }
        let isNew = groups[request.groupID] == nil
        if isNew {
            // Whoever knows an id of a group that is gone begins again without.
            guard request.memberID.isEmpty else {
                return context.answer(
                    call.ticket,
                    .joining(.unknownMemberID, memberID: request.memberID)
                )
            }
            guard add(request.groupID) else {
                return context.answer(call.ticket, .joining(.coordinatorNotAvailable))
            }
        }
        groups[request.groupID]?.join(call, &context)
        if isNew { context.store(.empty(request.groupID, since: now.wall)) }
    }

    private func refusal(of request: JoinGroupRequest) -> KafkaErrorCode? {
        if request.groupID.isEmpty { return .invalidGroupID }
        let settings = context.settings
        let timeout = Duration.milliseconds(Int64(request.sessionTimeoutMilliseconds))
        let isAllowed =
            timeout >= settings.sessionTimeoutMin && timeout <= settings.sessionTimeoutMax
        return isAllowed ? nil : .invalidSessionTimeout
    }

    /// Answered by an effect, now or later.
    public mutating func sync(
        _ request: SyncGroupRequest,
        ticket: GroupTicket,
        now: GroupTime
    ) {
        context.now = now
        guard !request.groupID.isEmpty else {
            return context.answer(ticket, .syncing(.invalidGroupID))
        }
        guard groups[request.groupID] != nil else {
            return context.answer(ticket, .syncing(.unknownMemberID))
        }
        groups[request.groupID]?.sync(request, ticket, &context)
    }

    public mutating func heartbeat(
        _ request: HeartbeatRequest,
        now: GroupTime
    ) -> KafkaErrorCode {
        context.now = now
        guard !request.groupID.isEmpty else { return .invalidGroupID }
        return groups[request.groupID]?.heartbeat(request, &context) ?? .unknownMemberID
    }

    /// Answered by an effect, once the log knows of a group that nobody is in any more.
    public mutating func leave(
        _ request: LeaveGroupRequest,
        ticket: GroupTicket,
        now: GroupTime
    ) {
        context.now = now
        let mark = context.effects.count
        var response = LeaveGroupResponse()
        if request.groupID.isEmpty {
            response.errorCode = .invalidGroupID
        } else if let left = groups[request.groupID]?.leave(request.members, &context) {
            response = left
        } else {
            response.members = request.members.map { member in
                LeaveGroupResponse.Member(
                    memberID: member.memberID,
                    groupInstanceID: member.groupInstanceID,
                    errorCode: .unknownMemberID
                )
            }
        }
        context.answer(ticket, .left(response), onceStoredSince: mark)
    }

    // MARK: Time and the log

    /// Does what has come due.
    public mutating func expire(now: GroupTime) {
        context.now = now
        while let timer = context.deadlines.popDue(now.monotonic) {
            switch timer {
            case .member(let groupID, let memberID):
                groups[groupID]?.memberTimedOut(memberID, &context)
            case .join(let groupID): groups[groupID]?.joinTimedOut(&context)
            case .sync(let groupID): groups[groupID]?.syncTimedOut(&context)
            }
        }
    }

    /// The log has kept what an effect asked to store, or has not and says why.
    public mutating func stored(
        _ storing: GroupStoring,
        _ code: KafkaErrorCode,
        now: GroupTime
    ) {
        context.now = now
        switch storing {
        case .nothing: break
        case .answer(let ticket, let answer):
            context.answer(ticket, code == .none ? answer : answer.failed(code))
        case .assignment(let groupID, let generation, let assignments):
            groups[groupID]?.assigned(assignments, in: generation, code, &context)
        case .replacement(let replacement):
            groups[replacement.groupID]?.replaced(replacement, code, &context)
        }
    }

    /// Takes up a group that the log holds. Its members have one session timeout to show up.
    public mutating func restore(_ snapshot: GroupSnapshot, now: MonotonicTime) {
        context.now = GroupTime(now, wall: snapshot.stateTimestamp)
        remove(snapshot.groupID)
        var group = ConsumerGroup(groupID: snapshot.groupID, &context)
        group.restore(snapshot, &context)
        if group.members.count > context.settings.membersMax { group.beginJoin(&context) }
        groups[snapshot.groupID] = group
    }

    // MARK: Groups

    /// False when there is no room for another group.
    private mutating func add(_ groupID: String) -> Bool {
        let bytes = ConsumerGroup.overheadBytes + groupID.utf8.count
        guard groups.count < context.settings.groupsMax, context.hasRoom(for: bytes) else {
            context.counters.refused.add()
            context.note(.refused(.coordinatorNotAvailable), of: groupID)
            return false
        }
        groups[groupID] = ConsumerGroup(groupID: groupID, &context)
        return true
    }

    /// Sees to it that a group is there which only keeps offsets; nobody need ever join it.
    mutating func ensureGroup(_ groupID: String) -> Bool {
        groups[groupID] != nil || add(groupID)
    }

    mutating func heard(_ memberID: String, in groupID: String) {
        groups[groupID]?.heard(memberID, &context)
    }

    mutating func remove(_ groupID: String) {
        groups[groupID]?.disband(&context)
        groups[groupID] = nil
    }
}

extension GroupSnapshot {
    /// A group that nobody has joined yet.
    static func empty(_ groupID: String, since time: Timestamp) -> GroupSnapshot {
        GroupSnapshot(groupID: groupID, generation: 0, stateTimestamp: time)
    }
}
