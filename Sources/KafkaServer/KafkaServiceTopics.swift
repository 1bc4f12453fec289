import BrokerModel
import CommitLog
import Partitions

// What clients changed of topics, counted and told.
extension KafkaService {
    func noteChange(
        _ change: TopicChanges.Change,
        of topic: TopicEntry,
        by handler: KafkaConnectionHandler?
    ) {
        let client = handler?.client ?? KafkaClientName()
        switch change.kind {
        case .creation:
            counters.topicsCreated.add()
            let count = topic.partitions.count
            report(.topicCreated(topic.name, partitions: count, client: client))
        case .deletion:
            counters.topicsDeleted.add()
            report(.topicDeleted(topic.name, client: client))
            endFetches(of: topic)
        }
    }
}
