import BrokerModel
import CommitLog
import KafkaWire
import Partitions

extension BrokerAnswers {
    func describeProducers(_ request: DescribeProducersRequest) -> DescribeProducersResponse {
        // A few bytes ask for all producers of a partition: so each is described once.
        var seen: [String: Set<Int32>] = [:]
        return DescribeProducersResponse(
            topics: request.topics.map { asked in
                let topic = TopicName(asked.name).map { catalog.topic(named: $0) }
                let partitions = asked.partitions.filter {
                    seen[asked.name, default: []].insert($0).inserted
                }
                return .init(
                    name: asked.name,
                    partitions: partitions.map { Self.producers(of: $0, in: topic) }
                )
            }
        )
    }

    /// `topic` is nil when it can be no topic's name, and nil within when there is none.
    private static func producers(
        of index: Int32,
        in topic: TopicEntry??
    ) -> DescribeProducersResponse.Partition {
        var answer = DescribeProducersResponse.Partition(index: index)
        guard let topic else {
            answer.errorCode = .invalidTopic
            answer.errorMessage = "it cannot be the name of a topic"
            return answer
        }
        guard let topic, index >= 0, Int(index) < topic.partitions.count else {
            answer.errorCode = .unknownTopicOrPartition
            answer.errorMessage = "there is no such topic or partition"
            return answer
        }
        guard let reader = topic.reader(index) else {
            answer.errorCode = .kafkaStorageError
            answer.errorMessage = "the partition's files could not be opened"
            return answer
        }
        answer.activeProducers = reader.producers.map { .init($0) }
        return answer
    }
}

extension DescribeProducersResponse.Producer {
    fileprivate init(_ state: ProducerStateEntry) {
        self.init(producerID: state.producerID, producerEpoch: Int32(state.epoch))
        lastSequence = state.lastSequence
        lastTimestamp = state.lastTimestamp
        coordinatorEpoch = state.coordinatorEpoch
        transactionStartOffset = state.transactionStart
    }
}
