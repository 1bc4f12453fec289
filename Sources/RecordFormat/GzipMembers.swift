import BrokerModel
import CZlib

/// Reads gzip members (RFC 1952), one behind the other.
struct GzipMembers: ~Copyable {
    /// zlib's window of 32 KiB, and 16 more to say that the wrapping is gzip's.
    private static let windowBits: Int32 = 15 + 16

    /// At a fixed address: zlib's state points back at it.
    private var stream: UnsafeMutablePointer<z_stream>?

    deinit {
        guard let stream else { return }
        inflateEnd(stream)
        stream.deallocate()
    }

    mutating func decompress(
        _ members: UnsafeRawBufferPointer,
        limit: ByteCount,
        into room: inout DecompressionRoom
    ) throws(RecordFormatError) {
        try room.begin(members, limit: limit)
        let stream = readyStream()
        inflateReset(stream)
        let input = members.assumingMemoryBound(to: UInt8.self)
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.pointee.avail_in = UInt32(clamping: members.count)
        while true {
            switch Self.inflate(stream, into: &room) {
            case Z_OK: continue
            case Z_BUF_ERROR:  // No step is possible: for want of room, or of input.
                guard room.free.isEmpty else { throw .decompressionFailed }
                try room.grow()
            case Z_STREAM_END:
                guard stream.pointee.avail_in > 0 else { return }
                inflateReset(stream)
            default: throw .decompressionFailed
            }
        }
    }

    private static func inflate(
        _ stream: UnsafeMutablePointer<z_stream>,
        into room: inout DecompressionRoom
    ) -> Int32 {
        let free = room.free
        let size = UInt32(clamping: free.count)
        stream.pointee.next_out = free.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = size
        let outcome = CZlib.inflate(stream, Z_NO_FLUSH)
        room.fill(Int(size &- stream.pointee.avail_out))
        return outcome
    }

    private mutating func readyStream() -> UnsafeMutablePointer<z_stream> {
        if let stream { return stream }
        let made = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        made.initialize(to: z_stream())
        let size = Int32(MemoryLayout<z_stream>.size)
        let outcome = inflateInit2_(made, Self.windowBits, ZLIB_VERSION, size)
        precondition(outcome == Z_OK, "there is memory for a decompressor")
        stream = made
        return made
    }
}
