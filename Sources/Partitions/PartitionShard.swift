import BrokerModel
import CommitLog
import EventLoop
import Posix
import RecordFormat

/// One storage loop's partitions. Confined to that loop; others hold its mailbox.
///
/// What a burst of requests brought is appended first and synced once, so a commit carries all that
/// arrived while the one before it ran.
public final class PartitionShard {
    /// Called on the storage loop with what operators should know of.
    package var report: (PartitionShardReport) -> Void = { _ in }
    /// Raised when a commit has moved a high watermark.
    package var signals: [HighWatermarkSignal] = []
    package let mailbox: Mailbox<PartitionShardMessage>
    public let counters = ShardCounters()

    private var store: PartitionStore?
    private var compressor = ZstdCompressor()
    private var compressed = ByteWriter()
    let loop: EventLoop
    let catalog: TopicCatalog
    private let settings: PartitionShardSettings
    let upkeep: ShardUpkeep
    let cleaning: ShardCleaning
    let builds = TopicBuilds()
    /// What this burst appended, or failed to, in the order of its requests. The replies wait for
    /// the commit and leave in this order.
    private var group: [(request: AppendRequest, outcome: Result<Offset, CommitLogError>)] = []
    /// What became of topics in this burst, and whether the catalog lacks it.
    var topicReplies: [(mailbox: Mailbox<TopicReply>, reply: TopicReply)] = []
    var isCatalogStale = false
    private var lazyCommit: TimerID?
    private var flush: (timer: TimerID, due: MonotonicTime)?

    /// The store comes by `open`, so that everything else can be built, and every port be bound,
    /// before the data directory is touched.
    package init(
        loop: EventLoop,
        settings: PartitionShardSettings,
        catalog: TopicCatalog = TopicCatalog()
    ) {
        self.loop = loop
        self.catalog = catalog
        self.settings = settings
        upkeep = ShardUpkeep(loop: loop, settings: settings, counters)
        cleaning = ShardCleaning(loop: loop, settings: settings.cleaner, counters: counters.cleaner)
        let inbox = Inbox()
        mailbox = loop.makeMailbox { inbox.shard?.receive($0) }
        inbox.shard = self
        upkeep.report = { [unowned self] in report($0) }
        cleaning.report = { [unowned self] in report($0) }
        cleaning.filesReplaced = { [unowned self] in
            if let store { upkeep.removeLater(store) }
        }
    }

    /// Lends the memory for the keys of compacted logs, while one is cleaned.
    package var cleaningMemory: MemoryPool? {
        get { cleaning.memory }
        set { cleaning.memory = newValue }
    }

    /// Takes the store over, and publishes its topics. Called before the loop runs.
    package func open(_ store: PartitionStore) {
        self.store = store
        recordGaps(in: store)
        catalog.publish(TopicCatalogSnapshot(of: store))
        upkeep.begin(store)
        cleaning.begin(store)
    }

    func receive(_ messages: [PartitionShardMessage]) {
        guard let store else { return }
        counters.work.began(at: loop.now)
        defer { counters.work.ended(at: .current) }
        var mustCommit = false
        var mustStop = false
        for message in messages where !builds.defers(message) {
            switch message {
            case .append(let request):
                group.append((request, append(request, to: store)))
                mustCommit =
                    mustCommit || request.needsSync && store.isDurable(request.partition)
            case .createTopic(let creation): create(creation, in: store)
            case .deleteTopic(let deletion):
                // What was appended to it has to be answered while it is there.
                commit(store)
                reply()
                delete(deletion, from: store)
            case .deleteSegments(let handle, let offset):
                deleteSegments(of: handle, before: offset, in: store)
            case .alterTopic(let alteration):
                // What was appended is made as durable as its topic was then.
                commit(store)
                reply()
                alter(alteration, in: store)
            case .addPartitions(let addition): add(addition, in: store)
            case .deleteRecords(let deletion): delete(deletion, in: store)
            case .allocateProducerIDs(let request): allocateProducerIDs(request, in: store)
            case .stop: mustStop = true
            }
        }
        if mustCommit || mustStop || store.isFlushDue {
            commit(store)
        } else {
            settle(store.showWritten(), in: store)
            commitLater(store)
        }
        flushLater(store)
        answerTopics(in: store)
        reply()
        if mustStop { stop(store) }
    }

