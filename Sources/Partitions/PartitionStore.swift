import BrokerModel
import CommitLog

/// Which partition of a store; small, so that queues and replies can carry it.
public struct PartitionHandle: RawRepresentable, Hashable, Sendable {
    public let rawValue: Int

    public init(rawValue: Int) { self.rawValue = rawValue }
}

/// All partitions of one data directory. Confined to its thread, which alone may block on the disk.
///
/// `append` writes, `commit` makes durable and visible: what arrives while one commit runs forms
/// the next. Nothing may be acknowledged before the `commit` that reports it.
public final class PartitionStore {
    /// What a commit did: the new high watermarks, and the logs that failed.
    public struct CommitResult: Sendable {
        public var advanced: [(partition: PartitionHandle, highWatermark: Offset)] = []
        /// Nothing appended to these since the last commit may be acknowledged, now or later.
        public var failed: [(partition: PartitionHandle, error: CommitLogError)] = []
    }

    /// A partition that is open, and what opening it found.
    public struct Partition {
        public let name: TopicPartition
        public let log: PartitionLog
        public let recovery: RecoveryReport
    }

    public let identity: PartitionStoreIdentity
    public let path: String
    /// What the disk was asked for.
    public var counters: StorageCounters { fileSystem.counters }
    /// Those that are open, in the order of their handles.
    public var partitions: [Partition] { slots.compactMap(\.self) }
    /// Partitions whose folders could not be opened. They never stop a start.
    public internal(set) var offline: [(name: TopicPartition, error: CommitLogError)] = []

    let fileSystem: any FileSystem
    let openSegments = OpenSegments()
    /// What a topic is told that says nothing itself.
    let defaults: TopicSettings
    let creation: TopicCreationSettings
    var topics: [TopicName: StoredTopic] = [:]
    /// By handle; nil once the partition's topic was deleted, for a handle is never given twice.
    private var slots: [Partition?] = []
    private var lock: (any FileLock)?
    private var touched: [PartitionHandle] = []
    private var isTouched: [Bool] = []

    init(
        path: String,
        identity: PartitionStoreIdentity,
        lock: any FileLock,
        fileSystem: any FileSystem,
        defaults: TopicSettings,
        creation: TopicCreationSettings
    ) {
        self.path = path
        self.identity = identity
        self.lock = lock
        self.fileSystem = fileSystem
        self.defaults = defaults
        self.creation = creation
    }

    public func handle(of partition: TopicPartition) -> PartitionHandle? {
        guard let topic = topics[partition.topic], let index = Int(exactly: partition.partition),
            topic.partitions.indices.contains(index)
        else { return nil }
        return topic.partitions[index]
    }

    /// Nil once the partition's topic was deleted.
    public func partition(_ handle: PartitionHandle) -> Partition? {
        slots.indices.contains(handle.rawValue) ? slots[handle.rawValue] : nil
    }

    /// How much waits for the next commit.
    public var dirtyBytes: ByteCount {
        touched.reduce(into: .zero) { $0 += partition($1)?.log.unsyncedBytes ?? .zero }
    }

    /// Appends whole batches, which get their offsets in place.
    @discardableResult
    public func append(
        _ batches: UnsafeMutableRawBufferPointer,
        to partition: PartitionHandle,
        now: Timestamp
    ) throws(CommitLogError) -> PartitionLog.AppendedRange {
        let index = partition.rawValue
        guard let log = self.partition(partition)?.log else { throw .closed }
        // Noted first: a failed append must fail what the same commit was to make durable.
        if !isTouched[index] {
            isTouched[index] = true
            touched.append(partition)
        }
        return try log.append(batches, now: now)
    }

    /// Syncs every log that was appended to since the last commit. One that fails does not stop the
    /// others.
    public func commit() -> CommitResult {
        var result = CommitResult()
        result.advanced.reserveCapacity(touched.count)
        for partition in touched {
            isTouched[partition.rawValue] = false
            guard let log = self.partition(partition)?.log else {
                result.failed.append((partition, .closed))
                continue
            }
            do throws(CommitLogError) {
                try log.sync()
                result.advanced.append((partition, log.highWatermark))
            } catch {
                result.failed.append((partition, error))
            }
        }
        touched.removeAll(keepingCapacity: true)
        return result
    }

    /// Ends the store in order: everything synced, and a mark that spares the next start its scan.
    /// After any failure there is no mark. Returns the partitions that could not be closed.
    @discardableResult
    public func close() throws(PartitionStoreError) -> [(
        name: TopicPartition, error: CommitLogError
    )] {
        guard lock != nil else { return [] }
        defer { lock = nil }
        var failed: [(name: TopicPartition, error: CommitLogError)] = []
        for partition in partitions {
            do throws(CommitLogError) {
                try partition.log.close()
            } catch {
                failed.append((partition.name, error))
            }
        }
        guard failed.isEmpty, offline.isEmpty else { return failed }
        try inDataDirectory { () throws(FileSystemError) in
            try fileSystem.replaceText(
                of: StoreFiles.cleanShutdownMark,
                in: path,
                with: StoreFiles.cleanShutdownText
            )
        }
        return []
    }

    func register(_ partition: Partition) -> PartitionHandle {
        let handle = PartitionHandle(rawValue: slots.count)
        slots.append(partition)
        isTouched.append(false)
        return handle
    }

    func forget(_ handle: PartitionHandle) { slots[handle.rawValue] = nil }
}

/// A topic as its store knows it.
struct StoredTopic {
    let name: TopicName
    let id: UUIDBytes
    var settings: TopicSettings
    /// As they were given.
    var overrides: [String: String]
    /// By partition number; nil for one that is offline.
    var partitions: [PartitionHandle?]
}

/// The files that lie beside the partitions' folders.
enum StoreFiles {
    static let lock = ".lock"
    static let properties = "meta.properties"
    /// Kafka's mark of an orderly stop. It is there only while nothing has been written since.
    static let cleanShutdownMark = ".kafka_cleanshutdown"
    static let cleanShutdownText = #"{"version":0,"brokerEpoch":-1}"#
    /// A partition's folder until its files are durable.
    static let unfinishedSuffix = ".headwater-new"
    /// Kafka's mark of a partition's folder that is on its way out.
    static let deletedSuffix = "-delete"
}
