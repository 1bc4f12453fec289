import BrokerModel
import HeadwaterTesting
import RecordFormat
import Testing

@Suite struct ZstdTests {
    private static let start = hex("28 b5 2f fd")

    @Test func `a frame that does not tell its content's size is read`() throws {
        var random = SeededGenerator(seed: 5)
        for size in [0, 1, 1000, 65_535, 65_536, 65_537, 300_000, 1 << 20] {
            let content = random.bytes(size)
            let plain = try decompress(unsized(content), limit: .mebibytes(1))
            #expect(plain == content, "size \(size)")
        }
    }

    @Test func `no frame takes more than the limit, whatever it claims`() {
        let limit = ByteCount(100_000)
        let tooLarge = RecordFormatError.decompressedTooLarge(limit: limit)
        // 10,000 blocks that each repeat one byte 128 Ki times: 40 KB for 1.3 GB.
        let block: [UInt8] = hex("02 00 10 41")
        let bomb = Self.start + hex("00 88") + [[UInt8]](repeating: block, count: 10_000).joined()
        #expect(throws: tooLarge) { try decompress(bomb, limit: limit) }
        // A claim of 2^63 bytes.
        let claim = Self.start + hex("e0 00 00 00 00 00 00 00 80 01 00 00")
        #expect(throws: tooLarge) { try decompress(claim, limit: limit) }
        let justTooLong = unsized([UInt8](repeating: 1, count: 100_001))
        #expect(throws: tooLarge) { try decompress(justTooLong, limit: limit) }
    }

    @Test func `damaged frames and no frames are refused`() {
        let content = [UInt8](repeating: 9, count: 1000)
        let frame = unsized(content)
        #expect(throws: RecordFormatError.decompressionFailed) {
            try decompress([], limit: .mebibytes(1))
        }
        for length in 1..<frame.count {
            #expect(throws: RecordFormatError.decompressionFailed, "length \(length)") {
                try decompress([UInt8](frame[..<length]), limit: .mebibytes(1))
            }
        }
        #expect(throws: RecordFormatError.decompressionFailed) {
            try decompress(frame + [0], limit: .mebibytes(1))
        }
    }

    @Test func `a decompressor goes on after a failure, and gives its memory back`() throws {
        var decompressor = RecordDecompressor(memoryKept: ByteCount(400_000))
        let frame = unsized([UInt8](repeating: 3, count: 500_000))
        try frame.withUnsafeBytes { bytes in
            #expect(throws: RecordFormatError.self) {
                _ = try decompressor.decompress(bytes, codec: .zstd, limit: ByteCount(499_999))
            }
            let plain = try decompressor.decompress(bytes, codec: .zstd, limit: ByteCount(500_000))
            #expect(plain.count == 500_000)
            #expect(decompressor.memory == ByteCount(500_000))
            decompressor.trim()
            #expect(decompressor.memory == .zero)
            let again = try decompressor.decompress(bytes, codec: .zstd, limit: .mebibytes(1))
            #expect(again.count == 500_000)
        }
    }

    @Test(arguments: [-5, 1, 3, 19] as [Int32])
    func `what one compressor writes a decompressor reads, at any level`(level: Int32) throws {
        var compressor = ZstdCompressor(level: level)
        var random = SeededGenerator(seed: 6)
        for size in [0, 1, 100, 10_000, 200_000] {
            let plain = (0..<size).map { _ in UInt8.random(in: 0..<4, using: &random) }
            var frame = [UInt8](repeating: 0, count: size + 100)
            let length = plain.withUnsafeBytes { input in
                frame.withUnsafeMutableBytes { compressor.compress(input, into: $0) }
            }
            frame.removeLast(frame.count - (length ?? 0))
            #expect(try decompress(frame, limit: .mebibytes(1)) == plain)
        }
    }

    @Test func `a frame that does not fit its room is nil`() {
        var compressor = ZstdCompressor()
        var random = SeededGenerator(seed: 7)
        let noise = random.bytes(1000)
        var room = [UInt8](repeating: 0, count: 1000)
        let size = noise.withUnsafeBytes { input in
            room.withUnsafeMutableBytes { compressor.compress(input, into: $0) }
        }
        #expect(size == nil)
    }

    private func decompress(_ frame: [UInt8], limit: ByteCount) throws -> [UInt8] {
        var decompressor = RecordDecompressor()
        return try frame.withUnsafeBytes {
            [UInt8](try decompressor.decompress($0, codec: .zstd, limit: limit))
        }
    }

    /// A frame of raw blocks (RFC 8878, 3.1.1), written as a stream would be: without a size.
    private func unsized(_ content: [UInt8]) -> [UInt8] {
        var frame = Self.start + hex("00 58")  // A window of 2 MiB.
        var rest = content[...]
        repeat {
            let part = rest.prefix(100_000)
            rest = rest.dropFirst(part.count)
            let header = UInt32(part.count) << 3 | (rest.isEmpty ? 1 : 0)
            frame += [0, 8, 16].map { UInt8(truncatingIfNeeded: header >> $0) } + part
        } while !rest.isEmpty
        return frame
    }
}
