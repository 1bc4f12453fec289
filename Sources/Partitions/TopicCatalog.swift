import BrokerModel
import CommitLog
import Synchronization

/// Which topics there are, for every thread. Its owner publishes whole snapshots; readers take one
/// and keep it for as long as one request needs.
public final class TopicCatalog: Sendable {
    private let current: Mutex<TopicCatalogSnapshot>

    public init(_ snapshot: TopicCatalogSnapshot = TopicCatalogSnapshot(topics: [])) {
        current = Mutex(snapshot)
    }

    public var snapshot: TopicCatalogSnapshot { current.withLock { $0 } }

    public func publish(_ snapshot: TopicCatalogSnapshot) {
        current.withLock { $0 = snapshot }
    }
}

/// The topics of one moment.
public struct TopicCatalogSnapshot: Sendable {
    /// By name.
    public let topics: [TopicEntry]
    private let indexByName: [TopicName: Int]
    private let indexByID: [UUIDBytes: Int]

    /// No two of `topics` have the same name or id.
    public init(topics: [TopicEntry]) {
        self.topics = topics.sorted { $0.name < $1.name }
        let pairs = self.topics.enumerated()
        indexByName = Dictionary(uniqueKeysWithValues: pairs.map { ($1.name, $0) })
        indexByID = Dictionary(uniqueKeysWithValues: pairs.map { ($1.id, $0) })
    }

    public func topic(named name: TopicName) -> TopicEntry? {
        indexByName[name].map { topics[$0] }
    }

    public func topic(id: UUIDBytes) -> TopicEntry? {
        indexByID[id].map { topics[$0] }
    }
}

extension TopicCatalogSnapshot {
    /// The topics of a store, with a place for each partition that is offline.
    public init(of store: PartitionStore) {
        var found: [TopicName: (id: UUIDBytes, readers: [Int32: PartitionReader])] = [:]
        for partition in store.partitions {
            let name = partition.name
            found[name.topic, default: (partition.log.topicID, [:])]
                .readers[name.partition] = partition.log.reader
        }
        let entries = found.map { name, topic in
            let offline = store.offline.lazy.map(\.name).filter { $0.topic == name }
            let known = topic.readers.keys.map(\.self) + offline.map(\.partition)
            let count = (known.max() ?? -1) + 1
            return TopicEntry(
                name: name,
                id: topic.id,
                partitions: (0..<count).map { topic.readers[$0] }
            )
        }
        self.init(topics: entries)
    }
}

/// One topic and the readers of its partitions.
public struct TopicEntry: Sendable {
    public let name: TopicName
    public let id: UUIDBytes
    /// By partition number; nil for a partition that is offline.
    public let partitions: [PartitionReader?]
    /// True for the topics that only the broker writes.
    public let isInternal: Bool

    public init(name: TopicName, id: UUIDBytes, partitions: [PartitionReader?]) {
        self.name = name
        self.id = id
        self.partitions = partitions
        isInternal = name.isInternal
    }

    /// Nil when there is no such partition, or when it is offline.
    public func reader(_ partition: Int32) -> PartitionReader? {
        guard let index = Int(exactly: partition), partitions.indices.contains(index) else {
            return nil
        }
        return partitions[index]
    }
}
