import BrokerModel
import RecordFormat
import Synchronization

/// Reads one partition from any thread, beside its owner, and never past the high watermark.
///
/// What the log publishes lies under a short lock; files are read outside of it.
public final class PartitionReader: Sendable {
    /// What a read found.
    public struct ReadResult: Equatable, Sendable {
        /// How many bytes of whole batches were written; none at the high watermark, or when not
        /// even one batch was allowed.
        public let bytesRead: ByteCount
        /// The first offset after them: where the next read goes on.
        public let nextOffset: Offset
        public let highWatermark: Offset
        public let logStartOffset: Offset
    }

    /// A consistent moment of the log.
    struct Published: Sendable {
        /// Ascending; the last one is active.
        var segments: [Segment]
        var logStartOffset: Offset
        var highWatermark: Offset
        /// How far the active segment may be read: it is synced, or shown without.
        var syncedEnd: FilePosition
        /// The latest timestamp in the synced part of the active segment.
        var syncedMaxTimestamp: Timestamp
        var epochs: LeaderEpochs
        /// How often cleaned segments took the place of others.
        var generation = 0
        let open: OpenSegments
        /// How whoever took this snapshot may read.
        var access = ReadAccess.blocking

        /// A segment that is about to be read.
        func segment(at index: Int) -> Segment {
            let segment = segments[index]
            guard index < segments.count - 1 else { return segment }
            switch access {
            case .blocking: open.use(segment)
            case .resident: open.touch(segment)
            }
            return segment
        }
    }

    private let published: Mutex<Published>
    private let end: Atomic<Int64>

    let producerStates: ProducerStates

    init(
        _ published: consuming Published,
        logEndOffset: Offset,
        producers: ProducerStates
    ) {
        end = Atomic(logEndOffset.rawValue)
        self.published = Mutex(published)
        producerStates = producers
    }

    /// The first offset that is not synced: everything below is visible, nothing from here on.
    public var highWatermark: Offset { published.withLock { $0.highWatermark } }
    /// Where the log's owner goes on: what lies between the high watermark and this is written and
    /// not synced yet, and no reader is shown it.
    public var logEndOffset: Offset { Offset(end.load(ordering: .relaxed)) }
    /// What the data files hold, those with records below the log's start included.
    public var sizeInBytes: ByteCount {
        published.withLock(\.segments).reduce(.zero) { $0 + $1.sizeInBytes }
    }
    public var logStartOffset: Offset { published.withLock { $0.logStartOffset } }
    public var leaderEpoch: LeaderEpoch { published.withLock { $0.epochs.latest } }
    /// The three of one moment.
    public var ends: Ends {
        published.withLock {
            Ends(
                logStartOffset: $0.logStartOffset,
                highWatermark: $0.highWatermark,
                leaderEpoch: $0.epochs.latest
            )
        }
    }

    public struct Ends: Equatable, Sendable {
        public let logStartOffset: Offset
        public let highWatermark: Offset
        public let leaderEpoch: LeaderEpoch
    }

    public var leaderEpochs: LeaderEpochs { published.withLock { $0.epochs } }

    /// Where the epoch ends; see `LeaderEpochs.end`.
    public func endOffset(
        forEpoch epoch: LeaderEpoch
    ) -> (epoch: LeaderEpoch, endOffset: Offset)? {
        published.withLock {
            $0.epochs.end(
                of: epoch,
                logStartOffset: $0.logStartOffset,
                logEndOffset: $0.highWatermark
            )
        }
    }

