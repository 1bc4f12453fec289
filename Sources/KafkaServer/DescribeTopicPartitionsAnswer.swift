import BrokerModel
import CommitLog
import KafkaWire
import Partitions

// Topics by name, in parts: an answer holds so many partitions, and says where to go on (KIP-966).
extension BrokerAnswers {
    func describeTopicPartitions(
        _ request: DescribeTopicPartitionsRequest
    ) -> DescribeTopicPartitionsResponse {
        var response = DescribeTopicPartitionsResponse(topics: [])
        if let cursor = request.cursor, cursor.index < 0 {
            response.topics = request.topics.map { missing($0.name, .invalidRequest) }
            return response
        }
        let limit = KafkaServerLimits.partitionsDescribedMax
        var room = min(max(1, Int(request.responsePartitionLimit)), limit)
        var entries = 0
        for name in names(wanted: request) {
            // Names that nobody knows are bounded too: each makes an entry.
            guard room > 0, entries < limit else {
                response.nextCursor = PartitionCursor(name: name, index: 0)
                return response
            }
            entries += 1
            guard let topic = TopicName(name).flatMap({ catalog.topic(named: $0) }) else {
                let error: KafkaErrorCode =
                    TopicName(name) == nil ? .invalidTopic : .unknownTopicOrPartition
                response.topics.append(missing(name, error))
                continue
            }
            let isResumed = request.cursor?.name == name
            let start = min(isResumed ? Int(request.cursor?.index ?? 0) : 0, topic.partitions.count)
            let end = min(topic.partitions.count, start + room)
            response.topics.append(describe(topic, start..<end))
            room -= end - start
            guard end == topic.partitions.count else {
                response.nextCursor = PartitionCursor(name: name, index: Int32(clamping: end))
                return response
            }
        }
        return response
    }

    /// In the order of names, each once, from the cursor's on.
    private func names(wanted request: DescribeTopicPartitionsRequest) -> [String] {
        let names =
            request.topics.isEmpty
            ? catalog.topics.map(\.name.description)
            : Set(request.topics.map(\.name)).sorted()
        guard let first = request.cursor?.name else { return names }
        return names.filter { $0 >= first }
    }

    private func missing(
        _ name: String,
        _ error: KafkaErrorCode
    ) -> DescribeTopicPartitionsResponse.Topic {
        var answer = DescribeTopicPartitionsResponse.Topic(name: name)
        answer.errorCode = error
        return answer
    }

    private func describe(
        _ topic: TopicEntry,
        _ indexes: Range<Int>
    ) -> DescribeTopicPartitionsResponse.Topic {
        var answer = DescribeTopicPartitionsResponse.Topic(name: topic.name.description)
        answer.id = topic.id
        answer.isInternal = topic.isInternal
        answer.partitions = indexes.map { index in
            describe(Int32(clamping: index), topic.partitions[index]?.reader)
        }
        answer.operations = AuthorizedOperations.of(topic)
        return answer
    }

    private func describe(
        _ index: Int32,
        _ reader: PartitionReader?
    ) -> DescribeTopicPartitionsResponse.Partition {
        var answer = DescribeTopicPartitionsResponse.Partition(index: index)
        answer.replicas = [identity.nodeID]
        answer.eligibleLeaderReplicas = []
        answer.lastKnownEligibleLeaders = []
        guard let reader else {
            answer.errorCode = .leaderNotAvailable
            answer.leaderID = -1
            answer.offlineReplicas = [identity.nodeID]
            return answer
        }
        answer.leaderID = identity.nodeID
        answer.leaderEpoch = reader.leaderEpoch
        answer.inSyncReplicas = [identity.nodeID]
        return answer
    }
}
