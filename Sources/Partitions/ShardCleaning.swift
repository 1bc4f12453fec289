import BrokerModel
import CommitLog
import EventLoop

/// The storage loop's half of cleaning: looks for a log that is due, hands it to the cleaner's
/// thread, and puts finished segments in their places between two bursts. Confined to that loop.
final class ShardCleaning {
    var report: (PartitionShardReport) -> Void = { _ in }
    /// Called when files have left a log.
    var filesReplaced: () -> Void = {}
    /// Where the memory for keys comes from.
    var memory: MemoryPool?

    private let loop: EventLoop
    private let settings: LogCleanerSettings
    private let counters: LogCleanerCounters
    private let cleaner: LogCleaner
    private var store: PartitionStore?
    private var job: CleaningJob?
    private var next: TimerID?

    init(loop: EventLoop, settings: LogCleanerSettings, counters: LogCleanerCounters) {
        self.loop = loop
        self.settings = settings
        self.counters = counters
        let inbox = CleaningInbox()
        let replies = loop.makeMailbox { (messages: [CleanerMessage]) in
            for message in messages { inbox.cleaning?.receive(message) }
        }
        cleaner = LogCleaner(bytesPerSecond: settings.bytesPerSecond, replies: replies)
        inbox.cleaning = self
    }

    func begin(_ store: PartitionStore) {
        guard settings.isEnabled else { return }
        self.store = store
        lookLater(settings.backoff)
    }

    /// Before the store closes: nothing is put in its place any more.
    func stop() {
        store = nil
        if let next { loop.cancel(next) }
        next = nil
        job?.cancel()
        cleaner.stop()
    }

    /// A topic was deleted, or told something else.
    func topicsChanged() {
        guard let store, let job, !store.mayClean(job.partition) else { return }
        job.cancel()
    }

    private func lookLater(_ delay: Duration) {
        if let next { loop.cancel(next) }
        next = loop.schedule(at: loop.now + delay) { [unowned self] in
            next = nil
            look()
        }
    }

    private func look() {
        guard let store, job == nil else { return }
        let found = store.nextCleaning(now: moment)
        counters.dirtyPermilleMax.set(Int(store.dirtyRatioMax * 1_000))
        counters.uncleanable.set(store.uncleanablePartitions.count)
        guard let found, let size = reserveMemory() else { return lookLater(settings.backoff) }
        let job = CleaningJob(partition: found.partition, plan: found.plan, keyMemory: size)
        guard cleaner.begin(job) else {
            memory?.release(size)
            return lookLater(settings.backoff)
        }
        self.job = job
        counters.running.set(1)
    }

    /// What there is of what it may have, and not less than a sixteenth of that.
    private func reserveMemory() -> ByteCount? {
        var size = settings.keyMemory
        guard let memory else { return size }
        size = min(size, ByteCount(memory.capacity.rawValue / 2))
        let least = size.rawValue / 16
        while size.rawValue >= max(least, 1) {
            if memory.reserve(size) { return size }
            size = ByteCount(size.rawValue / 2)
        }
        counters.waitsForMemory.add()
        return nil
    }

    private func receive(_ message: CleanerMessage) {
        switch message {
        case .replace(let job, let cleaned): job.answer(replace(cleaned, job))
        case .ended(let job, let result, let failure, let took):
            end(job, result, failure, took: took)
        }
    }

    private func replace(_ cleaned: CleanedSegment, _ job: CleaningJob) -> Bool {
        guard let store, !job.isCancelled else { return false }
        do throws(CommitLogError) {
            let isReplaced = try store.replace(cleaned, of: job.partition, now: loop.now)
            if isReplaced { filesReplaced() }
            return isReplaced
        } catch {
            fail(job, .log(error))
            return false
        }
    }

    private func end(
        _ job: CleaningJob,
        _ result: CleaningResult,
        _ failure: CleaningError?,
        took: Duration
    ) {
        self.job = nil
        memory?.release(job.keyMemory)
        counters.running.set(0)
        counters.bytesRead.add(result.bytesRead.rawValue)
        counters.bytesWritten.add(result.bytesWritten.rawValue)
        counters.recordsRemoved.add(result.recordsRemoved)
        counters.keylessRemoved.add(result.keylessRemoved)
        counters.segmentsReplaced.add(result.segmentsReplaced)
        guard let store else { return }
        switch failure {
        case nil:
            counters.cleanings.observe(took)
            do throws(CommitLogError) {
                try store.noteCleaned(job.partition, to: result.end)
                return look()  // There may be more to do, here or elsewhere.
            } catch {
                fail(job, .log(error))
            }
        case .aborted?: counters.aborted.add()
        case .fileSystem(let error)?:
            // Of a deleted topic nothing is left to read.
            if store.mayClean(job.partition), error.reason != .notFound {
                fail(job, .log(.fileSystem(error)))
            } else {
                counters.aborted.add()
            }
        case .damaged(let path, let position)?:
            store.noteUncleanable(job.partition, "\(path) is damaged")
            fail(job, .damaged(.damaged(path: path, at: position)))
        }
        lookLater(settings.backoff)
    }

    private enum Failure {
        case log(CommitLogError)
        case damaged(CommitLogError)
    }

    private func fail(_ job: CleaningJob, _ failure: Failure) {
        counters.failed.add()
        guard let name = store?.partition(job.partition)?.name else { return }
        switch failure {
        case .log(let error): report(.cleaningFailed(name, error))
        case .damaged(let error): report(.uncleanable(name, error))
        }
    }

    private var moment: StorageMoment {
        StorageMoment(wallClock: loop.wallClock, monotonic: loop.now)
    }
}

/// Lets the mailbox's closure find what is made after it. The loop forgets the closure when it
/// ends.
private final class CleaningInbox {
    weak var cleaning: ShardCleaning?
}
