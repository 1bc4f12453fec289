import BrokerModel

/// What the log itself needs of a record batch's header: for stepping from batch to batch without
/// reading the records.
struct BatchHeader {
    static let size = 61
    private static let frameBytes = 12

    let baseOffset: Offset
    let lastOffset: Offset
    let sizeInBytes: ByteCount
    let leaderEpoch: LeaderEpoch
    let maxTimestamp: Timestamp

    /// Nil when the bytes are too few, or no header of a version 2 batch. A batch that has no place
    /// yet is read as if it had `assigned`, whatever its base offset says.
    init?(_ bytes: UnsafeRawBufferPointer, baseOffset assigned: Offset? = nil) {
        var reader = ByteReader(bytes)
        guard bytes.count >= Self.size,
            let stored: Int64 = reader.readInteger(),
            let base = Optional(assigned?.rawValue ?? stored), base >= 0,
            let length: Int32 = reader.readInteger(), length >= Self.size - Self.frameBytes,
            let epoch: Int32 = reader.readInteger(),
            reader.readByte() == 2,
            let _: UInt32 = reader.readInteger(),  // CRC
            let _: UInt16 = reader.readInteger(),  // Attributes
            let delta: Int32 = reader.readInteger(), delta >= 0,
            let _: Int64 = reader.readInteger(),  // Base timestamp
            let maxTimestamp: Int64 = reader.readInteger(),
            base < Int64.max - Int64(delta)
        else { return nil }
        baseOffset = Offset(base)
        lastOffset = Offset(base + Int64(delta))
        sizeInBytes = ByteCount(Self.frameBytes + Int(length))
        leaderEpoch = LeaderEpoch(epoch)
        self.maxTimestamp = Timestamp(milliseconds: maxTimestamp)
    }

    var nextOffset: Offset { lastOffset + 1 }
}

/// Reads batch headers of one file in ascending order, through a small window.
struct BatchHeaderCursor: ~Copyable {
    private let file: any File
    private let end: FilePosition
    private let access: ReadAccess
    private let window: UnsafeMutableRawBufferPointer
    private var windowStart = FilePosition.zero
    private var windowCount = 0

    /// Nothing at or past `end` is read.
    init(_ file: any File, end: FilePosition, access: ReadAccess = .blocking) {
        self.file = file
        self.end = end
        self.access = access
        window = .allocate(byteCount: CommitLogLimits.headerWindowBytes, alignment: 16)
    }

    deinit { window.deallocate() }

    /// Nil when no whole batch begins here.
    mutating func header(at position: FilePosition) throws(FileSystemError) -> BatchHeader? {
        guard position >= .zero, position + ByteCount(BatchHeader.size) <= end else { return nil }
        var index = (position - windowStart).rawValue
        if index < 0 || index + BatchHeader.size > windowCount {
            windowCount = 0
            let room = min(window.count, (end - position).rawValue)
            windowCount = try file.read(
                at: position,
                into: .init(rebasing: window[..<room]),
                access
            )
            // The memory ends inside of the header: not damage, the disk has the rest.
            if case .resident = access, windowCount < BatchHeader.size { throw .wouldBlock }
            windowStart = position
            index = 0
        }
        guard index + BatchHeader.size <= windowCount,
            let header = BatchHeader(UnsafeRawBufferPointer(rebasing: window[index..<windowCount])),
            position + header.sizeInBytes <= end
        else { return nil }
        return header
    }
}
