import BrokerModel
import Partitions

// What clients did to topics, for the operator.
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
        case .addition:
            counters.topicsChanged.add()
            let count = topic.partitions.count
            report(.topicChanged(topic.name, "it has \(count) partitions now", client: client))
        case .alteration(_, isCheck: true): break
        case .alteration(let keys, isCheck: false):
            counters.topicsChanged.add()
            let named = keys.joined(separator: ", ")
            report(.topicChanged(topic.name, "settings: \(named)", client: client))
        }
    }

    func noteDeletion(
        _ partition: TopicPartition,
        before offset: Offset,
        by handler: KafkaConnectionHandler?
    ) {
        counters.topicsChanged.add()
        let what = "partition \(partition.partition) begins at \(offset.rawValue) now"
        let client = handler?.client ?? KafkaClientName()
        report(.topicChanged(partition.topic, what, client: client))
    }
}
