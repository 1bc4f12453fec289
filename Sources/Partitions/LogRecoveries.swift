import BrokerModel
import CommitLog
import Posix
import Synchronization

/// Recovers many logs at once after an unclean stop. Each makes small files durable, and a disk
/// takes the syncs of several threads together: most of such a start is waiting for it.
///
/// Unchecked, because the threads share nothing but the list of what is to do and that of what is
/// done, both under one lock; they end before anybody looks at a log.
final class LogRecoveries: @unchecked Sendable {
    typealias Outcome = Result<(log: PartitionLog, report: RecoveryReport), CommitLogError>

    struct Wanted {
        let name: TopicPartition
        let folder: String
        let settings: LogSettings
    }

    private let wanted: [Wanted]
    private let fileSystem: any FileSystem
    private let openSegments: OpenSegments
    private let producerLimit: ProducerLimit
    private let lock = Mutex(())
    private var next = 0
    private var outcomes: [TopicPartition: Outcome] = [:]

    init(_ wanted: [Wanted], of store: PartitionStore) {
        self.wanted = wanted
        fileSystem = store.fileSystem
        openSegments = store.openSegments
        producerLimit = store.producerLimit
    }

    /// Returns once all are done. Threads that cannot be had leave their work to the others.
    func run(threads: Int) -> [TopicPartition: Outcome] {
        var started: [SystemThread] = []
        for number in 1..<max(1, min(threads, wanted.count)) {
            do throws(PosixError) {
                started.append(
                    try SystemThread.start(named: "headwater-open\(number)") { [self] in work() }
                )
            } catch {
                break
            }
        }
        work()
        for thread in started { thread.join() }
        return outcomes
    }

    private func work() {
        while let one = takeNext() {
            let outcome: Outcome
            do throws(CommitLogError) {
                outcome = .success(
                    try PartitionLog.open(
                        folder: one.folder,
                        afterCleanStop: false,
                        fileSystem: fileSystem,
                        settings: one.settings,
                        openSegments: openSegments,
                        producerLimit: producerLimit
                    )
                )
            } catch {
                outcome = .failure(error)
            }
            lock.withLock { _ in outcomes[one.name] = outcome }
        }
    }

    private func takeNext() -> Wanted? {
        lock.withLock { _ in
            guard next < wanted.count else { return nil }
            defer { next += 1 }
            return wanted[next]
        }
    }
}
