import BrokerModel
import CZstd

/// Reads zstd frames (RFC 8878, KIP-110).
struct ZstdFrames: ~Copyable {
    private var context: OpaquePointer?

    deinit { ZSTD_freeDCtx(context) }

    /// A frame written as a stream does not say how large its content is, so the room doubles until
    /// it is enough. Decompressing into one piece, zstd needs no window beside it.
    mutating func decompress(
        _ frames: UnsafeRawBufferPointer,
        limit: ByteCount,
        into room: inout DecompressionRoom
    ) throws(RecordFormatError) {
        let context = try readyContext()
        try room.begin(frames, limit: limit, claim: try claimedSize(of: frames))
        while true {
            let free = room.free
            let outcome = ZSTD_decompressDCtx(
                context,
                free.baseAddress,
                free.count,
                frames.baseAddress,
                frames.count
            )
            if ZSTD_isError(outcome) == 0 { return room.fill(outcome) }
            guard ZSTD_getErrorCode(outcome) == ZSTD_error_dstSize_tooSmall else {
                throw .decompressionFailed
            }
            try room.grow()
        }
    }

    private mutating func readyContext() throws(RecordFormatError) -> OpaquePointer {
        if let context { return context }
        guard let made = ZSTD_createDCtx() else { throw .decompressionFailed }
        context = made
        return made
    }

    private func claimedSize(
        of frames: UnsafeRawBufferPointer
    ) throws(RecordFormatError) -> UInt64? {
        switch ZSTD_getFrameContentSize(frames.baseAddress, frames.count) {
        case UInt64.max - 1: throw .decompressionFailed  // ZSTD_CONTENTSIZE_ERROR
        case UInt64.max: nil  // ZSTD_CONTENTSIZE_UNKNOWN
        case let size: size
        }
    }
}
