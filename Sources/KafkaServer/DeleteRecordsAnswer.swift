import BrokerModel
import CommitLog
import KafkaWire
import Partitions

/// A partition whose oldest records the storage loop is asked to delete.
struct RecordDeletionPlan: Equatable {
    let partition: TopicPartition
    let handle: PartitionHandle
    let before: Offset
}

/// The deletion of records at the front of a connection's input, while the log works on it.
struct FrontDeletions {
    typealias Outcome = Result<Offset, RecordDeletionError>

    /// Answered then with whatever has come.
    let deadline: MonotonicTime
    /// As with `FrontTopics`.
    let after: UInt64
    var waiting: Set<TopicPartition> = []
    var outcomes: [TopicPartition: Outcome] = [:]
}

// Which records may go, and what is answered once they are gone.
extension BrokerAnswers {
    /// Each partition once: of two offsets for one partition the first one counts.
    func deletions(_ request: DeleteRecordsRequest) -> [RecordDeletionPlan] {
        var seen: Set<TopicPartition> = []
        var plans: [RecordDeletionPlan] = []
        for topic in request.topics {
            guard let entry = TopicName(topic.name).flatMap({ catalog.topic(named: $0) }),
                !entry.isInternal
            else { continue }
            for wanted in topic.partitions {
                let name = TopicPartition(topic: entry.name, partition: wanted.index)
                guard let partition = entry.partition(wanted.index), seen.insert(name).inserted
                else { continue }
                plans.append(
                    RecordDeletionPlan(
                        partition: name,
                        handle: partition.handle,
                        before: wanted.offset
                    )
                )
            }
        }
        return plans
    }

    func deleted(
        _ request: DeleteRecordsRequest,
        _ front: FrontDeletions
    ) -> DeleteRecordsResponse {
        let topics = request.topics.map { wanted in
            let name = TopicName(wanted.name)
            let partitions = wanted.partitions.map { partition in
                var answer = DeleteRecordsResponse.Partition(index: partition.index)
                answer.lowWatermark = Offset(-1)
                let place = name.map { TopicPartition(topic: $0, partition: partition.index) }
                switch place.flatMap({ front.outcomes[$0] }) {
                case .success(let offset)?: answer.lowWatermark = offset
                case .failure(let error)?: answer.errorCode = KafkaErrorCode(error)
                case nil: answer.errorCode = missing(name, partition.index, front)
                }
                return answer
            }
            return DeleteRecordsResponse.Topic(name: wanted.name, partitions: partitions)
        }
        return DeleteRecordsResponse(topics: topics)
    }

    private func missing(
        _ name: TopicName?,
        _ index: Int32,
        _ front: FrontDeletions
    ) -> KafkaErrorCode {
        guard let name, let topic = catalog.topic(named: name) else {
            return name == nil ? .invalidTopic : .unknownTopicOrPartition
        }
        guard !topic.isInternal else { return .invalidTopic }
        let place = TopicPartition(topic: name, partition: index)
        if front.waiting.contains(place) { return .requestTimedOut }
        let isOffline = topic.partitions.indices.contains(Int(index))
        return isOffline ? .leaderNotAvailable : .unknownTopicOrPartition
    }
}

extension KafkaErrorCode {
    init(_ error: RecordDeletionError) {
        switch error {
        case .unknown: self = .unknownTopicOrPartition
        case .outOfRange: self = .offsetOutOfRange
        case .isInternal: self = .invalidTopic
        case .notDeletable: self = .policyViolation
        case .storage: self = .kafkaStorageError
        }
    }
}
