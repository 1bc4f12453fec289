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
        public var failed: [(partition: PartitionHandle, error: CommitLogError, recordsLost: Int)] =
            []
        /// How many logs were synced.
        public var synced = 0
    }

    /// A partition that is open, and what opening it found.
    public struct Partition {
        public let name: TopicPartition
        public let log: PartitionLog
        public let recovery: RecoveryReport
        /// Whether `commit` syncs it; otherwise it only shows what was written.
        public internal(set) var isDurable: Bool
    }

    public let identity: PartitionStoreIdentity
    public let path: String
    /// What the disk was asked for.
    public var counters: StorageCounters { fileSystem.counters }
    /// Those that are open, in the order of their handles.
    public var partitions: [Partition] { slots.compactMap(\.self) }
    /// Partitions whose folders could not be opened. They never stop a start.
    public internal(set) var offline: [(name: TopicPartition, error: CommitLogError)] = []

    /// Settings of topics that are not allowed any more, and so count for nothing.
    public internal(set) var ignoredSettings: [(topic: TopicName, error: TopicSettingsError)] = []

    let fileSystem: any FileSystem
    /// What readers hold open of sealed segments.
    public let openSegments = OpenSegments()
    /// How many producers with an id all partitions may know.
    public let producerLimit: ProducerLimit
    /// Where the next block of producer ids begins.
    var nextProducerID: Int64 = 0
    /// What a topic is told that says nothing itself.
    let defaults: TopicSettings
    let creation: TopicCreationSettings
    var topics: [TopicName: StoredTopic] = [:]
    /// Nil when it cannot be opened: then topics are what their folders say, and none can change.
    var metadata: ClusterMetadataLog?
    /// At a start: logs that several threads have recovered, until they are taken over.
    var recovered: [TopicPartition: LogRecoveries.Outcome] = [:]
    var removals = RemovalQueue()
    var leftBehind: [FileSystemError] = []
    /// Folders of deleted topics that still lie where a new topic would have its own.
    var inTheWay: [TopicPartition: UUIDBytes] = [:]
    /// By handle; nil once the partition's topic was deleted, for a handle is never given twice.
    private var slots: [Partition?] = []
    private var lock: (any FileLock)?
    /// Partitions that the next retention steps look at, the next one last.
    var retaining: [PartitionHandle] = []
    /// Compacted logs that the cleaner leaves alone until the next start, and why.
    var uncleanable: [PartitionHandle: String] = [:]
    /// Of the dirtiest log, when the cleaner last looked.
    public internal(set) var dirtyRatioMax = 0.0
    /// Appended to since the last commit; those that no commit has to sync stand apart.
    private var touched: [PartitionHandle] = []
    private var touchedWritten: [PartitionHandle] = []
    private var isTouched: [Bool] = []
    /// Whether a topic wants the next commit now, though nobody waits for it.
    var isFlushDue = false
    /// Appended to, in topics that want a sync some time later, and the soonest that one wants it.
    var unflushed: Set<PartitionHandle> = []
    var flushAge: Duration?

    init(
        path: String,
        identity: PartitionStoreIdentity,
        lock: any FileLock,
        fileSystem: any FileSystem,
        defaults: TopicSettings,
        creation: TopicCreationSettings,
        producerLimit: ProducerLimit
    ) {
        self.path = path
        self.identity = identity
        self.lock = lock
        self.fileSystem = fileSystem
        self.defaults = defaults
        self.creation = creation
        self.producerLimit = producerLimit
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
        let log = try touch(partition)
        let range = try log.append(batches, now: now)
        noteFlush(of: partition, log)
        return range
    }

    /// The log of a partition that the next commit has to look at.
    func touch(_ partition: PartitionHandle) throws(CommitLogError) -> PartitionLog {
        let index = partition.rawValue
        guard slots.indices.contains(index), let open = slots[index] else { throw .closed }
        // Noted first: a failed append must fail what the same commit was to make durable.
        if !isTouched[index] {
            isTouched[index] = true
            if open.isDurable {
                touched.append(partition)
            } else {
                touchedWritten.append(partition)
            }
        }
        return open.log
    }

    /// Whether records of this partition wait for a sync. False once its topic was deleted.
    public func isDurable(_ partition: PartitionHandle) -> Bool {
        let index = partition.rawValue
        return slots.indices.contains(index) && slots[index]?.isDurable ?? false
    }

    /// Makes visible what was appended since the last commit, and durable where the topic wants it.
    /// A log that fails does not stop the others.
    public func commit() -> CommitResult {
        var result = showWritten()
        result.advanced.reserveCapacity(touched.count)
        for partition in touched {
            settle(partition, &result) { log throws(CommitLogError) in try log.sync() }
        }
        result.synced = touched.count
        isFlushDue = false
        touched.removeAll(keepingCapacity: true)
        return result
    }

    /// The cheap half of `commit`: makes visible what needs no sync.
    public func showWritten() -> CommitResult {
        var result = CommitResult()
        for partition in touchedWritten {
            settle(partition, &result) { log throws(CommitLogError) in try log.show() }
        }
        touchedWritten.removeAll(keepingCapacity: true)
        return result
    }

    private func settle(
        _ partition: PartitionHandle,
        _ result: inout CommitResult,
        _ end: (PartitionLog) throws(CommitLogError) -> Void
    ) {
        isTouched[partition.rawValue] = false
        guard let log = slots[partition.rawValue]?.log else {
            return result.failed.append((partition, .closed, 0))
        }
        let waiting = log.logEndOffset - log.highWatermark
        do throws(CommitLogError) {
            try end(log)
            result.advanced.append((partition, log.highWatermark))
        } catch {
            result.failed.append((partition, error, waiting))
        }
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
        var logs = partitions.map { ($0.name, $0.log) }
        if let metadata { logs.append((ClusterMetadataLog.partition, metadata.log)) }
        for (name, log) in logs {
            do throws(CommitLogError) {
                try log.close()
            } catch {
                failed.append((name, error))
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

    func setDurable(_ isDurable: Bool, _ handle: PartitionHandle) {
        slots[handle.rawValue]?.isDurable = isDurable
        // What waits to be shown is synced first now.
        if isDurable, isTouched[handle.rawValue] { syncNext(handle) }
    }

    /// Has the next commit sync the partition, however durable its topic is.
    func syncNext(_ handle: PartitionHandle) {
        if let index = touchedWritten.firstIndex(of: handle) {
            touchedWritten.remove(at: index)
        } else if isTouched[handle.rawValue] {
            return
        }
        isTouched[handle.rawValue] = true
        touched.append(handle)
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
