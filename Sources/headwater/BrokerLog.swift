import BrokerModel
import EventLoop
import KafkaServer
import Logging
import MQTTServer
import Partitions
import Posix
import Synchronization

/// Turns what the modules report into log lines. Safe from every thread; a peer that repeats its
/// mistake makes one line an interval, with how often it happened.
final class BrokerLog: Sendable {
    private let log: Logger
    private let limiter = Mutex(RepeatLimiter(intervalMilliseconds: 10_000))

    init(_ log: Logger) {
        self.log = log
    }

    func info(_ message: String, _ metadata: Logger.Metadata = [:]) {
        log.info("\(message)", metadata: metadata)
    }

    func error(_ message: String, _ metadata: Logger.Metadata = [:]) {
        log.error("\(message)", metadata: metadata)
    }

    /// A warning that may come in floods; `kind` is what counts as the same.
    func repeated(_ message: String, kind: String, count: Int = 1, _ metadata: Logger.Metadata) {
        let now = SystemClock.monotonicNanoseconds / 1_000_000
        let admitted = limiter.withLock { $0.admit("\(message) \(kind)", count: count, now: now) }
        guard let admitted else { return }
        var metadata = metadata
        if admitted > 1 { metadata["count"] = "\(admitted)" }
        log.warning("\(message)", metadata: metadata)
    }
}