    private func append(
        _ request: AppendRequest,
        to store: PartitionStore
    ) -> Result<Offset, CommitLogError> {
        guard !request.batch.hasProducerIDs else { return appendChecking(request, to: store) }
        compress(request.batch)
        do throws(CommitLogError) {
            let range = try store.append(
                request.batch.bytes.mutableBytes,
                to: request.partition,
                now: loop.wallClock
            )
            counters.batches.add()
            counters.records.add(range.lastOffset - range.baseOffset + 1)
            counters.bytes.add(request.batch.bytes.count)
            return .success(range.baseOffset)
        } catch {
            return .failure(noteFailed(request, in: store, error))
        }
    }

    func noteFailed(
        _ request: AppendRequest,
        in store: PartitionStore,
        _ error: CommitLogError
    ) -> CommitLogError {
        counters.batchesFailed.add()
        report(of: request.partition, in: store, error)
        return error
    }

    /// Does what a network loop has left to this one, which has time while it has no disk to wait
    /// for.
    private func compress(_ batch: SealedBatch) {
        guard batch.awaitsCompression else { return }
        batch.awaitsCompression = false
        compressed.removeAll()
        let isSmaller = RecordBatchEditor.compress(
            batch.bytes.bytes,
            with: &compressor,
            into: &compressed
        )
        if isSmaller { swap(&batch.bytes, &compressed) }
    }

    func commit(_ store: PartitionStore) {
        if let timer = lazyCommit { loop.cancel(timer) }
        lazyCommit = nil
        counters.unsyncedBytes.set(store.dirtyBytes.rawValue)
        let start = MonotonicTime.current
        let result = store.commit()
        if result.synced > 0 || !result.failed.isEmpty {
            counters.commits.observe(.current - start)
        }
        settle(result, in: store)
    }

    /// A failed commit fails everything that the group appended to that partition, whoever waits.
    private func settle(_ result: PartitionStore.CommitResult, in store: PartitionStore) {
        for (partition, error, recordsLost) in result.failed {
            report(of: partition, in: store, error)
            counters.commitsFailed.add()
            var recordsTold = 0
            for index in group.indices where group[index].request.partition == partition {
                guard case .success = group[index].outcome else { continue }
                counters.batchesUnsynced.add()
                group[index].outcome = .failure(error)
                recordsTold += group[index].request.batch.recordCount
            }
            counters.unacknowledgedRecordsLost.add(max(0, recordsLost - recordsTold))
        }
        counters.unsyncedBytes.set(store.dirtyBytes.rawValue)
        guard !result.advanced.isEmpty else { return }
        for signal in signals { signal.raise(result.advanced) }
    }

    /// Records that nobody waits for become durable, and visible, at the latest after the interval.
    private func commitLater(_ store: PartitionStore) {
        guard lazyCommit == nil, store.dirtyBytes > .zero else { return }
        lazyCommit = loop.schedule(at: loop.now + settings.commitInterval) { [unowned self] in
            counters.work.began(at: loop.now)
            commit(store)
            counters.work.ended(at: .current)
        }
    }

    /// What its topic wants synced after a while (`flush.ms`).
    private func flushLater(_ store: PartitionStore) {
        guard let age = store.flushAge else { return }
        let due = loop.now + age
        if let flush {
            guard due < flush.due else { return }
            loop.cancel(flush.timer)
        }
        let timer = loop.schedule(at: due) { [unowned self] in
            flush = nil
            counters.work.began(at: loop.now)
            store.flush()
            commit(store)
            counters.work.ended(at: .current)
        }
        flush = (timer, due)
    }

    func reply() {
        var replies = ReplySheet()
        let now = MonotonicTime.current
        for (request, outcome) in group {
            replies.add(request, outcome)
            counters.appends.observe(now - request.start)
        }
        group.removeAll(keepingCapacity: true)
        replies.send()
    }

    private func report(
        of partition: PartitionHandle,
        in store: PartitionStore,
        _ error: CommitLogError
    ) {
        // Who appends to a topic that was deleted is told so; that is nobody's trouble.
        guard let name = store.partition(partition)?.name else { return }
        switch error {
        case .fileSystem, .readOnly, .closed: report(.partitionFailed(name, error))
        case .batchTooLarge, .malformedBatch, .offsetOutOfRange, .damaged, .unusable:
            report(.batchRefused(name, error))
        }
    }

    private func deleteSegments(
        of handle: PartitionHandle,
        before offset: Offset,
        in store: PartitionStore
    ) {
        do throws(CommitLogError) {
            try store.deleteSegments(of: handle, before: offset, now: loop.now)
            upkeep.removeLater(store)
        } catch {
            guard let name = store.partition(handle)?.name else { return }
            counters.retentionFailures.add()
            report(.retentionFailed(name, error))
        }
    }