    /// Appends whole batches to `output`, beginning with the one that holds `offset`, up to
    /// `maxBytes` and the end of a segment: a reader that is behind calls again.
    ///
    /// With `minOneBatch` the first batch comes even when it alone is over `maxBytes`. With
    /// `access` resident nothing waits for the disk: the read ends where the memory ends, and what
    /// begins outside of it fails with `wouldBlock`.
    ///
    /// Where an unclean stop has skipped all that is left, one batch without records says so.
    public func read(
        from offset: Offset,
        maxBytes: ByteCount,
        minOneBatch: Bool,
        access: ReadAccess = .blocking,
        into output: inout ByteWriter
    ) throws(CommitLogError) -> ReadResult {
        var generation = generation
        while true {
            do throws(CommitLogError) {
                return try readStored(
                    from: offset,
                    maxBytes: maxBytes,
                    minOneBatch: minOneBatch,
                    access: access,
                    into: &output
                )
            } catch {
                guard isCleaned(since: &generation, error) else {
                    throw explain(error, at: offset)
                }
            }
        }
    }

    var generation: Int { published.withLock { $0.generation } }

    /// Whether a file is gone because a cleaned segment took its place meanwhile: then there is
    /// something to find at a second look.
    func isCleaned(since generation: inout Int, _ error: CommitLogError) -> Bool {
        let before = generation
        generation = self.generation
        guard case .fileSystem(let cause) = error, cause.reason == .notFound else { return false }
        return generation != before
    }

    /// A file that is gone because retention took it meanwhile is no trouble with the disk.
    func explain(_ error: CommitLogError, at offset: Offset) -> CommitLogError {
        guard case .fileSystem(let cause) = error, cause.reason == .notFound else { return error }
        let view = snapshot()
        guard offset < view.logStartOffset else { return error }
        return .offsetOutOfRange(
            offset,
            logStartOffset: view.logStartOffset,
            highWatermark: view.highWatermark
        )
    }

    private func readStored(
        from offset: Offset,
        maxBytes: ByteCount,
        minOneBatch: Bool,
        access: ReadAccess,
        into output: inout ByteWriter
    ) throws(CommitLogError) -> ReadResult {
        var view = snapshot()
        view.access = access
        guard offset >= view.logStartOffset, offset <= view.highWatermark else {
            throw .offsetOutOfRange(
                offset,
                logStartOffset: view.logStartOffset,
                highWatermark: view.highWatermark
            )
        }
        // No batch is smaller than one without records: what has no room for it is not looked for.
        guard offset < view.highWatermark, minOneBatch || maxBytes >= EmptyBatch.size else {
            return view.result(.zero, next: offset)
        }
        guard let start = try view.firstBatch(atOrAfter: offset) else {
            return view.passGap(at: offset, into: &output)
        }
        var room = min(maxBytes, start.end - start.position)
        if minOneBatch { room = max(room, start.header.sizeInBytes) }
        guard room >= start.header.sizeInBytes else { return view.result(.zero, next: offset) }
        let before = output.count
        try onDisk { () throws(FileSystemError) in
            try output.writeUpTo(room.rawValue) { buffer throws(FileSystemError) in
                try start.file.read(at: start.position, into: buffer, access)
            }
        }
        let whole = wholeBatches(in: output.bytes, from: before)
        let isShort = output.count - before < room.rawValue
        output.truncate(to: before + whole.size)
        guard whole.size > 0 else {
            // Not even one batch is in memory as a whole.
            if isShort, case .resident = access { throw .fileSystem(.wouldBlock) }
            throw .damaged(path: start.segment.path(.log), at: start.position)
        }
        return view.result(ByteCount(whole.size), next: whole.nextOffset)
    }

    func snapshot() -> Published { published.withLock { $0 } }

    /// The owner's way to show what it has done.
    func publish(_ change: (inout Published) -> Void) {
        published.withLock { change(&$0) }
    }

    func noteEnd(_ offset: Offset) { end.store(offset.rawValue, ordering: .relaxed) }

    private func wholeBatches(
        in bytes: UnsafeRawBufferPointer,
        from start: Int
    ) -> (size: Int, nextOffset: Offset) {
        var position = start
        var next = Offset.zero
        while let header = BatchHeader(UnsafeRawBufferPointer(rebasing: bytes[position...])),
            position + header.sizeInBytes.rawValue <= bytes.count
        {
            position += header.sizeInBytes.rawValue
            next = header.nextOffset
        }
        return (position - start, next)
    }
}

