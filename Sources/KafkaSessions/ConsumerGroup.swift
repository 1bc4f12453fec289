import BrokerModel
import KafkaWire

/// One classic group: who is in it, what they agreed on and what it is doing. What happens to it is
/// in the files beside this one, by the kind of request.
struct ConsumerGroup: Sendable {
    /// While a new group waits for its first members.
    struct InitialDelay {
        var current: Duration
        var remaining: Duration
    }

    static let overheadBytes = 512

    let groupID: String
    private(set) var state = GroupState.empty
    private(set) var stateTimestamp: Timestamp
    private(set) var generation: Int32 = 0
    private(set) var protocolType: String?
    private(set) var protocolName: String?
    private(set) var leader: String?
    private(set) var members: [String: GroupMember] = [:]
    /// Member ids by instance id.
    private(set) var staticMembers: [String: String] = [:]
    /// Ids that were given to clients who have not joined with them.
    private(set) var pending: Set<String> = []
    /// Members who were told the new generation and have not asked for their assignment.
    private(set) var unsynced: Set<String> = []
    /// What members with the consumer protocol read; nil when it is not known.
    private(set) var subscribedTopics: Set<String>?
    /// While it is set, the join ends by the clock and not when all are there.
    var initialDelay: InitialDelay?
    var hasNewMember = false

    /// What the members take: no more than one group may, as all of it goes to its leader at once.
    private(set) var memberBytes = 0
    private var support: [String: Int] = [:]
    private(set) var waitingJoins = 0

    init(groupID: String, _ context: inout GroupContext) {
        self.groupID = groupID
        stateTimestamp = context.now.wall
        context.countState(from: nil, to: state)
        context.resize(from: 0, to: bytes)
    }

    private var bytes: Int { Self.overheadBytes + groupID.utf8.count }

    /// Takes the group out of the sums. It has no members, and is not used again.
    mutating func disband(_ context: inout GroupContext) {
        for memberID in pending { remove(memberID, &context) }
        context.deadlines.cancel(.join(group: groupID))
        context.deadlines.cancel(.sync(group: groupID))
        context.countState(from: state, to: nil)
        context.resize(from: bytes, to: 0)
    }

    // MARK: Asking

    /// In the order in which they joined.
    var membersInOrder: [GroupMember] { members.values.sorted { $0.number < $1.number } }

    var haveAllJoined: Bool { members.count == waitingJoins && pending.isEmpty }

    /// The longest that any member asks for.
    var rebalanceTimeout: Duration {
        .milliseconds(Int64(max(0, members.values.map(\.rebalanceTimeout).max() ?? 0)))
    }

    /// Whether somebody who offers these could be among the members.
    func takes(_ protocols: [GroupProtocol], of type: String) -> Bool {
        if state == .empty { return !type.isEmpty && !protocols.isEmpty }
        guard protocolType == type else { return false }
        return protocols.contains { support[$0.name, default: 0] == members.count }
    }

    /// The protocol that most members like best of those that all of them offer.
    var electedProtocol: String? {
        let candidates = Set(support.filter { $0.value == members.count }.keys)
        var votes: [String: Int] = [:]
        for member in members.values {
            if let vote = member.vote(among: candidates) { votes[vote, default: 0] += 1 }
        }
        // By name where votes are even: the same members always agree on the same.
        return votes.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    }

    /// Whether the member is who it says.
    func check(_ memberID: String, _ instanceID: String?) -> KafkaErrorCode {
        if let instanceID {
            guard let current = staticMembers[instanceID] else { return .unknownMemberID }
            guard current == memberID else { return .fencedInstanceID }
        }
        return members[memberID] == nil ? .unknownMemberID : .none
    }

    func snapshot(assigning assignments: [String: [UInt8]]? = nil) -> GroupSnapshot {
        GroupSnapshot(
            groupID: groupID,
            protocolType: protocolType,
            generation: generation,
            protocolName: protocolName,
            leader: leader,
            stateTimestamp: stateTimestamp,
            members: membersInOrder.map { member in
                GroupSnapshot.Member(
                    memberID: member.memberID,
                    instanceID: member.instanceID,
                    clientID: member.clientID,
                    clientHost: member.clientHost,
                    rebalanceTimeout: member.rebalanceTimeout,
                    sessionTimeout: member.sessionTimeout,
                    subscription: member.metadata(for: protocolName),
                    assignment: assignments.map { $0[member.memberID] ?? [] } ?? member.assignment
                )
            }
        )
    }

    // MARK: Changing

    mutating func move(to next: GroupState, _ context: inout GroupContext) {
        context.countState(from: state, to: next)
        state = next
        stateTimestamp = context.now.wall
    }

    /// Counts the next generation, for the members that are left.
    mutating func beginGeneration(_ context: inout GroupContext) {
        generation = generation == .max ? 0 : generation + 1
        unsynced = []
        protocolName = members.isEmpty ? nil : electedProtocol
        learnSubscriptions()
        move(to: members.isEmpty ? .empty : .completingRebalance, &context)
    }

