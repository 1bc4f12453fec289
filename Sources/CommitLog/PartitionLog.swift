import BrokerModel
import RecordFormat

/// One partition's log. Confined to the thread that writes it; others use its `reader`.
///
/// What is appended becomes durable, and visible to readers, with the next `sync`. In a topic that
/// is not durable `show` makes it visible before that; such offsets are reserved first, so that no
/// crash has them given twice.
public final class PartitionLog {
    /// The offsets that an append was given.
    public struct AppendedRange: Equatable, Sendable {
        public let baseOffset: Offset
        public let lastOffset: Offset
        /// Of the batches that were appended.
        public let size: ByteCount
    }

    public let folder: String
    public let topicID: UUIDBytes
    public let reader: PartitionReader
    /// Where the next record goes.
    public private(set) var logEndOffset: Offset { didSet { reader.noteEnd(logEndOffset) } }
    public private(set) var leaderEpoch: LeaderEpoch
    /// Why the log takes nothing more, when it does not.
    public private(set) var failure: FileSystemError?

    /// Files in the folder that are no longer the log's: what a deletion has left.
    public let leftovers: [String]

    private(set) var isClosed = false
    /// Where the unsynced records begin.
    private(set) var syncedEndOffset: Offset
    /// Whether the active segment's index files say all that is known: a stop need not write them.
    var indexesAreStored = false
    /// Whether the active segment has more room on the disk than it fills.
    var isPreallocated = false
    let fileSystem: any FileSystem
    /// See `change`.
    var settings: LogSettings
    /// What was allowed once stays so: a batch may be on its way that was built by it.
    var batchBytesMax: ByteCount
    var active: ActiveSegment
    var marks: OffsetMarks
    let producers: ProducerStates
    var snapshots: ProducerSnapshotFiles
    /// Size and age of sealed segments, as far as somebody has asked.
    var sealed: [Offset: RetentionPolicy.Segment] = [:]
    /// When sealed segments of a compacted log begin, as far as somebody has asked.
    var firstTimestamps: [Offset: Timestamp] = [:]
    /// How many offsets are reserved at a time: each time costs two syncs, and an unclean start
    /// skips what is left of them.
    private static let reservationStep = 1 << 18

    init(
        folder: String,
        topicID: UUIDBytes,
        recovered: RecoveredLog,
        fileSystem: any FileSystem,
        settings: LogSettings,
        openSegments: OpenSegments
    ) {
        self.folder = folder
        self.topicID = topicID
        self.fileSystem = fileSystem
        self.settings = settings
        batchBytesMax = settings.batchBytesMax
        logEndOffset = recovered.logEndOffset
        syncedEndOffset = recovered.logEndOffset
        leaderEpoch = recovered.epochs.latest
        active = recovered.active
        marks = recovered.marks
        leftovers = recovered.leftovers
        producers = recovered.producers
        snapshots = recovered.snapshots
        let first = recovered.segments.first?.baseOffset ?? recovered.logEndOffset
        let start = max(first, recovered.marks.logStart)
        reader = PartitionReader(
            PartitionReader.Published(
                segments: recovered.segments,
                logStartOffset: start,
                highWatermark: recovered.logEndOffset,
                syncedEnd: recovered.active.end,
                syncedMaxTimestamp: recovered.active.maxTimestamp,
                epochs: recovered.epochs,
                open: openSegments
            ),
            logEndOffset: recovered.logEndOffset,
            producers: recovered.producers
        )
        preallocate(active)
    }

    public var highWatermark: Offset { reader.highWatermark }
    /// How much is written and not yet synced.
    public var unsyncedBytes: ByteCount { active.end - active.syncedEnd }
    public var isDirty: Bool { active.end > active.syncedEnd }

    /// Appends one or several whole batches, giving them their offsets and the leader epoch in
    /// place. `now` decides whether the segment is old enough to be sealed.
    ///
    /// Bytes that are no batches are refused before anything is written. The caller has checked
    /// their checksums.
    @discardableResult
    public func append(
        _ batches: UnsafeMutableRawBufferPointer,
        now: Timestamp
    ) throws(CommitLogError) -> AppendedRange {
        try checkIsOpen()
        try check(UnsafeRawBufferPointer(batches))
        let base = logEndOffset
        do throws(FileSystemError) {
            try write(batches, now: now)
        } catch {
            throw fail(error)
        }
        return appendedRange(from: base, ByteCount(batches.count))
    }

    func appendedRange(from base: Offset, _ size: ByteCount) -> AppendedRange {
        let last = Offset(logEndOffset.rawValue - 1)
        return AppendedRange(baseOffset: base, lastOffset: last, size: size)
    }

    /// Makes everything appended so far durable, then visible.
    public func sync() throws(CommitLogError) {
        try checkIsOpen()
        guard isDirty else { return }
        do throws(FileSystemError) {
            try syncData()
        } catch {
            throw fail(error)
        }
    }

    /// Makes everything appended so far visible without a sync. Of this a power cut may take any
    /// part, but never have an offset given again.
    public func show() throws(CommitLogError) {
        try checkIsOpen()
        guard active.end > active.shownEnd else { return }
        do throws(FileSystemError) {
            if logEndOffset > marks.reserved {
                try reserve(upTo: logEndOffset + Self.reservationStep)
            }
            active.shownEnd = active.end
            publishEnd()
        } catch {
            throw fail(error)
        }
    }

    /// Gaps that unclean starts have left, and that are not yet recorded.
    public var unrecordedGaps: [OffsetGap] { marks.gaps }

    /// Forgets the gaps: they are recorded durably.
    public func gapsAreRecorded() throws(CommitLogError) {
        guard !marks.gaps.isEmpty else { return }
        var changed = marks
        changed.gaps = []
        try onDisk { () throws(FileSystemError) in try changed.write(in: folder, fileSystem) }
        marks = changed
    }