/// A batch that was found in a segment.
struct FoundBatch {
    let segment: Segment
    let file: any File
    let header: BatchHeader
    let position: FilePosition
    /// How far this segment may be read.
    let end: FilePosition
}

extension PartitionReader.Published {
    /// From `offset` to the end nothing is stored: an unclean stop has skipped it. Without a batch
    /// for it a reader would wait for ever below the high watermark, or ask without end.
    func passGap(at offset: Offset, into output: inout ByteWriter) -> PartitionReader.ReadResult {
        let next = EmptyBatch.write(
            from: offset,
            upTo: highWatermark,
            leaderEpoch: epochs.epoch(of: offset) ?? .zero,
            into: &output
        )
        return result(EmptyBatch.size, next: next)
    }

    func result(_ bytes: ByteCount, next: Offset) -> PartitionReader.ReadResult {
        PartitionReader.ReadResult(
            bytesRead: bytes,
            nextOffset: next,
            highWatermark: highWatermark,
            logStartOffset: logStartOffset
        )
    }

    /// The batch that holds `offset`, or the first one after it where compaction left a hole.
    func firstBatch(atOrAfter offset: Offset) throws(CommitLogError) -> FoundBatch? {
        var index = segmentIndex(of: offset)
        while index < segments.count {
            let found = try batch(inSegment: index, from: offset) { $0.lastOffset >= offset }
            if let found { return found }
            index += 1
        }
        return nil
    }

    /// The segment whose range holds `offset`.
    func segmentIndex(of offset: Offset) -> Int {
        var (low, high) = (0, segments.count)
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].baseOffset <= offset { low = middle + 1 } else { high = middle }
        }
        return max(0, low - 1)
    }

    /// Walks one segment from the batch that holds `offset` to the first batch that is wanted.
    func batch(
        inSegment index: Int,
        from offset: Offset,
        where isWanted: (BatchHeader) -> Bool
    ) throws(CommitLogError) -> FoundBatch? {
        let segment = segment(at: index)
        let file = try onDisk { () throws(FileSystemError) in try segment.file(access) }
        let end = try end(ofSegment: index)
        var cursor = BatchHeaderCursor(file, end: end, access: access)
        var position = try start(ofWalkTo: offset, inSegment: index, cursor: &cursor)
        while position < end {
            let next = try onDisk { () throws(FileSystemError) in try cursor.header(at: position) }
            guard let header = next, header.baseOffset >= segment.baseOffset else {
                throw .damaged(path: segment.path(.log), at: position)
            }
            if isWanted(header) {
                return FoundBatch(
                    segment: segment,
                    file: file,
                    header: header,
                    position: position,
                    end: end
                )
            }
            position = position + header.sizeInBytes
        }
        return nil
    }

    func end(ofSegment index: Int) throws(CommitLogError) -> FilePosition {
        guard index < segments.count - 1 else { return syncedEnd }
        let segment = segment(at: index)
        let size = try onDisk { () throws(FileSystemError) in try segment.file(access).size() }
        return .zero + size
    }

    /// What the index says, believed only where it leads to a batch that is not past `offset`. An
    /// index that lies is rebuilt from its data.
    private func start(
        ofWalkTo offset: Offset,
        inSegment index: Int,
        cursor: inout BatchHeaderCursor
    ) throws(CommitLogError) -> FilePosition {
        let segment = segment(at: index)
        let isActive = index == segments.count - 1
        do throws(FileSystemError) {
            for _ in 0..<2 {
                let position = try segment.position(
                    floorOf: max(offset, segment.baseOffset),
                    access
                )
                if position == .zero { return position }
                if let header = try cursor.header(at: position),
                    header.baseOffset >= segment.baseOffset, header.lastOffset <= offset
                {
                    return position
                }
                if isActive { return .zero }
                try segment.rebuildIndexes(access)
            }
            return .zero
        } catch {
            throw .fileSystem(error)
        }
    }
}
