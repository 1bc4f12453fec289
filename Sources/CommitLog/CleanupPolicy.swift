import BrokerModel

/// `cleanup.policy`: what becomes of old records. Without any, everything is kept (KIP-1161).
public struct CleanupPolicy: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Old segments go, as `retention.ms` and `retention.bytes` say.
    public static let delete = CleanupPolicy(rawValue: 1)
    /// Of each key the last record stays.
    public static let compact = CleanupPolicy(rawValue: 2)

    /// Reads Kafka's list; nil for a word that is none, or that comes twice.
    public init?(text: String) {
        self = []
        for part in text.split(separator: ",", omittingEmptySubsequences: !text.contains(",")) {
            var word = part.drop { $0 == " " }
            while word.last == " " { word.removeLast() }
            guard let found = Self.words.first(where: { $0.word == word })?.policy,
                insert(found).inserted
            else { return nil }
        }
    }

    public var text: String {
        Self.words.filter { contains($0.policy) }.map(\.word).joined(separator: ",")
    }

    private static let words: [(word: String, policy: CleanupPolicy)] = [
        ("compact", .compact), ("delete", .delete),
    ]
}

extension CleanupPolicy: ConfigurationValue {
    public init?(configurationText: String) { self.init(text: configurationText) }
    public var configurationText: String { text }
}

/// When a compacted log is cleaned, and what the cleaning leaves.
public struct CompactionSettings: Equatable, Sendable {
    /// `min.cleanable.dirty.ratio`: a log is cleaned when a larger part of it is not clean.
    public var dirtyRatioMin = 0.5
    /// `delete.retention.ms`: how long a tombstone stays after the first cleaning that met it.
    public var tombstoneRetention = Duration.days(1)
    /// `min.compaction.lag.ms`: younger records are not cleaned.
    public var lagMin = Duration.zero
    /// `max.compaction.lag.ms`: with an older record a log is cleaned whatever its ratio; nil is
    /// never.
    public var lagMax: Duration?

    public init() {}
}
