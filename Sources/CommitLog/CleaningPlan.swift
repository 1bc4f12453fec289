import BrokerModel
import RecordFormat

/// How much of a compacted log could be cleaned, in Kafka's terms.
public struct CleanableLog: Equatable, Sendable {
    /// Everything below was cleaned before.
    public let firstDirtyOffset: Offset
    /// Nothing from here on may be cleaned yet.
    public let firstUncleanableOffset: Offset
    public let cleanBytes: ByteCount
    public let cleanableBytes: ByteCount
    /// Whether a record has waited for longer than `max.compaction.lag.ms`.
    public let isOverdue: Bool

    /// Which part of what could be clean is not.
    public var dirtyRatio: Double {
        let total = cleanBytes + cleanableBytes
        return total > .zero ? Double(cleanableBytes.rawValue) / Double(total.rawValue) : 0
    }

    public func isDue(_ settings: CompactionSettings) -> Bool {
        cleanableBytes > .zero && (isOverdue || dirtyRatio > settings.dirtyRatioMin)
    }
}

/// One cleaning: which sealed segments of a log it reads and what it goes by. Made by the log's
/// owner, used by the thread that cleans.
public struct CleaningPlan: Sendable {
    let folder: String
    let fileSystem: any FileSystem
    /// All from the log's first on that lie below the first uncleanable offset.
    let segments: [Segment]
    /// Where the last of them ends.
    let firstUncleanableOffset: Offset
    let firstDirtyOffset: Offset
    let settings: CompactionSettings
    let log: LogSettings
    let levels: CompressionLevels
    let now: Timestamp
    /// Of each producer that is known, its last record's offset: that batch stays, if only as a
    /// header, for the state that a start rebuilds.
    let lastOffsetsOfProducers: [Int64: Offset]

    /// When the tombstones may go that this cleaning is the first to meet.
    var deleteHorizon: Timestamp {
        let (time, overflow) = now.rawValue.addingReportingOverflow(
            settings.tombstoneRetention.wholeMilliseconds
        )
        return Timestamp(rawValue: overflow ? .max : time)
    }

    /// Where the segment at `index` ends.
    func end(ofSegment index: Int) -> Offset {
        index + 1 < segments.count ? segments[index + 1].baseOffset : firstUncleanableOffset
    }

    /// Runs of segments that become one each, as long as that is no larger than a segment may be:
    /// what earlier cleanings left small is put together.
    func groups(before end: Offset) -> [Range<Int>] {
        var groups: [Range<Int>] = []
        var first = 0
        let limit = min(log.segmentBytes, CommitLogLimits.segmentBytesMax)
        while first < segments.count, segments[first].baseOffset < end {
            var size = segments[first].sizeInBytes
            var next = first + 1
            while next < segments.count, segments[next].baseOffset < end,
                next - first < CommitLogLimits.segmentsPerGroup,
                size + segments[next].sizeInBytes <= limit,
                self.end(ofSegment: next) - segments[first].baseOffset <= Int(Int32.max)
            {
                size += segments[next].sizeInBytes
                next += 1
            }
            groups.append(first..<next)
            first = next
        }
        return groups
    }
}

/// What a cleaning did.
public struct CleaningResult: Equatable, Sendable {
    public var bytesRead = ByteCount.zero
    public var bytesWritten = ByteCount.zero
    public var recordsRemoved = 0
    /// Of those removed, the ones without a key: nothing can ever supersede them.
    public var keylessRemoved = 0
    public var segmentsReplaced = 0
    /// The first offset that it did not look at.
    public var end = Offset.zero

    public init() {}
}

/// Why a cleaning ended before its end. What it has replaced so far stays replaced.
public enum CleaningError: Error, Equatable, Sendable {
    /// It was told to, or the log has changed under it.
    case aborted
    case fileSystem(FileSystemError)
    /// A batch cannot be read: the partition is not cleaned again before somebody has seen to it.
    case damaged(path: String, at: FilePosition)
}

/// What a cleaning needs of whoever runs it.
public protocol CleaningHost {
    /// False ends the cleaning.
    var mayGoOn: Bool { get }
    /// So many bytes were read or written: the place to slow down.
    func spent(_ bytes: ByteCount)
    /// Has the log's owner put the segment in its place. False when the log is not what it was.
    func replace(_ cleaned: CleanedSegment) -> Bool
}
