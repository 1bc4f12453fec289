import BrokerModel

/// The owner's half of the newest segment: where it ends, how much of that is synced or shown, and
/// when it is full.
struct ActiveSegment {
    let segment: Segment
    let file: any File
    private(set) var end: FilePosition { didSet { segment.noteEnd(end) } }
    var syncedEnd: FilePosition
    /// How far readers may have read: past `syncedEnd` only in a topic that is not durable.
    var shownEnd: FilePosition
    private(set) var maxTimestamp: Timestamp
    /// When the first batch was appended; after a start, as its records tell.
    private var firstAppend: Timestamp?
    private var isIndexFull = false
    /// Draws when it is old enough, where the topic spreads that.
    private let ageSeed: UInt64

    /// A segment whose data and indexes are known and synced.
    init(
        indexes: SegmentIndexes,
        file: any File,
        end: FilePosition,
        firstAppend: Timestamp?,
        folder: String,
        fileSystem: any FileSystem
    ) {
        self.firstAppend = firstAppend
        ageSeed = Self.seed(folder, indexes.baseOffset)
        segment = Segment(
            active: indexes,
            file: file,
            end: end,
            folder: folder,
            fileSystem: fileSystem
        )
        self.file = file
        self.end = end
        syncedEnd = end
        shownEnd = end
        maxTimestamp = indexes.maxTimestamp
    }

    /// A new and empty one. The names of its files are durable once the folder is synced.
    static func create(
        baseOffset: Offset,
        folder: String,
        fileSystem: any FileSystem
    ) throws(FileSystemError) -> ActiveSegment {
        func create(_ kind: SegmentFiles.Kind) throws(FileSystemError) -> any File {
            try fileSystem.open(folder + "/" + SegmentFiles.name(baseOffset, kind), .create)
        }
        _ = try create(.offsetIndex)
        _ = try create(.timeIndex)
        return ActiveSegment(
            indexes: SegmentIndexes(baseOffset: baseOffset),
            file: try create(.log),
            end: .zero,
            firstAppend: nil,
            folder: folder,
            fileSystem: fileSystem
        )
    }

    /// Whether the segment must be sealed before this batch, when `pending` bytes go in before it.
    func isFull(
        before batch: BatchHeader,
        pending: ByteCount,
        now: Timestamp,
        settings: LogSettings
    ) -> Bool {
        let start = end + pending
        guard start > .zero else { return false }
        let limit = min(settings.segmentBytes, CommitLogLimits.segmentBytesMax)
        let grown = start + batch.sizeInBytes
        let relative = batch.lastOffset - segment.baseOffset
        return grown - .zero > limit || relative > Int(Int32.max) || isIndexFull
            || age(at: now) >= settings.segmentAge(ageSeed)
    }

    /// The same after each start, and another for each segment: FNV-1a.
    private static func seed(_ folder: String, _ base: Offset) -> UInt64 {
        var seed: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in "\(folder)/\(base.rawValue)".utf8 {
            seed = (seed ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        return seed
    }

    /// Writes whole batches that have their offsets.
    mutating func append(
        _ batches: UnsafeRawBufferPointer,
        now: Timestamp,
        settings: LogSettings
    ) throws(FileSystemError) {
        try file.write(batches, at: end)
        var position = 0
        while position < batches.count {
            let rest = UnsafeRawBufferPointer(rebasing: batches[position...])
            guard let header = BatchHeader(rest) else {
                preconditionFailure("only whole batches are appended")
            }
            isIndexFull = segment.note(header, at: end + ByteCount(position), settings)
            maxTimestamp = max(maxTimestamp, header.maxTimestamp)
            position += header.sizeInBytes.rawValue
        }
        end = end + ByteCount(batches.count)
        if firstAppend == nil { firstAppend = now }
    }

    /// Forgets what nobody was shown, here and in the file. After a failed sync that is all that
    /// was not synced: the kernel may hold it as clean pages that never reached the disk.
    mutating func discardUnshown(afterFailedSync: Bool) throws(FileSystemError) {
        if afterFailedSync { shownEnd = syncedEnd }
        end = shownEnd
        try file.truncate(to: end - .zero)
        do throws(FileSystemError) {
            try file.sync()
        } catch {
            shownEnd = syncedEnd
            end = syncedEnd
            try file.truncate(to: end - .zero)
        }
    }

    /// Milliseconds since the first append; a clock that went back makes nobody older.
    private func age(at now: Timestamp) -> Int64 {
        guard let firstAppend else { return 0 }
        return max(0, now.rawValue &- firstAppend.rawValue)
    }
}