    func reserve(upTo offset: Offset) throws(FileSystemError) {
        var changed = marks
        changed.reserved = offset
        try changed.write(in: folder, fileSystem)
        marks = changed
    }

    /// Seals the log for an orderly stop: data and indexes synced, so that the next start need not
    /// scan. A log that has failed says so, and gets no such stop.
    public func close() throws(CommitLogError) {
        guard !isClosed else { return }
        defer { isClosed = true }
        try sync()
        do throws(FileSystemError) {
            try trim()
            if !indexesAreStored { try active.segment.writeIndexes() }
            try saveProducers()
            // All is synced: an unclean end of the next run need not skip what this one reserved.
            if marks.reserved > logEndOffset { try reserve(upTo: logEndOffset) }
        } catch {
            throw fail(error)
        }
    }

    /// Ends writing and reading because the log is going to be deleted: nothing is synced any
    /// more, and every offset is out of range.
    public func abandon() {
        isClosed = true
        producers.removeAll()
        let view = reader.snapshot()
        reader.publish { published in
            published.logStartOffset = published.highWatermark
            published.segments = []
        }
        for segment in view.segments { view.open.forget(segment) }
    }

    func checkIsOpen() throws(CommitLogError) {
        if let failure { throw .readOnly(failure) }
        if isClosed { throw .closed }
    }

    // MARK: Appending

    func check(_ batches: UnsafeRawBufferPointer) throws(CommitLogError) {
        var position = 0
        repeat {
            let rest = UnsafeRawBufferPointer(rebasing: batches[position...])
            // The base offset is ours to give; a producer may have left anything there.
            guard let header = BatchHeader(rest, baseOffset: logEndOffset),
                header.sizeInBytes.rawValue <= rest.count
            else { throw .malformedBatch(at: FilePosition(position)) }
            guard header.sizeInBytes <= batchBytesMax else {
                throw .batchTooLarge(header.sizeInBytes, most: batchBytesMax)
            }
            position += header.sizeInBytes.rawValue
        } while position < batches.count
    }

    /// Writes runs of batches, one write each, and seals the segment between them where it is due.
    private func write(
        _ batches: UnsafeMutableRawBufferPointer,
        now: Timestamp
    ) throws(FileSystemError) {
        var runStart = 0
        var position = 0
        var nextOffset = logEndOffset
        while position < batches.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: batches[position...])
            guard let header = BatchHeader(UnsafeRawBufferPointer(rest), baseOffset: nextOffset)
            else { preconditionFailure("the batches were checked") }
            let pending = ByteCount(position - runStart)
            if active.isFull(before: header, pending: pending, now: now, settings: settings) {
                try flush(batches[runStart..<position], nextOffset: nextOffset, now: now)
                try roll()
                runStart = position
            }
            RecordBatchEditor.assign(baseOffset: nextOffset, leaderEpoch: leaderEpoch, in: rest)
            position += header.sizeInBytes.rawValue
            nextOffset = header.nextOffset
        }
        try flush(batches[runStart...], nextOffset: nextOffset, now: now)
    }

    func flush(
        _ run: Slice<UnsafeMutableRawBufferPointer>,
        nextOffset: Offset,
        now: Timestamp
    ) throws(FileSystemError) {
        guard !run.isEmpty else { return }
        let bytes = UnsafeRawBufferPointer(UnsafeMutableRawBufferPointer(rebasing: run))
        indexesAreStored = false
        try active.append(bytes, now: now, settings: settings)
        logEndOffset = nextOffset
    }

    // MARK: Durability

    private func syncData() throws(FileSystemError) {
        try active.file.sync()
        active.syncedEnd = active.end
        active.shownEnd = active.end
        syncedEndOffset = logEndOffset
        publishEnd()
    }

    private func publishEnd() {
        let (end, maxTimestamp, highWatermark) = (active.end, active.maxTimestamp, logEndOffset)
        reader.publish { published in
            published.highWatermark = highWatermark
            published.syncedEnd = end
            published.syncedMaxTimestamp = maxTimestamp
        }
    }

    /// Seals the active segment and begins the next. The order is what recovery relies on: the
    /// data, then the indexes and the producers, then the name of the next segment.
    func roll() throws(FileSystemError) {
        try trim()
        if isDirty { try syncData() }
        try active.segment.writeIndexes()
        try saveProducers()
        let next = try ActiveSegment.create(
            baseOffset: logEndOffset,
            folder: folder,
            fileSystem: fileSystem
        )
        try fileSystem.syncDirectory(folder)
        preallocate(next)
        let segment = active.segment
        sealed[segment.baseOffset] = RetentionPolicy.Segment(
            size: active.end - .zero,
            maxTimestamp: active.maxTimestamp
        )
        active = next
        indexesAreStored = true
        reader.publish { published in
            published.segments.append(next.segment)
            published.syncedEnd = .zero
            published.syncedMaxTimestamp = .none
        }
        segment.rest()
    }

    /// Ends writing for good. What was not shown is cut off at once, and after a failed sync what
    /// was not synced: the kernel may hold it as clean pages that never reached the disk, and no
    /// later start may take those for stored. The offsets stay taken.
    func fail(_ error: FileSystemError) -> CommitLogError {
        failure = error
        do throws(FileSystemError) {
            try active.discardUnshown(afterFailedSync: error.operation == .sync)
        } catch {
            // The disk is failing. The next start scans the tail and believes only what it can.
        }
        logEndOffset = reader.highWatermark
        let end = active.shownEnd
        reader.publish { $0.syncedEnd = end }
        return .fileSystem(error)
    }
}
