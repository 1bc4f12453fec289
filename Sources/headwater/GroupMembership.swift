import BrokerModel
import KafkaWire
import Posix

/// This process as a member of a group, by the classic protocol: it joins, keeps its place, and
/// leaves. One thread does it all, so who owns it calls `isKept` often enough.
final class GroupMembership {
    private static let sessionTimeout = Duration.seconds(10)
    private static let heartbeatInterval = Duration.seconds(3)
    private static let rebalanceTimeout = Duration.seconds(60)
    private static let protocolType = "consumer"

    let group: String
    let instanceID: String?
    private(set) var memberID = ""
    private(set) var generation: Int32 = -1

    private let client: KafkaClient
    private let selection: TopicSelection
    /// What this member subscribed to when it joined.
    private var subscribed: [String] = []
    private var nextHeartbeat: Int64 = 0
    /// What the leader has dealt out, so that it sees where topics have grown.
    private var dealt: [PartitionName]?

    init(_ client: KafkaClient, group: String, _ selection: TopicSelection, instanceID: String?) {
        self.client = client
        self.group = group
        self.selection = selection
        self.instanceID = instanceID
    }

    /// Joins, or joins again, and says what this member is to read.
    func join() throws(KafkaClientError) -> [PartitionName] {
        while true {
            let joined = try joinGroup()
            switch joined.errorCode {
            case .none: break
            case .memberIDRequired:
                memberID = joined.memberID
                continue
            case .unknownMemberID:
                memberID = ""
                continue
            case .rebalanceInProgress: continue
            default: throw .broker(joined.errorCode, "group '\(group)'")
            }
            memberID = joined.memberID
            generation = joined.generationID
            let synced = try syncGroup(joined)
            switch synced.errorCode {
            case .none: break
            case .rebalanceInProgress, .illegalGeneration: continue
            case .unknownMemberID:
                memberID = ""
                continue
            default: throw .broker(synced.errorCode, "group '\(group)'")
            }
            noteSign()
            guard let assigned = ConsumerProtocol.partitions(ofAssignment: synced.assignment) else {
                throw .broker(.inconsistentGroupProtocol, "group '\(group)'")
            }
            return assigned
        }
    }

    private func joinGroup() throws(KafkaClientError) -> JoinGroupResponse {
        subscribed = try selection.topics(client)
        let subscription = ConsumerProtocol.subscription(to: subscribed)
        var request = JoinGroupRequest(
            groupID: group,
            sessionTimeoutMilliseconds: Int32(Self.sessionTimeout.wholeMilliseconds),
            memberID: memberID,
            protocolType: Self.protocolType,
            protocols: Assignor.allCases.map { .init(name: $0.rawValue, metadata: subscription) }
        )
        request.rebalanceTimeoutMilliseconds = Int32(Self.rebalanceTimeout.wholeMilliseconds)
        request.groupInstanceID = instanceID
        var patience = CoordinatorPatience(client)
        while true {
            let answer = try client.exchange(
                .joinGroup,
                7,
                // The others have that long to join again.
                timeout: Self.rebalanceTimeout + .seconds(30),
                request.write(to:version:),
                JoinGroupResponse.init(reading:version:)
            )
            if try !patience.asksAgain(after: answer.errorCode) { return answer }
        }
    }

    private func syncGroup(
        _ joined: JoinGroupResponse
    ) throws(KafkaClientError) -> SyncGroupResponse {
        var request = SyncGroupRequest(
            groupID: group,
            generationID: generation,
            memberID: memberID
        )
        request.groupInstanceID = instanceID
        request.protocolType = Self.protocolType
        request.protocolName = joined.protocolName
        dealt = nil
        if joined.leader == memberID { request.assignments = try assignments(joined) }
        var patience = CoordinatorPatience(client)
        while true {
            let answer = try client.exchange(
                .syncGroup,
                5,
                timeout: Self.rebalanceTimeout + .seconds(30),
                request.write(to:version:),
                SyncGroupResponse.init(reading:version:)
            )
            if try !patience.asksAgain(after: answer.errorCode) { return answer }
        }
    }

