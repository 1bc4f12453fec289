import BrokerModel
import CZstd

/// Decompresses zstd frames into memory of its own, which it reuses from batch to batch.
public struct ZstdDecompressor: ~Copyable {
    private static let roomMin = 64 << 10
    private let context: OpaquePointer
    private var output = UnsafeMutableRawBufferPointer(start: nil, count: 0)

    public init() {
        guard let context = ZSTD_createDCtx() else {
            preconditionFailure("there is memory for a decompressor at start")
        }
        self.context = context
    }

    deinit {
        ZSTD_freeDCtx(context)
        output.deallocate()
    }

    /// The memory kept for output.
    public var memory: ByteCount { ByteCount(output.count) }

    /// Gives the memory for output back, after a batch that was larger than usual.
    public mutating func releaseMemory() {
        output.deallocate()
        output = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }

    /// What `frames` hold, valid until the next call; at most `limit` bytes.
    ///
    /// A frame written as a stream does not say how large its content is, so the room doubles until
    /// it is enough. Decompressing into one piece, zstd needs no window beside it.
    public mutating func decompress(
        _ frames: UnsafeRawBufferPointer,
        limit: ByteCount
    ) throws(RecordFormatError) -> UnsafeRawBufferPointer {
        var room = try firstRoom(for: frames, limit: limit.rawValue)
        while true {
            reserve(room)
            let usable = min(output.count, limit.rawValue)
            let outcome = ZSTD_decompressDCtx(
                context,
                output.baseAddress,
                usable,
                frames.baseAddress,
                frames.count
            )
            if ZSTD_isError(outcome) == 0 {
                return UnsafeRawBufferPointer(start: output.baseAddress, count: outcome)
            }
            guard ZSTD_getErrorCode(outcome) == ZSTD_error_dstSize_tooSmall else {
                throw .decompressionFailed
            }
            guard usable < limit.rawValue else { throw .decompressedTooLarge(limit: limit) }
            room = min(2 * usable, limit.rawValue)
        }
    }

    private func firstRoom(
        for frames: UnsafeRawBufferPointer,
        limit: Int
    ) throws(RecordFormatError) -> Int {
        let claimed = ZSTD_getFrameContentSize(frames.baseAddress, frames.count)
        switch claimed {
        case UInt64.max - 1: throw .decompressionFailed  // ZSTD_CONTENTSIZE_ERROR
        case UInt64.max: return min(max(Self.roomMin, output.count), limit)  // ..._UNKNOWN
        default:
            guard claimed <= UInt64(max(limit, 0)) else {
                throw .decompressedTooLarge(limit: ByteCount(limit))
            }
            return max(Int(claimed), min(Self.roomMin, limit))
        }
    }

    private mutating func reserve(_ room: Int) {
        guard output.count < room else { return }
        output.deallocate()
        output = .allocate(byteCount: room, alignment: 16)
    }
}
