import BrokerModel

extension TopicSettings {
    /// The defaults of all topics, under Kafka's names for a broker's keys.
    public static var brokerKeys: [ConfigurationKey<TopicSettings>] {
        logKeys + brokerSegmentKeys + cleanupBrokerKeys + compressionBrokerKeys + recordKeys
    }

    private static var logKeys: [ConfigurationKey<TopicSettings>] {
        let defaults = TopicSettings()
        return [
            .init(
                "log.segment.bytes",
                \.log.segmentBytes,
                of: defaults,
                in: .kibibytes(64)...ByteCount(Int(Int32.max)),
                "A segment is sealed before it would grow past this (a topic's `segment.bytes`)."
            ),
            .init(
                "log.roll.ms",
                \.rollText,
                of: defaults,
                allowed: "1s ... 3650d, or milliseconds",
                "A segment is sealed by the first append this long after its own first one "
                    + "(a topic's `segment.ms`)."
            ) { $0.isWithin(.seconds(1) ... .days(3_650)) },
            .init(
                "log.index.interval.bytes",
                \.log.indexInterval,
                of: defaults,
                in: .zero...ByteCount(Int(Int32.max)),
                "How much log lies between two entries of an index."
            ),
            .init(
                "log.retention.ms",
                \.retentionText,
                of: defaults,
                allowed: "0 ... 3650d, milliseconds, or -1",
                "A segment whose newest record is older than this is deleted; -1 keeps for ever "
                    + "(a topic's `retention.ms`)."
            ) { $0.duration == nil || $0.isWithin(.zero ... .days(3_650)) },
            .init(
                "log.retention.bytes",
                \.retentionBytesText,
                of: defaults,
                allowed: "bytes, also with KiB, MiB, GiB, or -1",
                "The oldest segments of a partition that holds more are deleted; -1 is unlimited "
                    + "(a topic's `retention.bytes`)."
            ),
            .init(
                "log.segment.delete.delay.ms",
                \.deleteDelayText,
                of: defaults,
                allowed: "0 ... 1d, or milliseconds",
                "How long a deleted file still lies there, for who is reading it."
            ) { $0.isWithin(.zero ... .days(1)) },
        ]
    }

    private static var recordKeys: [ConfigurationKey<TopicSettings>] {
        let defaults = TopicSettings()
        return [
            .init(
                "message.max.bytes",
                \.messageBytesMax,
                of: defaults,
                in: ByteCount(0)...CommitLogLimits.batchBytesMax,
                "A larger record batch from a Kafka producer is refused."
            ),
            .init(
                "log.message.timestamp.type",
                \.timestampTypeText,
                of: defaults,
                allowed: "CreateTime | LogAppendTime",
                "Whose clock a record's time is: its producer's, or the broker's at the append."
            ) { isTimestampType($0) },
            .init(
                "log.message.timestamp.before.max.ms",
                \.timestampBeforeText,
                of: defaults,
                allowed: "a time, milliseconds, or -1",
                "A record whose time lies further before the broker's is refused; -1 is unlimited."
            ),
            .init(
                "log.message.timestamp.after.max.ms",
                \.timestampAfterText,
                of: defaults,
                allowed: "a time, milliseconds, or -1",
                "A record whose time lies further after the broker's is refused; -1 is unlimited."
            ),
        ]
    }

    private var rollText: TimeLimit {
        get { TimeLimit(log.segmentAge) }
        set { log.segmentAge = newValue.duration ?? log.segmentAge }
    }
    private var retentionText: TimeLimit {
        get { TimeLimit(retentionTime) }
        set { retentionTime = newValue.duration }
    }
    private var retentionBytesText: SizeLimit {
        get { SizeLimit(size: retentionBytes) }
        set { retentionBytes = newValue.size }
    }
    private var deleteDelayText: TimeLimit {
        get { TimeLimit(fileDeleteDelay) }
        set { fileDeleteDelay = newValue.duration ?? fileDeleteDelay }
    }
    private var timestampBeforeText: TimeLimit {
        get { TimeLimit(timestampBeforeMax) }
        set { timestampBeforeMax = newValue.duration }
    }
    private var timestampAfterText: TimeLimit {
        get { TimeLimit(timestampAfterMax) }
        set { timestampAfterMax = newValue.duration }
    }
}

/// A time as Kafka's keys in `.ms` have it, a plain number, or with a unit; -1 for none.
public struct TimeLimit: ConfigurationValue {
    public var duration: Duration?

    public init(_ duration: Duration?) { self.duration = duration }

    public init?(configurationText text: String) {
        if let number = Int64(text) {
            guard number >= -1, number <= 315_576_000_000_000 else { return nil }
            duration = number < 0 ? nil : .milliseconds(number)
        } else {
            guard let time = Duration(configurationText: text), time >= .zero else { return nil }
            duration = time
        }
    }

    public var configurationText: String {
        guard let duration else { return "-1" }
        return duration == .zero ? "0" : duration.configurationText
    }

    public func isWithin(_ range: ClosedRange<Duration>) -> Bool {
        duration.map(range.contains) ?? false
    }
}

/// A size, or -1 for none.
struct SizeLimit: ConfigurationValue {
    var size: ByteCount?

    init(size: ByteCount?) { self.size = size }

    init?(configurationText text: String) {
        if text == "-1" { return }
        guard let size = ByteCount(configurationText: text), size >= .zero else { return nil }
        self.size = size
    }

    var configurationText: String { size?.configurationText ?? "-1" }
}
