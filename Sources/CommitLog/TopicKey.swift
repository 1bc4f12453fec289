import BrokerModel
import RecordFormat

/// One setting of a topic: its name, default, allowed values and a sentence about it. Values are
/// written as Kafka does: plain numbers, of bytes or milliseconds, -1 for unlimited.
public struct TopicKey: Sendable {
    public let name: String
    public let defaultText: String
    /// What may be set, in words.
    public let allowedText: String
    public let sentence: String
    /// Whether its default is the only value.
    public let isFixed: Bool
    private let read: @Sendable (TopicSettings) -> String
    private let write: @Sendable (String, inout TopicSettings) -> Bool

    /// The value in these settings.
    public func text(in settings: TopicSettings) -> String { read(settings) }

    /// Reads `text` into the settings; false, with the settings as they were, when it is not a
    /// value that this key allows.
    func apply(_ text: String, to settings: inout TopicSettings) -> Bool { write(text, &settings) }

    init(
        _ name: String,
        allowed: String,
        _ sentence: String,
        isFixed: Bool = false,
        read: @escaping @Sendable (TopicSettings) -> String,
        write: @escaping @Sendable (String, inout TopicSettings) -> Bool
    ) {
        self.name = name
        self.sentence = sentence
        self.isFixed = isFixed
        allowedText = allowed
        defaultText = read(TopicSettings())
        self.read = read
        self.write = write
    }

    /// A number in a range.
    static func number(
        _ name: String,
        _ path: any WritableKeyPath<TopicSettings, Int> & Sendable,
        in range: ClosedRange<Int>,
        _ sentence: String
    ) -> TopicKey {
        TopicKey(
            name,
            allowed: range.upperBound == .max
                ? "a number from \(range.lowerBound) on"
                : "a number, \(range.lowerBound) ... \(range.upperBound)",
            sentence,
            read: { String($0[keyPath: path]) },
            write: { text, settings in
                guard let value = Int(text), range.contains(value) else { return false }
                settings[keyPath: path] = value
                return true
            }
        )
    }

    /// One of a few words.
    static func word<Value: RawRepresentable<String> & CaseIterable & SendableMetatype>(
        _ name: String,
        _ path: any WritableKeyPath<TopicSettings, Value> & Sendable,
        _ sentence: String
    ) -> TopicKey {
        TopicKey(
            name,
            allowed: Value.allCases.map(\.rawValue).joined(separator: " | "),
            sentence,
            read: { $0[keyPath: path].rawValue },
            write: { text, settings in
                guard let value = Value(rawValue: text) else { return false }
                settings[keyPath: path] = value
                return true
            }
        )
    }
}

extension TopicSettings {
    /// Everything that a topic can be told, by name.
    public static let keys: [TopicKey] =
        segmentKeys + logKeys + cleanupKeys + retentionKeys + compressionKeys + recordKeys
        + replicaKeys + remoteKeys

    private static let logKeys: [TopicKey] = [
        .number(
            "segment.bytes",
            \.segmentBytesNumber,
            in: 1 << 16...Int(Int32.max),
            "A segment is sealed before it would grow past this."
        ),
        .number(
            "segment.ms",
            \.segmentAgeNumber,
            in: 1...Int.max,
            "A segment is sealed by the first append this long after its own first one."
        ),
        .number(
            "index.interval.bytes",
            \.indexIntervalNumber,
            in: 0...Int(Int32.max),
            "How much log lies between two entries of an index."
        ),
        .word(
            "durability",
            \.durability,
            "When a record counts as stored: synced, in the page cache, or on its way there."
        ),
    ]

    private static let retentionKeys: [TopicKey] = [
        .number(
            "retention.ms",
            \.retentionTimeNumber,
            in: -1...Int.max,
            "A segment whose newest record is older than this is deleted; -1 keeps for ever."
        ),
        .number(
            "retention.bytes",
            \.retentionBytesNumber,
            in: -1...Int.max,
            "The oldest segments of a partition that holds more are deleted; -1 is unlimited."
        ),
        .number(
            "file.delete.delay.ms",
            \.fileDeleteDelayNumber,
            in: 0...Self.millisecondsMax,
            "How long a deleted file still takes its place on the disk, for who is reading it."
        ),
    ]

