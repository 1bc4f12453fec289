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

    var batchBytesMax: ByteCount { min(segmentBytes, CommitLogLimits.batchBytesMax) }
}
