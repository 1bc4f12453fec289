import BrokerModel
import CommitLog

/// What the cleaner of compacted logs may take of the box (decision 42).
package struct LogCleanerSettings: Equatable, Sendable {
    package var isEnabled = true
    /// Between two looks while nothing is due.
    package var backoff = Duration.seconds(15)
    /// Read and written together; enough for some gigabytes an hour, and far below any flash.
    package var bytesPerSecond = ByteCount.mebibytes(8)
    /// For the keys of one cleaning.
    package var keyMemory = ByteCount.mebibytes(8)

    package init() {}

    package static var keys: [ConfigurationKey<LogCleanerSettings>] {
        let defaults = LogCleanerSettings()
        return [
            .init(
                "log.cleaner.enable",
                \.isEnabled,
                of: defaults,
                allowed: "true | false",
                "Whether compacted logs are cleaned at all."
            ),
            .init(
                "log.cleaner.backoff.ms",
                \.backoffText,
                of: defaults,
                allowed: "10ms ... 1d, or milliseconds",
                "How often the cleaner looks for a log to clean while none is due."
            ) { $0.isWithin(.milliseconds(10) ... .days(1)) },
            .init(
                "log.cleaner.io.max.bytes.per.second",
                \.bytesPerSecond,
                of: defaults,
                in: .kibibytes(64) ... .gibibytes(64),
                "What the cleaner reads and writes together in a second at most."
            ),
            .init(
                "log.cleaner.dedupe.buffer.size",
                \.keyMemory,
                of: defaults,
                in: .kibibytes(64) ... .gibibytes(4),
                "What the keys of one cleaning may take in memory, 24 bytes each; taken from the "
                    + "pool `fetch` while it runs. A log with more keys is cleaned in several goes."
            ),
        ]
    }

    private var backoffText: TimeLimit {
        get { TimeLimit(backoff) }
        set { backoff = newValue.duration ?? backoff }
    }
}

/// What the cleaner has done, for metrics, from any thread.
public final class LogCleanerCounters: Sendable {
    /// Cleanings that came to their end, and how long they took.
    public let cleanings = LatencyHistogram()
    /// Given up because a topic was deleted or changed, or retention came first.
    public let aborted = Counter()
    public let failed = Counter()
    public let bytesRead = Counter()
    public let bytesWritten = Counter()
    public let recordsRemoved = Counter()
    /// Of these, the ones without a key, which a compacted topic does not keep.
    public let keylessRemoved = Counter()
    public let segmentsReplaced = Counter()
    /// Begins with the cleaning and ends with it.
    public let running = Gauge()
    /// Logs that the cleaner cannot read.
    public let uncleanable = Gauge()
    /// Of the dirtiest log at the last look, in thousandths.
    public let dirtyPermilleMax = Gauge()
    /// Looks that found a log, and no memory for its keys.
    public let waitsForMemory = Counter()

    public init() {}
}
