import BrokerModel
import EventLoop
import Posix
import Synchronization

/// A few threads that wait for the disk in place of a network loop: cold reads, lookups by time.
///
/// Jobs run in the order in which they came, each on one thread and to its end. The threads start
/// with the first job. A full queue refuses; the asker waits and asks again, or answers without.
public final class ReaderPool: Sendable {
    public let counters = ReaderPoolCounters()

    private struct Queue {
        var jobs: [@Sendable () -> Void] = []
        /// Jobs before this one have been taken.
        var first = 0
        var threads: [SystemThread] = []
        var idle = 0
        var isStopping = false

        var waiting: Int { jobs.count - first }

        mutating func takeFirst() -> (@Sendable () -> Void)? {
            guard first < jobs.count else { return nil }
            let job = jobs[first]
            jobs[first] = {}  // What it holds is released with its end.
            first += 1
            if first == jobs.count {
                jobs.removeAll(keepingCapacity: true)
                first = 0
            } else if first >= 64, 2 * first >= jobs.count {
                jobs.removeFirst(first)
                first = 0
            }
            return job
        }
    }

    private let threadsMax: Int
    private let queueMax: Int
    private let queue = Mutex(Queue())
    private let work = ThreadSemaphore()
    /// Signalled by each thread at its end.
    private let ended = ThreadSemaphore()

    /// `queueMax` counts the jobs that no thread has taken yet.
    public init(threads: Int, queueMax: Int) {
        threadsMax = threads
        self.queueMax = queueMax
    }

    /// How many jobs wait for a thread.
    public var waiting: Int { queue.withLock { $0.waiting } }

    /// False when the queue is full, no thread can be had, or the pool has stopped.
    public func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        let isTaken = queue.withLock { queue in
            guard !queue.isStopping, queue.waiting < queueMax else { return false }
            if queue.idle <= queue.waiting, queue.threads.count < threadsMax { start(&queue) }
            guard !queue.threads.isEmpty else { return false }
            queue.jobs.append(job)
            return true
        }
        guard isTaken else {
            counters.refused.add()
            return false
        }
        counters.accepted.add()
        work.signal()
        return true
    }

    /// Drops what no thread has begun, and returns once the last thread has ended. One that a dead
    /// disk holds for longer than `patience` is left to it: it keeps the pool, and no stop waits.
    public func stop(patience: Duration = .seconds(2)) {
        let threads = queue.withLock { queue in
            queue.isStopping = true
            queue.jobs.removeAll()
            queue.first = 0
            defer { queue.threads = [] }
            return queue.threads
        }
        for _ in threads { work.signal() }
        let deadline = (MonotonicTime.current + patience).rawValue
        let allEnded = threads.allSatisfy { _ in ended.wait(untilNanoseconds: deadline) }
        for thread in threads { allEnded ? thread.join() : thread.giveUp() }
    }

    /// Without a new thread the others do its work; without any the submission is refused.
    private func start(_ queue: inout Queue) {
        let number = queue.threads.count + 1
        do throws(PosixError) {
            let thread = try SystemThread.start(named: "headwater-read\(number)") { [self] in run()
            }
            queue.threads.append(thread)
            queue.idle += 1
        } catch {
            counters.threadsFailed.add()
        }
    }

    private func run() {
        defer { ended.signal() }
        while true {
            work.wait()
            let (job, isStopping) = queue.withLock { queue in
                queue.idle -= 1
                return (queue.takeFirst(), queue.isStopping)
            }
            guard !isStopping else { return }
            if job != nil { counters.begun.add() }
            job?()
            queue.withLock { $0.idle += 1 }
        }
    }
}

/// What a pool of readers was asked; readable from any thread.
public final class ReaderPoolCounters: Sendable {
    public let accepted = Counter()
    /// Of the accepted ones, those that a thread has taken.
    public let begun = Counter()
    public let refused = Counter()
    /// Threads that the system did not give.
    public let threadsFailed = Counter()

    public init() {}

    /// Jobs that no thread has taken yet, as near as two counters tell.
    public var waiting: Int { max(0, accepted.count - begun.count) }
}
