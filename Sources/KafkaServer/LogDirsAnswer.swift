import BrokerModel
import CommitLog
import KafkaWire
import Partitions

// The one data directory: what lies in it, and that nothing can lie elsewhere (KIP-113).
extension BrokerAnswers {
    func describeLogDirs(_ request: DescribeLogDirsRequest) -> DescribeLogDirsResponse {
        var directory = DescribeLogDirsResponse.Directory(path: configuration.dataDirectory)
        if let wanted = request.topics {
            directory.topics = wanted.compactMap(sizes)
        } else {
            directory.topics = catalog.topics.compactMap { topic in
                sizes(of: topic, topic.partitions.indices.map { Int32(clamping: $0) })
            }
        }
        if let space = configuration.dataSpace() {
            directory.totalBytes = Int64(space.total.rawValue)
            directory.usableBytes = Int64(space.usable.rawValue)
        }
        return DescribeLogDirsResponse(directories: [directory])
    }

    /// Nil when nothing of it is here: Kafka leaves that out.
    private func sizes(
        of wanted: DescribeLogDirsRequest.Topic
    ) -> DescribeLogDirsResponse.Topic? {
        guard let topic = TopicName(wanted.name).flatMap({ catalog.topic(named: $0) }) else {
            return nil
        }
        var seen: Set<Int32> = []
        return sizes(of: topic, wanted.partitions.filter { seen.insert($0).inserted })
    }

    private func sizes(
        of topic: TopicEntry,
        _ indexes: [Int32]
    ) -> DescribeLogDirsResponse.Topic? {
        let partitions = indexes.compactMap { index -> DescribeLogDirsResponse.Partition? in
            guard let reader = topic.reader(index) else { return nil }
            var answer = DescribeLogDirsResponse.Partition(index: index)
            answer.sizeInBytes = Int64(reader.sizeInBytes.rawValue)
            answer.offsetLag = Int64(max(0, reader.logEndOffset - reader.highWatermark))
            return answer
        }
        guard !partitions.isEmpty else { return nil }
        return .init(name: topic.name.description, partitions: partitions)
    }

    func alterReplicaLogDirs(_ request: AlterReplicaLogDirsRequest) -> AlterReplicaLogDirsResponse {
        var topics: [AlterReplicaLogDirsResponse.Topic] = []
        for directory in request.directories {
            for wanted in directory.topics {
                let topic = TopicName(wanted.name).flatMap { catalog.topic(named: $0) }
                let partitions = wanted.partitions.map { index in
                    var answer = AlterReplicaLogDirsResponse.Partition(index: index)
                    answer.errorCode = moving(topic, index, to: directory.path)
                    return answer
                }
                topics.append(.init(name: wanted.name, partitions: partitions))
            }
        }
        return AlterReplicaLogDirsResponse(topics: topics)
    }

    private func moving(_ topic: TopicEntry?, _ index: Int32, to path: String) -> KafkaErrorCode {
        guard path == configuration.dataDirectory else { return .logDirNotFound }
        guard let topic, topic.partitions.indices.contains(Int(index)) else {
            return .replicaNotAvailable
        }
        return topic.reader(index) == nil ? .kafkaStorageError : .none
    }
}
