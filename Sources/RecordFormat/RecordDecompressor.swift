import BrokerModel

/// Decompresses the records of a batch, whatever their codec, into memory of its own that it reuses
/// from batch to batch. Each codec's state is made when its first batch comes.
public struct RecordDecompressor: ~Copyable {
    private let memoryKept: ByteCount
    private var room = DecompressionRoom()
    private var gzip = GzipMembers()
    private var lz4 = Lz4Frames()
    private var zstd = ZstdFrames()

    /// All output so far. Input that turned out to be wrong counts with the room it was given.
    public private(set) var bytesMade = 0

    /// More memory than `memoryKept` is given back when the next batch comes, or `trim` is called.
    public init(memoryKept: ByteCount = .mebibytes(1)) {
        self.memoryKept = memoryKept
    }

    /// The memory kept for output.
    public var memory: ByteCount { room.memory }

    /// Gives the memory for output back if a batch was larger than usual. What `decompress` lent is
    /// gone with it.
    public mutating func trim() {
        guard room.memory > memoryKept else { return }
        room.release()
    }

    /// What the bytes hold, valid until the next call, and as long as `stored` is; at most `limit`
    /// bytes unless nothing compresses them. The work, too, is bounded by input and limit.
    public mutating func decompress(
        _ stored: UnsafeRawBufferPointer,
        codec: CompressionCodec,
        limit: ByteCount
    ) throws(RecordFormatError) -> UnsafeRawBufferPointer {
        guard codec != .none else { return stored }
        trim()
        var made: Int?
        defer { bytesMade &+= made ?? room.memory.rawValue }
        switch codec {
        case .none: break
        case .gzip: try gzip.decompress(stored, limit: limit, into: &room)
        case .snappy: try SnappyBlocks.decompress(stored, limit: limit, into: &room)
        case .lz4: try lz4.decompress(stored, limit: limit, into: &room)
        case .zstd: try zstd.decompress(stored, limit: limit, into: &room)
        }
        made = room.used
        return room.filled
    }
}
