import BrokerModel
import CommitLog
import EventLoop
import Posix
import Synchronization

/// The thread that cleans compacted logs, one after the other. It starts with the first of them, so
/// that a broker without compacted topics has none.
final class LogCleaner: Sendable {
    private struct State {
        var job: CleaningJob?
        var thread: SystemThread?
        var isStopping = false
    }

    private let state = Mutex(State())
    private let work = ThreadSemaphore()
    private let ended = ThreadSemaphore()
    private let replies: Mailbox<CleanerMessage>
    private let bytesPerSecond: ByteCount

    init(bytesPerSecond: ByteCount, replies: Mailbox<CleanerMessage>) {
        self.bytesPerSecond = bytesPerSecond
        self.replies = replies
    }

    /// False when no thread can be had. One job at a time.
    func begin(_ job: CleaningJob) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isStopping else { return false }
            if state.thread == nil {
                do throws(PosixError) {
                    state.thread = try SystemThread.start(named: "headwater-clean") { [self] in
                        run()
                    }
                } catch {
                    return false
                }
            }
            state.job = job
            return true
        }
        if isTaken { work.signal() }
        return isTaken
    }

    /// Returns once the thread has ended. One that a dead disk holds for longer than `patience` is
    /// left to it.
    func stop(patience: Duration = .seconds(2)) {
        let thread = state.withLock { state in
            state.isStopping = true
            state.job?.cancel()
            defer { state.thread = nil }
            return state.thread
        }
        guard let thread else { return }
        work.signal()
        let deadline = (MonotonicTime.current + patience).rawValue
        if ended.wait(untilNanoseconds: deadline) { thread.join() } else { thread.giveUp() }
    }

    private func run() {
        defer { ended.signal() }
        while true {
            work.wait()
            let (job, isStopping) = state.withLock { state in
                defer { state.job = nil }
                return (state.job, state.isStopping)
            }
            guard !isStopping else { return }
            if let job { clean(job) }
        }
    }

    private func clean(_ job: CleaningJob) {
        let start = MonotonicTime.current
        var cleaning = LogCleaning(job.plan, memory: job.keyMemory)
        let host = RunningCleaning(
            job: job,
            replies: replies,
            throttle: Throttle(bytesPerSecond: bytesPerSecond)
        )
        var failure: CleaningError?
        do throws(CleaningError) {
            try cleaning.run(host)
        } catch {
            failure = error
        }
        let took = MonotonicTime.current - start
        replies.post(.ended(job, cleaning.result, failure, took: took))
    }
}

/// What the cleaner's thread tells the storage loop.
enum CleanerMessage: Sendable {
    case replace(CleaningJob, CleanedSegment)
    case ended(CleaningJob, CleaningResult, CleaningError?, took: Duration)
}

/// One cleaning, known to both threads.
final class CleaningJob: Sendable {
    let partition: PartitionHandle
    let plan: CleaningPlan
    /// Reserved for its keys until it has ended.
    let keyMemory: ByteCount
    private let cancelled = Atomic(false)
    private let answer = Mutex<Bool?>(nil)
    private let answered = ThreadSemaphore()

    init(partition: PartitionHandle, plan: CleaningPlan, keyMemory: ByteCount) {
        self.partition = partition
        self.plan = plan
        self.keyMemory = keyMemory
    }

    var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

    /// Ends the cleaning soon, from any thread.
    func cancel() {
        cancelled.store(true, ordering: .releasing)
        answered.signal()
    }

    /// What became of the segment that was to be replaced.
    func answer(_ isReplaced: Bool) {
        answer.withLock { $0 = isReplaced }
        answered.signal()
    }

    /// Waits for the storage loop, which alone changes a log.
    fileprivate func awaitAnswer() -> Bool {
        while true {
            let found = answer.withLock { answer in
                defer { answer = nil }
                return answer
            }
            if let found { return found }
            if isCancelled { return false }
            answered.wait()
        }
    }

    /// Waits, but for no longer than it takes to be cancelled.
    fileprivate func rest(until time: MonotonicTime) {
        guard !isCancelled else { return }
        _ = answered.wait(untilNanoseconds: time.rawValue)
    }
}

private struct RunningCleaning: CleaningHost {
    let job: CleaningJob
    let replies: Mailbox<CleanerMessage>
    let throttle: Throttle

    var mayGoOn: Bool { !job.isCancelled }

    func spent(_ bytes: ByteCount) {
        guard let time = throttle.spend(bytes, at: .current) else { return }
        job.rest(until: time)
    }

    func replace(_ cleaned: CleanedSegment) -> Bool {
        replies.post(.replace(job, cleaned))
        return job.awaitAnswer()
    }
}

/// Holds a rate on average: a pause repays what was spent too early. Confined to one thread.
private final class Throttle {
    private static let pauseMin = Duration.milliseconds(5)

    private let bytesPerSecond: Double
    /// When what was spent so far would have been allowed.
    private var paidUntil = MonotonicTime(nanoseconds: .min)

    init(bytesPerSecond: ByteCount) { self.bytesPerSecond = Double(bytesPerSecond.rawValue) }

    /// Until when to wait; nil when it is not worth it.
    func spend(_ bytes: ByteCount, at now: MonotonicTime) -> MonotonicTime? {
        let seconds = Double(bytes.rawValue) / bytesPerSecond
        paidUntil = max(paidUntil, now) + .seconds(seconds)
        return paidUntil - now > Self.pauseMin ? paidUntil : nil
    }
}
