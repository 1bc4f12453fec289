import BrokerModel
import CLz4

/// Reads lz4 frames, one behind the other. (The block format alone, which Kafka used before magic
/// 2, is none.)
struct Lz4Frames: ~Copyable {
    /// Frames of up to this block size leave their buffers to the next one; those of the larger
    /// sizes, up to 4 MiB, give them back. The number is the format's own: 256 KiB.
    private static let blockSizeKept: UInt8 = 5

    private var context: OpaquePointer?

    deinit { LZ4F_freeDecompressionContext(context) }

    mutating func decompress(
        _ frames: UnsafeRawBufferPointer,
        limit: ByteCount,
        into room: inout DecompressionRoom
    ) throws(RecordFormatError) {
        let context = try readyContext()
        try room.begin(frames, limit: limit)
        do {
            try Self.decompress(frames, context, into: &room)
        } catch {
            free()  // It stands inside a frame.
            throw error
        }
        // Bits 4 to 6 of the sixth byte, which a whole frame has.
        if frames[5] >> 4 & 7 > Self.blockSizeKept { free() }
    }

    private static func decompress(
        _ frames: UnsafeRawBufferPointer,
        _ context: OpaquePointer,
        into room: inout DecompressionRoom
    ) throws(RecordFormatError) {
        var rest = frames
        while true {
            let free = room.free
            var (written, read) = (free.count, rest.count)
            let hint = LZ4F_decompress(
                context,
                free.baseAddress,
                &written,
                rest.baseAddress,
                &read,
                nil
            )
            guard LZ4F_isError(hint) == 0 else { throw .decompressionFailed }
            room.fill(written)
            rest = UnsafeRawBufferPointer(rebasing: rest[read...])
            if hint == 0, rest.isEmpty, read > 0 { return }
            guard written == 0, read == 0 || rest.isEmpty else { continue }
            guard room.free.isEmpty else { throw .decompressionFailed }
            try room.grow()
        }
    }

    private mutating func readyContext() throws(RecordFormatError) -> OpaquePointer {
        if let context { return context }
        let outcome = LZ4F_createDecompressionContext(&context, LZ4F_getVersion())
        guard LZ4F_isError(outcome) == 0, let context else { throw .decompressionFailed }
        return context
    }

    private mutating func free() {
        LZ4F_freeDecompressionContext(context)
        context = nil
    }
}
