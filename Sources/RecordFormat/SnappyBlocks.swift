import BrokerModel
import CSnappy

/// Reads snappy as Kafka's clients send it: one raw block (librdkafka), or blocks behind their
/// lengths in the framing of the Java library, xerial (Java, kafka-python).
enum SnappyBlocks {
    private static let magic: [UInt8] = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]
    /// The magic, a version and the least version that can read it.
    private static let headerBytes = 16
    /// What no block exceeds: a copy of 64 bytes takes three.
    private static let expansionMax = 22

    static func decompress(
        _ input: UnsafeRawBufferPointer,
        limit: ByteCount,
        into room: inout DecompressionRoom
    ) throws(RecordFormatError) {
        try room.begin(input, limit: limit)
        guard isHeader(input) else { return try decompress(block: input, into: &room) }
        var rest = input
        while !rest.isEmpty {
            // A stream may be several streams, each with its header: a block of this length is
            // none.
            if isHeader(rest) {
                rest = UnsafeRawBufferPointer(rebasing: rest[headerBytes...])
                continue
            }
            var reader = ByteReader(rest)
            guard let length = reader.readInteger(UInt32.self),
                let block = reader.readBytes(Int(length))
            else { throw .decompressionFailed }
            try decompress(block: block, into: &room)
            rest = reader.rest
        }
    }

    private static func isHeader(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= headerBytes && bytes.starts(with: magic)
    }

    private static func decompress(
        block: UnsafeRawBufferPointer,
        into room: inout DecompressionRoom
    ) throws(RecordFormatError) {
        let input = block.assumingMemoryBound(to: CChar.self)
        var size = 0
        guard snappy_uncompressed_length(input.baseAddress, input.count, &size) == SNAPPY_OK,
            size <= expansionMax &* block.count
        else { throw .decompressionFailed }
        try room.reserve(size)
        let output = room.free.assumingMemoryBound(to: CChar.self)
        size = output.count
        let outcome = snappy_uncompress(input.baseAddress, input.count, output.baseAddress, &size)
        guard outcome == SNAPPY_OK else { throw .decompressionFailed }
        room.fill(size)
    }
}
