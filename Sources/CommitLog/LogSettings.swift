import BrokerModel

/// What a partition's log can be told, in Kafka's terms.
public struct LogSettings: Equatable, Sendable {
    /// `segment.bytes`: a segment is sealed before it would grow past this.
    public var segmentBytes = ByteCount.mebibytes(128)
    /// `segment.ms`: a segment is sealed by the first append this long after its own first one.
    public var segmentAge = Duration.days(7)
    /// `index.interval.bytes`: how much log lies between two index entries.
    public var indexInterval = ByteCount.kibibytes(4)

    public init() {}

    public static var keys: [ConfigurationKey<LogSettings>] {
        let defaults = LogSettings()
        return [
            .init(
                "log.segment.bytes",
                \.segmentBytes,
                of: defaults,
                in: .kibibytes(64) ... .gibibytes(1),
                "A segment is sealed before it would grow past this (Kafka's `segment.bytes`)."
            ),
            .init(
                "log.roll",
                \.segmentAge,
                of: defaults,
                in: .seconds(1) ... .days(3_650),
                "A segment is sealed by the first append this long after its own first one "
                    + "(Kafka's `segment.ms`)."
            ),
            .init(
                "log.index.interval.bytes",
                \.indexInterval,
                of: defaults,
                in: .kibibytes(1) ... .mebibytes(1),
                "How much log lies between two entries of an index."
            ),
        ]
    }

    var batchBytesMax: ByteCount { min(segmentBytes, CommitLogLimits.batchBytesMax) }
}
