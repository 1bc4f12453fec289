import BrokerModel
import RecordFormat

/// What one topic can be told, in Kafka's terms and with Kafka's meanings. The broker's own keys
/// give the defaults (`brokerKeys`); a topic overrides them one by one (`keys`).
public struct TopicSettings: Equatable, Sendable {
    public var log = LogSettings()
    public var cleanup = CleanupPolicy.delete
    public var compaction = CompactionSettings()
    public var compression = TopicCompression()
    /// `retention.ms`; nil keeps for ever.
    public var retentionTime: Duration? = .days(7)
    /// `retention.bytes`, of each partition; nil is unlimited.
    public var retentionBytes: ByteCount?
    /// `file.delete.delay.ms`: how long a deleted file still lies there, for who is reading it.
    public var fileDeleteDelay = Duration.minutes(1)
    /// `max.message.bytes`: of one record batch, as a producer sends it.
    public var messageBytesMax = ByteCount(1_048_588)
    public var timestampType = TimestampType.createTime
    /// How far a record's time may lie before the broker's; nil is unlimited.
    public var timestampBeforeMax: Duration?
    /// How far it may lie after the broker's.
    public var timestampAfterMax: Duration? = .hours(1)
    public var durability = Durability.durable

    public init() {}

    /// These settings with a topic's own in their place. Nothing is taken over from a faulty set.
    public func applying(
        _ overrides: [String: String]
    ) throws(TopicSettingsError) -> TopicSettings {
        var settings = self
        // Sorted, so that of several faults the same one is always named.
        for (name, text) in overrides.sorted(by: { $0.key < $1.key }) {
            guard let key = Self.keys.first(where: { $0.name == name }) else {
                throw TopicSettingsError(key: name, value: text, allowed: nil)
            }
            guard key.apply(text, to: &settings) else {
                throw TopicSettingsError(key: name, value: text, allowed: key.allowedText)
            }
        }
        try settings.checkLags(overrides)
        return settings
    }

    /// Both are right each for itself, and wrong together.
    private func checkLags(_ overrides: [String: String]) throws(TopicSettingsError) {
        guard let lagMax = compaction.lagMax, compaction.lagMin > lagMax else { return }
        let isMin = overrides["min.compaction.lag.ms"] != nil
        throw TopicSettingsError(
            key: isMin ? "min.compaction.lag.ms" : "max.compaction.lag.ms",
            value: "\((isMin ? compaction.lagMin : lagMax).wholeMilliseconds)",
            allowed: isMin
                ? "at most max.compaction.lag.ms, which is \(lagMax.wholeMilliseconds)"
                : "at least min.compaction.lag.ms, which is \(compaction.lagMin.wholeMilliseconds)"
        )
    }

    /// What a log of this topic is told. As with Kafka, the largest lag of a compacted topic seals
    /// segments too: the active one is never cleaned.
    public var logSettings: LogSettings {
        guard cleanup.contains(.compact), let lagMax = compaction.lagMax else { return log }
        var settings = log
        settings.segmentAge = min(log.segmentAge, lagMax)
        return settings
    }
}

/// When a record of a topic counts as stored.
public enum Durability: String, CaseIterable, Sendable {
    /// Synced: it survives a power cut. The default.
    case durable
    /// In the page cache: it survives the process, not the machine.
    case written
    /// As `written` in the log, but who publishes over MQTT does not wait even for that.
    case memory
}

/// A topic setting that is not one, or has no such value.
public struct TopicSettingsError: Error, Equatable, Sendable, CustomStringConvertible {
    public let key: String
    public let value: String
    /// What the key takes, in words; nil when there is no such key.
    public let allowed: String?

    public init(key: String, value: String, allowed: String?) {
        self.key = key
        self.value = value
        self.allowed = allowed
    }

    public var description: String {
        guard let allowed else { return "a topic has no setting '\(key)'" }
        return "\(key)=\(value) is not allowed; give \(allowed)"
    }
}
