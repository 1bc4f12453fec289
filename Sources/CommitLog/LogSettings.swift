import BrokerModel

/// What a partition's log can be told, in Kafka's terms.
public struct LogSettings: Equatable, Sendable {
    /// `segment.bytes`: a segment is sealed before it would grow past this.
    public var segmentBytes = ByteCount.mebibytes(128)
    /// `segment.ms`: a segment is sealed by the first append this long after its own first one.
    public var segmentAge = Duration.days(7)
    /// `segment.jitter.ms`: or up to this much earlier, each segment at another time.
    public var segmentJitter = Duration.zero
    /// `segment.index.bytes`: a segment is sealed before one of its indexes would grow past this.
    public var indexBytes = ByteCount.mebibytes(10)
    /// `index.interval.bytes`: how much log lies between two index entries.
    public var indexInterval = ByteCount.kibibytes(4)
    /// `preallocate`: a new segment takes its whole place on the disk at once.
    public var isPreallocated = false
    /// `flush.messages`: how many records may be unsynced.
    public var flushMessages = Int.max
    /// `flush.ms`: for how long a record may be; nil leaves that to the log's owner.
    public var flushAge: Duration?

    public init() {}

    var batchBytesMax: ByteCount { min(segmentBytes, CommitLogLimits.batchBytesMax) }

    /// How long after its first append the segment is sealed for which `seed` was drawn.
    func segmentAge(_ seed: UInt64) -> Int64 {
        let age = segmentAge.wholeMilliseconds
        guard segmentJitter > .zero else { return age }
        let jitter = min(segmentJitter.wholeMilliseconds, age)
        guard jitter > 0 else { return age }
        return age - Int64(seed % UInt64(jitter))
    }
}
