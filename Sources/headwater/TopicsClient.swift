import BrokerModel
import CommitLog
import KafkaWire

/// A topic as the commands show it.
struct TopicSummary {
    struct Partition {
        let index: Int32
        let leaderEpoch: Int32
        /// Nil for a partition that cannot be read.
        var offsets: Range<Int64>?
        /// On the disk, without indexes; only where it was asked for.
        var bytes: Int64?
    }

    let name: String
    let id: UUIDBytes
    let isInternal: Bool
    var partitions: [Partition]
    /// Only where they were asked for.
    var settings: [ConfigEntry] = []

    var records: Int64 { partitions.reduce(0) { $0 + Int64($1.offsets?.count ?? 0) } }
}

/// The requests that the `topics` commands send. What the broker refuses ends the command.
final class TopicsClient {
    private static let metadataVersion: Int16 = 12
    private static let listOffsetsVersion: Int16 = 7
    private static let createVersion: Int16 = 7
    private static let deleteVersion: Int16 = 6
    private static let describeVersion: Int16 = 4
    static let timeoutMilliseconds: Int32 = 25_000

    let client: KafkaClient

    init(_ client: KafkaClient) throws { self.client = client }

    func topics() throws -> [MetadataResponse.Topic] { try metadata(nil) }

    func topic(_ name: String) throws -> MetadataResponse.Topic {
        let found = try metadata([.init(name: name)]).first
        guard let found, found.errorCode == .none else {
            throw Self.refusal(name, found?.errorCode ?? .unknownTopicOrPartition, nil)
        }
        return found
    }

    private func metadata(
        _ topics: [MetadataRequest.Topic]?
    ) throws -> [MetadataResponse.Topic] {
        var request = MetadataRequest(topics: topics)
        request.allowsTopicCreation = false
        return try client.exchange(.metadata, version: Self.metadataVersion) {
            request.write(to: &$0, version: Self.metadataVersion)
        } decode: { reader throws(KafkaWireError) in
            try MetadataResponse(reading: &reader, version: Self.metadataVersion).topics
        }
    }

    func summary(of topic: MetadataResponse.Topic) throws -> TopicSummary {
        let name = topic.name ?? ""
        let starts = try offsets(of: name, topic.partitions, at: ListOffsetsPlace.earliest)
        let ends = try offsets(of: name, topic.partitions, at: ListOffsetsPlace.latest)
        let partitions = topic.partitions.map { partition in
            var summary = TopicSummary.Partition(
                index: partition.index,
                leaderEpoch: partition.leaderEpoch.rawValue
            )
            if let start = starts[partition.index], let end = ends[partition.index], start <= end {
                summary.offsets = start..<end
            }
            return summary
        }
        return TopicSummary(
            name: name,
            id: topic.id,
            isInternal: topic.isInternal,
            partitions: partitions.sorted { $0.index < $1.index }
        )
    }

    private func offsets(
        of topic: String,
        _ partitions: [MetadataResponse.Partition],
        at place: Timestamp
    ) throws -> [Int32: Int64] {
        let request = ListOffsetsRequest(topics: [
            .init(
                name: topic,
                partitions: partitions.map { .init(index: $0.index, timestamp: place) }
            )
        ])
        let version = Self.listOffsetsVersion
        let response = try client.exchange(.listOffsets, version: version) {
            request.write(to: &$0, version: version)
        } decode: { reader throws(KafkaWireError) in
            try ListOffsetsResponse(reading: &reader, version: version)
        }
        var offsets: [Int32: Int64] = [:]
        for partition in response.topics.flatMap(\.partitions)
        where partition.errorCode == .none {
            offsets[partition.index] = partition.offset.rawValue
        }
        return offsets
    }

    func settings(of topic: String) throws -> [ConfigEntry] {
        let request = DescribeConfigsRequest(resources: [.init(type: .topic, name: topic)])
        let version = Self.describeVersion
        let response = try client.exchange(.describeConfigs, version: version) {
            request.write(to: &$0, version: version)
        } decode: { reader throws(KafkaWireError) in
            try DescribeConfigsResponse(reading: &reader, version: version)
        }
        guard let result = response.results.first, result.errorCode == .none else {
            let result = response.results.first
            throw Self.refusal(
                topic,
                result?.errorCode ?? .unknownServerError,
                result?.errorMessage
            )
        }
        return result.entries
    }

    func create(
        _ topics: [String],
        partitions: Int32,
        settings: [(key: String, value: String)],
        validatesOnly: Bool
    ) throws -> (made: [CreateTopicsResponse.Topic], refused: Failure?) {
        var request = CreateTopicsRequest(
            topics: topics.map { name in
                var topic = CreateTopicsRequest.Topic(name: name)
                topic.partitionCount = partitions
                topic.settings = settings.map { .init(name: $0.key, value: $0.value) }
                return topic
            },
            timeoutMilliseconds: Self.timeoutMilliseconds
        )
        request.validatesOnly = validatesOnly
        let version = Self.createVersion
        let response = try client.exchange(.createTopics, version: version) {
            request.write(to: &$0, version: version)
        } decode: { reader throws(KafkaWireError) in
            try CreateTopicsResponse(reading: &reader, version: version)
        }
        let refused = response.topics.first { $0.errorCode != .none }
        return (
            response.topics.filter { $0.errorCode == .none },
            refused.map { Self.refusal($0.name, $0.errorCode, $0.errorMessage) }
        )
    }

    func delete(_ topics: [String]) throws -> (gone: [String], refused: Failure?) {
        let request = DeleteTopicsRequest(
            topics: topics.map { .init(name: $0) },
            timeoutMilliseconds: Self.timeoutMilliseconds
        )
        let version = Self.deleteVersion
        let response = try client.exchange(.deleteTopics, version: version) {
            request.write(to: &$0, version: version)
        } decode: { reader throws(KafkaWireError) in
            try DeleteTopicsResponse(reading: &reader, version: version)
        }
        let refused = response.topics.first { $0.errorCode != .none }
        return (
            response.topics.filter { $0.errorCode == .none }.compactMap(\.name),
            refused.map { Self.refusal($0.name ?? "", $0.errorCode, $0.errorMessage) }
        )
    }

    /// One line that names the fix.
    static func refusal(
        _ topic: String,
        _ code: KafkaErrorCode,
        _ message: String?
    ) -> Failure {
        switch code {
        case .unknownTopicOrPartition:
            .refused("there is no topic '\(topic)'; 'headwater topics list' shows what there is")
        case .invalidConfig:
            .refused(
                "topic '\(topic)': \(message ?? "\(code)"); a topic's settings are "
                    + TopicSettings.keys.map(\.name).joined(separator: ", ")
            )
        default: .refused("topic '\(topic)': \(message ?? "\(code)")")
        }
    }
}
