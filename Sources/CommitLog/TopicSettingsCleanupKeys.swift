import BrokerModel
import RecordFormat

/// The keys of compaction and of compression, as a topic and as a broker has them.
extension TopicSettings {
    static let cleanupKeys: [TopicKey] = [
        .init(
            "cleanup.policy",
            allowed: "delete, compact, both with a comma between them, or nothing",
            "Whether old segments are deleted, or of each key the last record is kept, or both; "
                + "empty keeps everything.",
            read: { $0.cleanup.text },
            write: { text, settings in
                guard let policy = CleanupPolicy(text: text) else { return false }
                settings.cleanup = policy
                return true
            }
        ),
        .init(
            "min.cleanable.dirty.ratio",
            allowed: Ratio.allowedText,
            "A compacted log is cleaned when a larger part of it has not been cleaned yet.",
            read: { Ratio($0.compaction.dirtyRatioMin).configurationText },
            write: { text, settings in
                guard let ratio = Ratio(configurationText: text) else { return false }
                settings.compaction.dirtyRatioMin = ratio.value
                return true
            }
        ),
        .number(
            "delete.retention.ms",
            \.tombstoneRetentionNumber,
            in: 0...Int.max,
            "How long a record without value stays after the first cleaning that met it."
        ),
        .number(
            "min.compaction.lag.ms",
            \.lagMinNumber,
            in: 0...Int.max,
            "A younger record is not cleaned away."
        ),
        .number(
            "max.compaction.lag.ms",
            \.lagMaxNumber,
            in: 1...Int.max,
            "A log with an older record that was not cleaned yet is cleaned whatever its ratio."
        ),
    ]

    static let compressionKeys: [TopicKey] = [
        .word(
            "compression.type",
            \.compression.type,
            "How batches are stored: as their producer sent them, or with one codec for all."
        ),
        .init(
            "compression.gzip.level",
            allowed: "-1, or a number, 1 ... 9",
            "How hard gzip tries where the broker compresses; -1 is its own choice.",
            read: { String($0.compression.levels.gzip) },
            write: { text, settings in
                guard let level = Int(text), CompressionLevels.isGzipLevel(level) else {
                    return false
                }
                settings.compression.levels.gzip = level
                return true
            }
        ),
        .number(
            "compression.lz4.level",
            \.compression.levels.lz4,
            in: CompressionLevels.lz4Range,
            "How hard lz4 tries where the broker compresses."
        ),
        .number(
            "compression.zstd.level",
            \.compression.levels.zstd,
            in: CompressionLevels.zstdRange,
            "How hard zstd tries where the broker compresses."
        ),
    ]

    static var cleanupBrokerKeys: [ConfigurationKey<TopicSettings>] {
        let defaults = TopicSettings()
        return [
            .init(
                "log.cleanup.policy",
                \.cleanup,
                of: defaults,
                allowed: "delete, compact, both with a comma between them, or nothing",
                "What becomes of old records (a topic's `cleanup.policy`)."
            ),
            .init(
                "log.cleaner.min.cleanable.ratio",
                \.dirtyRatioText,
                of: defaults,
                allowed: Ratio.allowedText,
                "A compacted log is cleaned when a larger part of it has not been cleaned yet "
                    + "(a topic's `min.cleanable.dirty.ratio`)."
            ),
            .init(
                "log.cleaner.delete.retention.ms",
                \.tombstoneRetentionText,
                of: defaults,
                allowed: "a time, or milliseconds",
                "How long a record without value stays after the first cleaning that met it "
                    + "(a topic's `delete.retention.ms`)."
            ) { $0.duration != nil },
            .init(
                "log.cleaner.min.compaction.lag.ms",
                \.lagMinText,
                of: defaults,
                allowed: "a time, or milliseconds",
                "A younger record is not cleaned away (a topic's `min.compaction.lag.ms`)."
            ) { $0.duration != nil },
            .init(
                "log.cleaner.max.compaction.lag.ms",
                \.lagMaxText,
                of: defaults,
                allowed: "a time, milliseconds, or -1",
                "A log with an older record that was not cleaned yet is cleaned whatever its "
                    + "ratio (a topic's `max.compaction.lag.ms`); -1 is never."
            ) { $0.duration != .zero },
        ]
    }

    static var compressionBrokerKeys: [ConfigurationKey<TopicSettings>] {
        let defaults = TopicSettings()
        return [
            .init(
                "compression.type",
                \.compression.type,
                of: defaults,
                allowed: CompressionType.allCases.map(\.rawValue).joined(separator: " | "),
                "How batches are stored: as their producer sent them, or with one codec for all."
            ),
            .init(
                "compression.gzip.level",
                \.compression.levels.gzip,
                of: defaults,
                allowed: "-1, or 1 ... 9",
                "How hard gzip tries where the broker compresses; -1 is its own choice."
            ) { CompressionLevels.isGzipLevel($0) },
            .init(
                "compression.lz4.level",
                \.compression.levels.lz4,
                of: defaults,
                in: CompressionLevels.lz4Range,
                "How hard lz4 tries where the broker compresses."
            ),
            .init(
                "compression.zstd.level",
                \.compression.levels.zstd,
                of: defaults,
                in: CompressionLevels.zstdRange,
                "How hard zstd tries where the broker compresses."
            ),
        ]
    }
}

extension TopicSettings {
    fileprivate var tombstoneRetentionNumber: Int {
        get { Int(compaction.tombstoneRetention.wholeMilliseconds) }
        set { compaction.tombstoneRetention = Self.atMost(newValue) }
    }
    fileprivate var lagMinNumber: Int {
        get { Int(compaction.lagMin.wholeMilliseconds) }
        set { compaction.lagMin = Self.atMost(newValue) }
    }
    fileprivate var lagMaxNumber: Int {
        get { Self.number(compaction.lagMax) }
        set { compaction.lagMax = Self.duration(newValue) }
    }
    fileprivate var dirtyRatioText: Ratio {
        get { Ratio(compaction.dirtyRatioMin) }
        set { compaction.dirtyRatioMin = newValue.value }
    }
    fileprivate var tombstoneRetentionText: TimeLimit {
        get { TimeLimit(compaction.tombstoneRetention) }
        set { compaction.tombstoneRetention = newValue.duration ?? compaction.tombstoneRetention }
    }
    fileprivate var lagMinText: TimeLimit {
        get { TimeLimit(compaction.lagMin) }
        set { compaction.lagMin = newValue.duration ?? compaction.lagMin }
    }
    fileprivate var lagMaxText: TimeLimit {
        get { TimeLimit(compaction.lagMax) }
        set { compaction.lagMax = newValue.duration }
    }

    /// Times past ten thousand years all mean for ever.
    private static func atMost(_ milliseconds: Int) -> Duration {
        .milliseconds(min(milliseconds, millisecondsMax))
    }
}

/// A part of something, 0 to 1, written as Kafka's doubles are: `0.5`, `1.0`.
struct Ratio: ConfigurationValue {
    static let allowedText = "a number, 0 ... 1"

    let value: Double

    init(_ value: Double) { self.value = value }

    init?(configurationText text: String) {
        guard let value = Double(text), (0...1).contains(value) else { return nil }
        self.value = value
    }

    var configurationText: String { "\(value)" }
}