    private func recordGaps(in store: PartitionStore) {
        do throws(TopicError) {
            let recorded = try store.recordGaps(now: moment) {
                var random = SystemRandomNumberGenerator()
                return .random(using: &random)
            }
            counters.gaps.add(recorded.count)
            for entry in recorded { report(.gapRecorded(entry)) }
        } catch {
            report(.gapsNotRecorded(error))  // They stay noted, and the next start tries again.
        }
    }

    private func stop(_ store: PartitionStore) {
        cleaning.stop()
        builds.abandon()
        do throws(PartitionStoreError) {
            for (partition, error) in try store.close() {
                report(.partitionFailed(partition, error))
            }
        } catch {
            report(.closeFailed(error))
        }
        loop.stop()
    }
}

/// Lets the mailbox's closure find the shard that is made after it. The loop forgets the closure
/// when it ends.
private final class Inbox {
    var shard: PartitionShard?
}

/// What a storage loop is asked for.
public enum PartitionShardMessage: Sendable {
    case append(AppendRequest)
    case createTopic(TopicCreation)
    case deleteTopic(TopicDeletion)
    case alterTopic(TopicAlteration)
    case addPartitions(PartitionAddition)
    case deleteRecords(RecordDeletion)
    /// Of a topic of the broker's own: whole segments that its writer needs no more.
    case deleteSegments(PartitionHandle, before: Offset)
    case allocateProducerIDs(ProducerIDRequest)
    /// Sync what is left, close the store with its clean mark, and end the loop.
    case stop
}

/// What operators should know of.
package enum PartitionShardReport: Sendable {
    /// The partition takes nothing more.
    case partitionFailed(TopicPartition, CommitLogError)
    /// One batch was refused; the partition goes on.
    case batchRefused(TopicPartition, CommitLogError)
    case closeFailed(PartitionStoreError)
    /// Offsets were skipped because records of a topic that is not durable may be lost.
    case gapRecorded(GapEntry)
    case gapsNotRecorded(TopicError)
    case retentionFailed(TopicPartition, CommitLogError)
    /// A compacted log was not cleaned, or not to its end; the next look tries again.
    case cleaningFailed(TopicPartition, CommitLogError)
    /// A compacted log holds something that the cleaner cannot read; it stays as it is.
    case uncleanable(TopicPartition, CommitLogError)
    /// Idempotent producers get no ids.
    case producerIDsFailed(PartitionStoreError)
    /// Something deleted that is still on the disk until the next start.
    case leftBehind(FileSystemError)
}

/// How the storage loop commits.
package struct PartitionShardSettings: Sendable {
    package var commitInterval = Duration.seconds(1)
    package var retentionCheckInterval = Duration.minutes(5)
    package var cleaner = LogCleanerSettings()
    package var producers = ProducerSettings()
    /// For a start after an unclean stop: they wait for the disk, so more than there are cores.
    package var recoveryThreads = 8

    package init() {}

    package static var keys: [ConfigurationKey<PartitionShardSettings>] {
        [
            .init(
                "commit.interval",
                \.commitInterval,
                of: PartitionShardSettings(),
                in: .milliseconds(1) ... .minutes(1),
                "The longest time after which a record that needs no acknowledgement is synced."
            ),
            .init(
                "num.recovery.threads.per.data.dir",
                \.recoveryThreads,
                of: PartitionShardSettings(),
                in: 1...64,
                "How many threads recover partitions at a start after an unclean stop."
            ),
            .init(
                "log.retention.check.interval.ms",
                \.retentionCheckText,
                of: PartitionShardSettings(),
                allowed: "100ms ... 1d, or milliseconds",
                "How often the log looks for segments that are too old or too many."
            ) { $0.isWithin(.milliseconds(100) ... .days(1)) },
        ] + LogCleanerSettings.keys.map { $0.inside(\.cleaner) }
            + ProducerSettings.keys.map { $0.inside(\.producers) }
    }

    private var retentionCheckText: TimeLimit {
        get { TimeLimit(retentionCheckInterval) }
        set { retentionCheckInterval = newValue.duration ?? retentionCheckInterval }
    }
}

/// Collects the replies of one burst, so that each loop is woken once.
private struct ReplySheet {
    private var entries: [(mailbox: Mailbox<AppendReply>, replies: [AppendReply])] = []

    mutating func add(_ request: AppendRequest, _ outcome: Result<Offset, CommitLogError>) {
        let reply = AppendReply(
            partition: request.partition,
            batch: request.batch,
            outcome: outcome
        )
        let known = entries.firstIndex { $0.mailbox === request.replyTo }
        guard let known else {
            return entries.append((request.replyTo, [reply]))
        }
        entries[known].replies.append(reply)
    }

    func send() {
        for entry in entries { entry.mailbox.post(contentsOf: entry.replies) }
    }
}
