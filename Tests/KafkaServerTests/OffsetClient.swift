import BrokerModel
import KafkaWire
import Testing

/// What a group has committed of one partition, as OffsetFetch tells it.
struct FetchedOffset: Equatable {
    var offset: Int64 = -1
    var metadata = ""
    var epoch: Int32 = -1
    var code = KafkaErrorCode.none
}

extension TestClient {
    func sendCommit(
        _ offsets: [Int32: Int64],
        of topic: String = "t",
        id: UUIDBytes = .zero,
        group: String = "g",
        generation: Int32 = -1,
        metadata: String? = "",
        epoch: Int32 = -1,
        retention: Int64 = -1,
        _ version: Int16 = 9
    ) throws -> Int32 {
        let partitions = offsets.sorted { $0.key < $1.key }.map { index, offset in
            var partition = OffsetCommitRequest.Partition(
                index: index,
                committedOffset: Offset(offset)
            )
            partition.committedMetadata = metadata
            partition.committedLeaderEpoch = LeaderEpoch(epoch)
            return partition
        }
        var request = OffsetCommitRequest(
            groupID: group,
            topics: [.init(name: topic, id: id, partitions: partitions)]
        )
        request.generationIDOrMemberEpoch = generation
        request.retentionTimeMilliseconds = retention
        return try send(.offsetCommit, version) { request.write(to: &$0, version: version) }
    }

    func receiveCommit(_ number: Int32, _ version: Int16 = 9) throws -> [KafkaErrorCode] {
        let response = try receive(.offsetCommit, version, number) {
            try OffsetCommitResponse(reading: &$0, version: version)
        }
        return response.topics.flatMap(\.partitions).map(\.errorCode)
    }

    /// Commits to partitions of one topic, and returns what was said of each.
    func commit(
        _ offsets: [Int32: Int64],
        of topic: String = "t",
        id: UUIDBytes = .zero,
        group: String = "g",
        generation: Int32 = -1,
        metadata: String? = "",
        epoch: Int32 = -1,
        retention: Int64 = -1,
        _ version: Int16 = 9
    ) throws -> [KafkaErrorCode] {
        let number = try sendCommit(
            offsets,
            of: topic,
            id: id,
            group: group,
            generation: generation,
            metadata: metadata,
            epoch: epoch,
            retention: retention,
            version
        )
        return try receiveCommit(number, version)
    }

    func fetchOffsets(
        _ groups: [OffsetFetchRequest.Group],
        _ version: Int16 = 9
    ) throws -> [OffsetFetchResponse.Group] {
        let request = OffsetFetchRequest(groups: groups)
        let number = try send(.offsetFetch, version) { request.write(to: &$0, version: version) }
        return try receive(.offsetFetch, version, number) {
            try OffsetFetchResponse(reading: &$0, version: version)
        }.groups
    }

    func committed(
        _ partition: Int32 = 0,
        of topic: String = "t",
        id: UUIDBytes = .zero,
        group: String = "g",
        _ version: Int16 = 9
    ) throws -> FetchedOffset {
        let wanted = OffsetFetchRequest.Topic(name: topic, id: id, partitions: [partition])
        let groups = try fetchOffsets([.init(groupID: group, topics: [wanted])], version)
        let found = try #require(groups.first?.topics.first?.partitions.first)
        return FetchedOffset(
            offset: found.committedOffset.rawValue,
            metadata: found.metadata ?? "null",
            epoch: found.committedLeaderEpoch.rawValue,
            code: found.errorCode
        )
    }

    /// Everything that a group has committed: `topic-partition` and offset.
    func allCommitted(_ group: String = "g", _ version: Int16 = 9) throws -> [String: Int64] {
        let groups = try fetchOffsets([.init(groupID: group, topics: nil)], version)
        var found: [String: Int64] = [:]
        for topic in groups.first?.topics ?? [] {
            for partition in topic.partitions {
                found["\(topic.name)-\(partition.index)"] = partition.committedOffset.rawValue
            }
        }
        return found
    }

    func deleteOffsets(
        _ partitions: [Int32],
        of topic: String = "t",
        group: String = "g"
    ) throws -> (group: KafkaErrorCode, partitions: [KafkaErrorCode]) {
        let request = OffsetDeleteRequest(
            groupID: group,
            topics: [.init(name: topic, partitions: partitions.map { .init(index: $0) })]
        )
        let number = try send(.offsetDelete, 0) { request.write(to: &$0, version: 0) }
        let response = try receive(.offsetDelete, 0, number) {
            try OffsetDeleteResponse(reading: &$0, version: 0)
        }
        return (response.errorCode, response.topics.flatMap(\.partitions).map(\.errorCode))
    }

    func deleteTopic(_ name: String) throws {
        let topic = DeleteTopicsRequest.Topic(name: name)
        let request = DeleteTopicsRequest(topics: [topic], timeoutMilliseconds: 10_000)
        let number = try send(.deleteTopics, 5) { request.write(to: &$0, version: 5) }
        let response = try receive(.deleteTopics, 5, number) {
            try DeleteTopicsResponse(reading: &$0, version: 5)
        }
        #expect(response.topics.map(\.errorCode) == [.none])
    }

    func createTopic(_ name: String) throws {
        var topic = CreateTopicsRequest.Topic(name: name)
        topic.partitionCount = 1
        topic.replicationFactor = 1
        let request = CreateTopicsRequest(topics: [topic], timeoutMilliseconds: 10_000)
        let number = try send(.createTopics, 7) { request.write(to: &$0, version: 7) }
        let response = try receive(.createTopics, 7, number) {
            try CreateTopicsResponse(reading: &$0, version: 7)
        }
        #expect(response.topics.map(\.errorCode) == [.none])
    }
}