    /// The leader's part.
    private func assignments(
        _ joined: JoinGroupResponse
    ) throws(KafkaClientError) -> [SyncGroupRequest.Assignment] {
        guard let assignor = joined.protocolName.flatMap(Assignor.init) else {
            throw .broker(.inconsistentGroupProtocol, "group '\(group)'")
        }
        let members = joined.members.map { member in
            Assignor.Member(
                id: member.memberID,
                instanceID: member.groupInstanceID,
                topics: Set(ConsumerProtocol.topics(ofSubscription: member.metadata) ?? [])
            )
        }
        let partitions = try present(members.reduce(into: Set()) { $0.formUnion($1.topics) })
        dealt = partitions
        return assignor.assign(partitions, to: members).map { id, partitions in
            .init(memberID: id, assignment: ConsumerProtocol.assignment(of: partitions))
        }
    }

    /// The partitions of those topics that are there; another member may wait for one that is not.
    private func present(_ topics: Set<String>) throws(KafkaClientError) -> [PartitionName] {
        guard !topics.isEmpty else { return [] }
        return try client.topics(topics.sorted()).filter { $0.errorCode == .none }.flatMap {
            topic in
            topic.partitions.map { PartitionName(topic: topic.name ?? "", index: $0.index) }
        }.sorted()
    }

    /// Gives a sign of life where one is due. False when this member has to join again.
    func isKept() throws(KafkaClientError) -> Bool {
        guard generation >= 0 else { return false }
        guard SystemClock.monotonicNanoseconds >= nextHeartbeat else { return true }
        noteSign()
        var request = HeartbeatRequest(
            groupID: group,
            generationID: generation,
            memberID: memberID
        )
        request.groupInstanceID = instanceID
        let code = try client.exchange(
            .heartbeat,
            4,
            request.write(to:version:),
            HeartbeatResponse.init(reading:version:)
        ).errorCode
        guard code == .none else { return try stays(after: code) }
        if selection.isPattern, try selection.topics(client) != subscribed { return false }
        guard let dealt else { return true }
        return try present(Set(dealt.map(\.topic))) == dealt
    }

    /// Commits, from within the generation. False when this member has to join again.
    func commit(
        _ offsets: [PartitionName: Offset],
        over client: KafkaClient
    ) throws(KafkaClientError) -> Bool {
        guard !offsets.isEmpty, generation >= 0 else { return true }
        let codes = try client.commit(offsets, of: group, as: self)
        for (partition, code) in codes where code != .none {
            if code == .unknownTopicOrPartition { throw .broker(code, "partition \(partition)") }
            return try stays(after: code)
        }
        return true
    }

    private func stays(after code: KafkaErrorCode) throws(KafkaClientError) -> Bool {
        switch code {
        case .none: return true
        case .rebalanceInProgress:
            nextHeartbeat = 0
            return false
        case .coordinatorLoadInProgress, .coordinatorNotAvailable, .notCoordinator:
            nextHeartbeat = 0
            return true
        case .illegalGeneration, .unknownMemberID:
            memberID = ""
            generation = -1
            return false
        default: throw .broker(code, "group '\(group)'")
        }
    }

    /// Hands this member's partitions to the others at once. A static member's stay its own until
    /// its session is over (KIP-345).
    func leave(over client: KafkaClient) throws(KafkaClientError) {
        guard !memberID.isEmpty, instanceID == nil else { return }
        let request = LeaveGroupRequest(groupID: group, members: [.init(memberID: memberID)])
        _ = try client.exchange(
            .leaveGroup,
            4,
            request.write(to:version:),
            LeaveGroupResponse.init(reading:version:)
        )
    }

    private func noteSign() {
        nextHeartbeat = SystemClock.monotonicNanoseconds + Self.heartbeatInterval.nanoseconds
    }
}
