import BrokerModel
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
struct TopicsClient {
    static let timeoutMilliseconds: Int32 = 25_000

    let client: KafkaClient

    func topics() throws -> [MetadataResponse.Topic] { try client.topics() }

    func topic(_ name: String) throws -> MetadataResponse.Topic {
        let found = try client.topics([name]).first
        guard let found, found.errorCode == .none else {
            throw Self.refusal(name, found?.errorCode ?? .unknownTopicOrPartition, nil)
        }
        return found
    }

    func summary(of topic: MetadataResponse.Topic) throws -> TopicSummary {
        let name = topic.name ?? ""
        let all = topic.partitions.map { PartitionName(topic: name, index: $0.index) }
        let starts = try client.places(of: all, at: ListOffsetsPlace.earliest)
        let ends = try client.places(of: all, at: ListOffsetsPlace.latest)
        let partitions = topic.partitions.map { partition in
            var summary = TopicSummary.Partition(
                index: partition.index,
                leaderEpoch: partition.leaderEpoch.rawValue
            )
            let place = PartitionName(topic: name, index: partition.index)
            if let start = starts[place], let end = ends[place], start.errorCode == .none,
                end.errorCode == .none, start.offset <= end.offset
            {
                summary.offsets = start.offset.rawValue..<end.offset.rawValue
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

    func settings(of topic: String) throws -> [ConfigEntry] {
        let request = DescribeConfigsRequest(resources: [.init(type: .topic, name: topic)])
        let response = try client.exchange(
            .describeConfigs,
            4,
            request.write(to:version:),
            DescribeConfigsResponse.init(reading:version:)
        )
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
        ifNotExists: Bool,
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
        let response = try client.exchange(
            .createTopics,
            7,
            request.write(to:version:),
            CreateTopicsResponse.init(reading:version:)
        )
        let refused = response.topics.first {
            $0.errorCode != .none && !(ifNotExists && $0.errorCode == .topicAlreadyExists)
        }
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
        let response = try client.exchange(
            .deleteTopics,
            6,
            request.write(to:version:),
            DeleteTopicsResponse.init(reading:version:)
        )
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
                "topic '\(topic)': \(message ?? "\(code)"); 'headwater config describe' has all "
                    + "settings of a topic, as settings.NAME under routes"
            )
        default: .refused("topic '\(topic)': \(message ?? "\(code)")")
        }
    }
}
