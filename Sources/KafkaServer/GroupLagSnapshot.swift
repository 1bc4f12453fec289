import BrokerModel
import CommitLog
import KafkaSessions
import Partitions
import Synchronization

/// How far groups have read, at most a second ago: for metrics and status, which ask from other
/// threads and never hold up the loop.
public struct GroupLagSnapshot: Sendable {
    public struct Entry: Equatable, Sendable {
        public let group: String
        public let topic: String
        public let partition: Int32
        /// Where the group goes on reading.
        public let committed: Offset
        public let topicID: UUIDBytes?

        /// The records that the group has yet to read; nil when the partition is gone or offline.
        public func lag(in topics: TopicCatalogSnapshot) -> Int? {
            guard let name = TopicName(topic), let entry = topics.topic(named: name),
                topicID == nil || topicID == entry.id, let reader = entry.reader(partition)
            else { return nil }
            // What retention has deleted nobody reads any more.
            return max(0, reader.highWatermark - max(committed, reader.logStartOffset))
        }
    }

    /// By group, topic and partition; the first of them when there are more than a page takes.
    public var entries: [Entry] = []
    /// Offsets that have no entry here.
    public var omitted = 0

    public init() {}

    init(_ offsets: CommittedOffsets, most: Int) {
        entries.reserveCapacity(min(most, offsets.count))
        for group in offsets.groupIDs.sorted() where entries.count < most {
            for (topic, partitions) in offsets.topics(of: group).sorted(by: { $0.key < $1.key }) {
                for (partition, offset) in partitions.sorted(by: { $0.key < $1.key })
                where entries.count < most {
                    entries.append(
                        Entry(
                            group: group,
                            topic: topic,
                            partition: partition,
                            committed: offset.offset,
                            topicID: offset.topicID
                        )
                    )
                }
            }
        }
        omitted = offsets.count - entries.count
    }
}

/// Where the Kafka loop puts the snapshot.
public final class PublishedGroupLag: Sendable {
    private let snapshot = Mutex(GroupLagSnapshot())

    public init() {}

    public var current: GroupLagSnapshot { snapshot.withLock { $0 } }

    func publish(_ new: GroupLagSnapshot) { snapshot.withLock { $0 = new } }
}