    private static let recordKeys: [TopicKey] = [
        .number(
            "max.message.bytes",
            \.messageBytesNumber,
            in: 0...CommitLogLimits.batchBytesMax.rawValue,
            "A larger record batch from a Kafka producer is refused."
        ),
        .word(
            "message.timestamp.type",
            \.timestampTypeWord,
            "Whose clock a record's time is: its producer's, or the broker's at the append."
        ),
        .number(
            "message.timestamp.before.max.ms",
            \.timestampBeforeNumber,
            in: 0...Int.max,
            "A record whose time lies further before the broker's is refused."
        ),
        .number(
            "message.timestamp.after.max.ms",
            \.timestampAfterNumber,
            in: 0...Int.max,
            "A record whose time lies further after the broker's is refused."
        ),
    ]

    /// Ten thousand years: times past this are no times.
    static let millisecondsMax = 315_576_000_000_000
}

/// The timestamp types by Kafka's names.
private enum TimestampTypeWord: String, CaseIterable {
    case createTime = "CreateTime"
    case logAppendTime = "LogAppendTime"
}

/// The values as Kafka's plain numbers and words.
extension TopicSettings {
    fileprivate var timestampTypeWord: TimestampTypeWord {
        get { timestampType == .createTime ? .createTime : .logAppendTime }
        set { timestampType = newValue == .createTime ? .createTime : .logAppendTime }
    }
    /// `CreateTime` or `LogAppendTime`.
    var timestampTypeText: String {
        get { timestampTypeWord.rawValue }
        set { timestampTypeWord = TimestampTypeWord(rawValue: newValue) ?? timestampTypeWord }
    }
    static func isTimestampType(_ text: String) -> Bool { TimestampTypeWord(rawValue: text) != nil }

    fileprivate var segmentBytesNumber: Int {
        get { log.segmentBytes.rawValue }
        set { log.segmentBytes = ByteCount(newValue) }
    }
    fileprivate var segmentAgeNumber: Int {
        get { Int(log.segmentAge.wholeMilliseconds) }
        set { log.segmentAge = .milliseconds(min(newValue, Self.millisecondsMax)) }
    }
    fileprivate var indexIntervalNumber: Int {
        get { log.indexInterval.rawValue }
        set { log.indexInterval = ByteCount(newValue) }
    }
    fileprivate var retentionTimeNumber: Int {
        get { retentionTime.map { Int($0.wholeMilliseconds) } ?? -1 }
        set { retentionTime = newValue < 0 ? nil : Self.duration(newValue) }
    }
    fileprivate var retentionBytesNumber: Int {
        get { retentionBytes?.rawValue ?? -1 }
        set { retentionBytes = newValue < 0 ? nil : ByteCount(newValue) }
    }
    fileprivate var fileDeleteDelayNumber: Int {
        get { Int(fileDeleteDelay.wholeMilliseconds) }
        set { fileDeleteDelay = .milliseconds(newValue) }
    }
    fileprivate var messageBytesNumber: Int {
        get { messageBytesMax.rawValue }
        set { messageBytesMax = ByteCount(newValue) }
    }
    fileprivate var timestampBeforeNumber: Int {
        get { Self.number(timestampBeforeMax) }
        set { timestampBeforeMax = Self.duration(newValue) }
    }
    fileprivate var timestampAfterNumber: Int {
        get { Self.number(timestampAfterMax) }
        set { timestampAfterMax = Self.duration(newValue) }
    }

    /// Kafka writes these two limits as the largest number when there is none.
    static func number(_ limit: Duration?) -> Int {
        limit.map { Int($0.wholeMilliseconds) } ?? Int.max
    }

    static func duration(_ number: Int) -> Duration? {
        number > millisecondsMax ? nil : .milliseconds(number)
    }
}
