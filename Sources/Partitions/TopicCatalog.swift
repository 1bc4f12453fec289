import BrokerModel
import CommitLog
import Synchronization

/// Which topics there are, for every thread. Its owner publishes whole snapshots; readers take one
/// and keep it for as long as one request needs.
public final class TopicCatalog: Sendable {
    private let current: Mutex<TopicCatalogSnapshot>
    private let published = Atomic<Int>(0)

    public init(_ snapshot: TopicCatalogSnapshot = TopicCatalogSnapshot(topics: [])) {
        current = Mutex(snapshot)
    }

    public var snapshot: TopicCatalogSnapshot { current.withLock { $0 } }

    /// Changes with each published snapshot: a look once a burst tells whether to take a new one.
    public var generation: Int { published.load(ordering: .acquiring) }

    public func publish(_ snapshot: TopicCatalogSnapshot) {
        current.withLock { $0 = snapshot }
        // Raised last: who sees the new number finds at least the new snapshot.
        published.add(1, ordering: .releasing)
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

    /// The topics of a store, with a place for each partition that is offline.
    public init(of store: PartitionStore) {
        self.init(topics: store.topics.values.map { store.entry(of: $0) })
    }
}

/// One topic: what it was told, and its partitions.
public struct TopicEntry: Sendable {
    public let name: TopicName
    public let id: UUIDBytes
    /// True for the topics that only the broker writes.
    public let isInternal: Bool
    /// The broker's defaults with the topic's own settings in their place.
    public let settings: TopicSettings
    /// The topic's own settings, as they were given.
    public let overrides: [String: String]
    /// By partition number; nil for a partition that is offline.
    public let partitions: [PartitionEntry?]

    public init(
        name: TopicName,
        id: UUIDBytes,
        settings: TopicSettings = TopicSettings(),
        overrides: [String: String] = [:],
        partitions: [PartitionEntry?]
    ) {
        self.name = name
        self.id = id
        self.settings = settings
        self.overrides = overrides
        self.partitions = partitions
        isInternal = name.isInternal
    }

    /// Nil when there is no such partition, or when it is offline.
    public func partition(_ number: Int32) -> PartitionEntry? {
        guard let index = Int(exactly: number), partitions.indices.contains(index) else {
            return nil
        }
        return partitions[index]
    }

    /// Nil when there is no such partition, or when it is offline.
    public func reader(_ partition: Int32) -> PartitionReader? { self.partition(partition)?.reader }
}

/// One partition: where to write it, and how to read it.
public struct PartitionEntry: Sendable {
    public let handle: PartitionHandle
    public let reader: PartitionReader

    public init(handle: PartitionHandle, reader: PartitionReader) {
        self.handle = handle
        self.reader = reader
    }
}
