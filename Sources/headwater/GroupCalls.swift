import BrokerModel
import KafkaWire

// What commands ask of the coordinator of a group; with one broker that is this broker.
extension KafkaClient {
    func groups(inStates states: [String]) throws(KafkaClientError) -> [ListGroupsResponse.Group] {
        var request = ListGroupsRequest()
        request.statesFilter = states
        var patience = CoordinatorPatience(self)
        while true {
            let answer = try exchange(
                .listGroups,
                5,
                request.write(to:version:),
                ListGroupsResponse.init(reading:version:)
            )
            if try patience.asksAgain(after: answer.errorCode) { continue }
            guard answer.errorCode == .none else { throw .broker(answer.errorCode, "the groups") }
            return answer.groups.sorted { $0.groupID < $1.groupID }
        }
    }

    func describe(group: String) throws(KafkaClientError) -> DescribeGroupsResponse.Group {
        let request = DescribeGroupsRequest(groupIDs: [group])
        var patience = CoordinatorPatience(self)
        while true {
            let found = try exchange(
                .describeGroups,
                5,
                request.write(to:version:),
                DescribeGroupsResponse.init(reading:version:)
            ).groups.first
            let code = found?.errorCode ?? .unknownServerError
            if try patience.asksAgain(after: code) { continue }
            guard let found, code == .none else { throw .broker(code, "group '\(group)'") }
            return found
        }
    }

    /// Of all partitions that the group has committed, or of those named.
    func committedOffsets(
        of group: String,
        _ partitions: [PartitionName]? = nil
    ) throws(KafkaClientError) -> [PartitionName: Offset] {
        let topics = partitions.map { partitions in
            Dictionary(grouping: partitions, by: \.topic).sorted { $0.key < $1.key }.map {
                OffsetFetchRequest.Topic(name: $0.key, partitions: $0.value.map(\.index))
            }
        }
        let request = OffsetFetchRequest(groups: [.init(groupID: group, topics: topics)])
        var patience = CoordinatorPatience(self)
        while true {
            let found = try exchange(
                .offsetFetch,
                8,
                request.write(to:version:),
                OffsetFetchResponse.init(reading:version:)
            ).groups.first
            let code = found?.errorCode ?? .unknownServerError
            if try patience.asksAgain(after: code) { continue }
            guard let found, code == .none else { throw .broker(code, "group '\(group)'") }
            let committed = found.topics.byPartition(\.index).filter { _, partition in
                partition.errorCode == .none && partition.committedOffset >= .zero
            }
            return committed.mapValues(\.committedOffset)
        }
    }

    /// Commits as the member that `membership` says, or from outside of an empty group. Says how it
    /// went for each partition.
    func commit(
        _ offsets: [PartitionName: Offset],
        of group: String,
        as membership: GroupMembership? = nil
    ) throws(KafkaClientError) -> [PartitionName: KafkaErrorCode] {
        var request = OffsetCommitRequest(
            groupID: group,
            topics: offsets.keys.blocks { partition in
                .init(index: partition.index, committedOffset: offsets[partition] ?? .zero)
            }
        )
        if let membership {
            request.memberID = membership.memberID
            request.generationIDOrMemberEpoch = membership.generation
            request.groupInstanceID = membership.instanceID
        }
        var patience = CoordinatorPatience(self)
        while true {
            let codes = try exchange(
                .offsetCommit,
                8,
                request.write(to:version:),
                OffsetCommitResponse.init(reading:version:)
            ).topics.byPartition(\.index).mapValues(\.errorCode)
            let code = codes.values.first { $0 != .none } ?? .none
            if try !patience.asksAgain(after: code) { return codes }
        }
    }

    func delete(groups: [String]) throws(KafkaClientError) -> [DeleteGroupsResponse.Result] {
        let request = DeleteGroupsRequest(groupIDs: groups)
        var patience = CoordinatorPatience(self)
        while true {
            let results = try exchange(
                .deleteGroups,
                2,
                request.write(to:version:),
                DeleteGroupsResponse.init(reading:version:)
            ).results
            let code = results.first?.errorCode ?? .none
            if try !patience.asksAgain(after: code) { return results }
        }
    }

    func deleteOffsets(
        of group: String,
        _ partitions: [PartitionName]
    ) throws(KafkaClientError) -> [PartitionName: KafkaErrorCode] {
        let request = OffsetDeleteRequest(
            groupID: group,
            topics: partitions.blocks { .init(index: $0.index) }
        )
        var patience = CoordinatorPatience(self)
        while true {
            let answer = try exchange(
                .offsetDelete,
                0,
                request.write(to:version:),
                OffsetDeleteResponse.init(reading:version:)
            )
            if try patience.asksAgain(after: answer.errorCode) { continue }
            guard answer.errorCode == .none else {
                throw .broker(answer.errorCode, "group '\(group)'")
            }
            return answer.topics.byPartition(\.index).mapValues(\.errorCode)
        }
    }
}

/// Has a request asked again as long as the coordinator has not read all of its groups, which after
/// a start takes it a while.
struct CoordinatorPatience {
    private static let pause = Duration.milliseconds(200)

    private let client: KafkaClient
    private var attemptsLeft = 150

    init(_ client: KafkaClient) { self.client = client }

    mutating func asksAgain(after code: KafkaErrorCode) throws(KafkaClientError) -> Bool {
        switch code {
        case .coordinatorLoadInProgress, .coordinatorNotAvailable, .notCoordinator:
            guard attemptsLeft > 0 else { return false }
            attemptsLeft -= 1
            try client.pause(Self.pause)
            return true
        default: return false
        }
    }
}
