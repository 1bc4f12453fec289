import BrokerModel
import CLz4
import CSnappy
import CZlib
import CZstd

/// Writes one gzip member (RFC 1952).
struct GzipWriter: ~Copyable {
    /// zlib's window of 32 KiB, and 16 more to say that the wrapping is gzip's.
    private static let windowBits: Int32 = 15 + 16
    private static let memoryLevel: Int32 = 8

    /// At a fixed address: zlib's state points back at it.
    private var stream: UnsafeMutablePointer<z_stream>?
    private var level = 0

    deinit { Self.free(stream) }

    mutating func compress(
        _ plain: UnsafeRawBufferPointer,
        level: Int,
        into output: inout ByteWriter
    ) throws(RecordFormatError) {
        let stream = readyStream(level: level)
        deflateReset(stream)
        let input = plain.assumingMemoryBound(to: UInt8.self)
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.pointee.avail_in = UInt32(clamping: plain.count)
        let bound = Int(deflateBound(stream, UInt(plain.count)))
        var outcome = Z_OK
        output.writeUpTo(bound) { room in
            stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = UInt32(clamping: room.count)
            outcome = deflate(stream, Z_FINISH)
            return room.count - Int(stream.pointee.avail_out)
        }
        guard outcome == Z_STREAM_END else { throw .batchTooLarge }
    }

    private mutating func readyStream(level: Int) -> UnsafeMutablePointer<z_stream> {
        if let stream, self.level == level { return stream }
        Self.free(stream)
        let made = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        made.initialize(to: z_stream())
        let outcome = deflateInit2_(
            made,
            Int32(level),
            Z_DEFLATED,
            Self.windowBits,
            Self.memoryLevel,
            Z_DEFAULT_STRATEGY,
            ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)
        )
        precondition(outcome == Z_OK, "zlib knows its own levels, and there is memory")
        stream = made
        self.level = level
        return made
    }

    private static func free(_ stream: UnsafeMutablePointer<z_stream>?) {
        guard let stream else { return }
        deflateEnd(stream)
        stream.deallocate()
    }
}

/// Writes snappy in the framing of the Java library, xerial, which every client of Kafka's reads.
enum SnappyWriter {
    /// The magic, this version and the least that can read it.
    private static let header: [UInt8] = [
        0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1,
    ]
    /// As large as Kafka makes its blocks: some readers have room for no larger ones.
    private static let blockBytes = 32 << 10

    static func compress(
        _ plain: UnsafeRawBufferPointer,
        into output: inout ByteWriter
    ) throws(RecordFormatError) {
        output.writeBytes(header)
        var position = 0
        while position < plain.count {
            let end = min(position + blockBytes, plain.count)
            let block = UnsafeRawBufferPointer(rebasing: plain[position..<end])
            try write(block, into: &output)
            position = end
        }
    }

    private static func write(
        _ block: UnsafeRawBufferPointer,
        into output: inout ByteWriter
    ) throws(RecordFormatError) {
        let lengthBytes = MemoryLayout<UInt32>.size
        let bound = snappy_max_compressed_length(block.count)
        var outcome = SNAPPY_OK
        output.writeUpTo(lengthBytes + bound) { room in
            let place = UnsafeMutableRawBufferPointer(rebasing: room[lengthBytes...])
                .assumingMemoryBound(to: CChar.self)
            var size = place.count
            let input = block.assumingMemoryBound(to: CChar.self)
            outcome = snappy_compress(input.baseAddress, input.count, place.baseAddress, &size)
            guard outcome == SNAPPY_OK else { return 0 }
            let length = UInt32(truncatingIfNeeded: size).bigEndian
            room.storeBytes(of: length, as: UInt32.self)
            return lengthBytes + size
        }
        guard outcome == SNAPPY_OK else { throw .batchTooLarge }
    }
}

/// Writes lz4 frames: of blocks that do not refer to each other, for Java's clients read no others.
struct Lz4Writer {
    /// Kafka's level for lz4's fast way; every other asks for the thorough one.
    private static let levelOfFast = 9
    private static let thorough = 3...12

    func compress(
        _ plain: UnsafeRawBufferPointer,
        level: Int,
        into output: inout ByteWriter
    ) throws(RecordFormatError) {
        var preferences = LZ4F_preferences_t()
        preferences.frameInfo.blockSizeID = LZ4F_max64KB
        preferences.frameInfo.blockMode = LZ4F_blockIndependent
        if level != Self.levelOfFast {
            let level = min(max(level, Self.thorough.lowerBound), Self.thorough.upperBound)
            preferences.compressionLevel = Int32(level)
        }
        let bound = LZ4F_compressFrameBound(plain.count, &preferences)
        var outcome = 0
        output.writeUpTo(bound) { room in
            outcome = LZ4F_compressFrame(
                room.baseAddress,
                room.count,
                plain.baseAddress,
                plain.count,
                &preferences
            )
            return LZ4F_isError(outcome) == 0 ? outcome : 0
        }
        guard LZ4F_isError(outcome) == 0 else { throw .batchTooLarge }
    }
}

/// Writes one zstd frame (RFC 8878, KIP-110), however long it becomes.
struct ZstdWriter: ~Copyable {
    private var context: OpaquePointer?

    deinit { ZSTD_freeCCtx(context) }

    mutating func compress(
        _ plain: UnsafeRawBufferPointer,
        level: Int,
        into output: inout ByteWriter
    ) throws(RecordFormatError) {
        let context = readyContext()
        let known = ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(level))
        precondition(ZSTD_isError(known) == 0, "zstd knows its own levels")
        var outcome = 0
        output.writeUpTo(ZSTD_compressBound(plain.count)) { room in
            outcome = ZSTD_compress2(
                context,
                room.baseAddress,
                room.count,
                plain.baseAddress,
                plain.count
            )
            return ZSTD_isError(outcome) == 0 ? outcome : 0
        }
        guard ZSTD_isError(outcome) == 0 else { throw .batchTooLarge }
    }

    private mutating func readyContext() -> OpaquePointer {
        if let context { return context }
        guard let made = ZSTD_createCCtx() else {
            preconditionFailure("there is memory for a compressor")
        }
        context = made
        return made
    }
}