    mutating func addPending(_ memberID: String, _ context: inout GroupContext) {
        guard pending.insert(memberID).inserted else { return }
        context.resize(from: 0, to: GroupMember.bytes([], ids: [memberID]))
    }

    mutating func add(
        _ member: GroupMember,
        of type: String?,
        _ context: inout GroupContext
    ) {
        removePending(member.memberID, &context)
        if members.isEmpty { protocolType = type }
        if let instanceID = member.instanceID { staticMembers[instanceID] = member.memberID }
        leader = leader ?? member.memberID
        members[member.memberID] = member
        countSupport(of: member, 1)
        if member.joining != nil { waitingJoins += 1 }
        context.countMembers(1)
        memberBytes += member.bytes
        context.resize(from: 0, to: member.bytes)
    }

    /// Forgets a member, or an id that nobody has joined with.
    @discardableResult
    mutating func remove(_ memberID: String, _ context: inout GroupContext) -> GroupMember? {
        context.deadlines.cancel(.member(group: groupID, memberID))
        removePending(memberID, &context)
        unsynced.remove(memberID)
        guard let member = members.removeValue(forKey: memberID) else { return nil }
        countSupport(of: member, -1)
        if member.joining != nil { waitingJoins -= 1 }
        if let instanceID = member.instanceID { staticMembers[instanceID] = nil }
        if leader == memberID { leader = membersInOrder.first?.memberID }
        context.countMembers(-1)
        memberBytes -= member.bytes
        context.resize(from: member.bytes, to: 0)
        return member
    }

    private mutating func removePending(_ memberID: String, _ context: inout GroupContext) {
        guard pending.remove(memberID) != nil else { return }
        context.resize(from: GroupMember.bytes([], ids: [memberID]), to: 0)
    }

    /// Changes one member in place.
    mutating func update(
        _ memberID: String,
        _ context: inout GroupContext,
        _ change: (inout GroupMember) -> Void
    ) {
        guard var member = members.removeValue(forKey: memberID) else { return }
        let (bytes, waited) = (member.bytes, member.joining != nil)
        countSupport(of: member, -1)
        change(&member)
        countSupport(of: member, 1)
        waitingJoins += (member.joining != nil ? 1 : 0) - (waited ? 1 : 0)
        memberBytes += member.bytes - bytes
        context.resize(from: bytes, to: member.bytes)
        members[member.memberID] = member
    }

    /// Gives a static member another id. Whoever used the old one is fenced by that.
    mutating func rename(
        _ memberID: String,
        to newID: String,
        _ context: inout GroupContext
    ) {
        context.deadlines.cancel(.member(group: groupID, memberID))
        update(memberID, &context) { $0.memberID = newID }
        if let instanceID = members[newID]?.instanceID { staticMembers[instanceID] = newID }
        if leader == memberID { leader = newID }
        if unsynced.remove(memberID) != nil { unsynced.insert(newID) }
    }

    /// Sees to it that somebody who is there leads. False when nobody is.
    mutating func electLeader() -> Bool {
        guard let current = leader, let member = members[current] else { return false }
        guard member.joining == nil else { return true }
        guard let next = membersInOrder.first(where: { $0.joining != nil }) else { return false }
        leader = next.memberID
        return true
    }

    mutating func awaitSync(of memberID: String) { unsynced.insert(memberID) }

    mutating func hasSynced(_ memberID: String, _ context: inout GroupContext) {
        unsynced.remove(memberID)
        if unsynced.isEmpty { context.deadlines.cancel(.sync(group: groupID)) }
    }

    mutating func forgetSyncs(_ context: inout GroupContext) {
        unsynced = []
        context.deadlines.cancel(.sync(group: groupID))
    }

    private mutating func countSupport(of member: GroupMember, _ change: Int) {
        for name in Set(member.protocols.map(\.name)) {
            let count = support[name, default: 0] + change
            support[name] = count == 0 ? nil : count
        }
    }

    private mutating func learnSubscriptions() {
        subscribedTopics = nil
        guard protocolType == ConsumerSubscription.protocolType else { return }
        var topics: Set<String> = []
        for member in members.values {
            guard let own = ConsumerSubscription.topics(in: member.metadata(for: protocolName))
            else { return }
            topics.formUnion(own)
        }
        subscribedTopics = topics
    }

    /// Takes up what the log knows. Its members keep their ids and have one session timeout.
    mutating func restore(_ snapshot: GroupSnapshot, _ context: inout GroupContext) {
        generation = snapshot.generation
        protocolName = snapshot.protocolName
        for member in snapshot.members where members[member.memberID] == nil {
            let number = context.nextMemberNumber()
            add(
                GroupMember(member, protocolName: protocolName, number: number),
                of: snapshot.protocolType,
                &context
            )
            context.schedule(
                .member(group: groupID, member.memberID),
                after: .milliseconds(Int64(member.sessionTimeout))
            )
        }
        protocolType = snapshot.protocolType
        if let named = snapshot.leader, members[named] != nil { leader = named }
        learnSubscriptions()
        if !members.isEmpty { move(to: .stable, &context) }
        stateTimestamp = snapshot.stateTimestamp
    }
}
