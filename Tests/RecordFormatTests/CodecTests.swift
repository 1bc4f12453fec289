import BrokerModel
import HeadwaterTesting
import RecordFormat
import Testing

/// What every codec has in common, on batches that a client built.
@Suite struct CodecTests {
    static let compressed: [(CompressionCodec, [UInt8])] = [
        (.gzip, ClientBatches.gzip), (.snappy, ClientBatches.xerialSnappy),
        (.snappy, ClientBatches.rawSnappy), (.lz4, ClientBatches.lz4), (.zstd, ClientBatches.zstd),
    ]
    private static let plain = [UInt8](ClientBatches.none[61...])

    @Test(arguments: compressed)
    func `records of every codec read as they were sent`(
        codec: CompressionCodec,
        batch: [UInt8]
    ) throws {
        let expected = try records(in: ClientBatches.none)
        #expect(expected.count == 12)
        let found = try records(in: batch)
        #expect(found.map(\.record) == expected.map(\.record))
        #expect(found.map(\.offset) == Array(0..<12))
        try batch.withUnsafeBytes { bytes in
            let view = try #require(try RecordBatchView.first(in: bytes))
            #expect(view.codec == codec && view.crcIsValid)
        }
    }

    @Test(arguments: compressed)
    func `a limit of just the size is enough, and one byte less is not`(
        codec: CompressionCodec,
        batch: [UInt8]
    ) throws {
        let stored = [UInt8](batch[61...])
        let size = ByteCount(Self.plain.count)
        #expect(try decompress(stored, codec, limit: size) == Self.plain)
        for less in [size - ByteCount(1), ByteCount(1), .zero, ByteCount(-1)] {
            #expect(throws: RecordFormatError.decompressedTooLarge(limit: max(less, .zero))) {
                try decompress(stored, codec, limit: max(less, .zero))
            }
        }
    }

    @Test(arguments: compressed)
    func `bytes that end early, and bytes behind the end, are refused`(
        codec: CompressionCodec,
        batch: [UInt8]
    ) throws {
        let stored = [UInt8](batch[61...])
        for length in 0..<stored.count {
            // A framed snappy stream may end after its header: that is one of no bytes.
            if batch == ClientBatches.xerialSnappy, length == 16 { continue }
            #expect(throws: RecordFormatError.decompressionFailed, "length \(length)") {
                try decompress([UInt8](stored[..<length]), codec)
            }
        }
        for tail in [[0], [0xff, 0xff, 0xff, 0xff]] as [[UInt8]] {
            #expect(throws: RecordFormatError.decompressionFailed) {
                try decompress(stored + tail, codec)
            }
        }
    }

    @Test(arguments: compressed)
    func `a decompressor goes on after any damage`(
        codec: CompressionCodec,
        batch: [UInt8]
    ) throws {
        let stored = [UInt8](batch[61...])
        var decompressor = RecordDecompressor()
        for bit in 0..<stored.count * 8 {
            var damaged = stored
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            _ = damaged.withUnsafeBytes {
                try? decompressor.decompress($0, codec: codec, limit: .mebibytes(1)).count
            }
            let again = try stored.withUnsafeBytes {
                [UInt8](try decompressor.decompress($0, codec: codec, limit: .mebibytes(1)))
            }
            #expect(again == Self.plain, "after bit \(bit)")
        }
    }

    @Test func `one decompressor takes all codecs in turn`() throws {
        var decompressor = RecordDecompressor()
        for _ in 0..<3 {
            for (codec, batch) in Self.compressed {
                let found = try batch[61...].withUnsafeBytes {
                    [UInt8](try decompressor.decompress($0, codec: codec, limit: .mebibytes(1)))
                }
                #expect(found == Self.plain, "\(codec)")
            }
        }
    }

    @Test(arguments: [(CompressionCodec.gzip, ClientBatches.gzip), (.lz4, ClientBatches.lz4)])
    func `members and frames may stand one behind the other`(
        codec: CompressionCodec,
        batch: [UInt8]
    ) throws {
        let stored = [UInt8](batch[61...])
        #expect(try decompress(stored + stored, codec) == Self.plain + Self.plain)
    }

    @Test func `a framed snappy stream may have many blocks, and further headers`() throws {
        let block = [UInt8](ClientBatches.rawSnappy[61...])
        let header = hex("82 53 4e 41 50 50 59 00 00000001 00000001")
        var framed = [UInt8](repeating: 0, count: 4) + block
        framed.patch(UInt32(block.count), at: 0)
        let twice = Self.plain + Self.plain
        #expect(try decompress(header + framed + framed, .snappy) == twice)
        #expect(try decompress(header + framed + header + framed, .snappy) == twice)
        #expect(try decompress(header, .snappy).isEmpty)
        framed.patch(UInt32.max, at: 0)
        #expect(throws: RecordFormatError.decompressionFailed) {
            try decompress(header + framed, .snappy)
        }
    }

    @Test func `output larger than the memory kept is read, and the memory goes back`() throws {
        let block = [UInt8](ClientBatches.rawSnappy[61...])
        var framed = [UInt8](repeating: 0, count: 4) + block
        framed.patch(UInt32(block.count), at: 0)
        let many = [[UInt8]](repeating: framed, count: 5000).joined()
        let stream = hex("82 53 4e 41 50 50 59 00 00000001 00000001") + many
        var decompressor = RecordDecompressor(memoryKept: .kibibytes(256))
        try stream.withUnsafeBytes {
            let found = try decompressor.decompress($0, codec: .snappy, limit: .mebibytes(4))
            #expect(found.count == 5000 * Self.plain.count)
        }
        #expect(decompressor.memory > .mebibytes(2))
        decompressor.trim()
        #expect(decompressor.memory <= .kibibytes(256))
    }

    @Test func `what a block claims costs nothing before it is there`() {
        // Snappy blocks that claim 4 GiB - 1, and 2 MiB.
        for block in ["ff ff ff ff 0f 00", "80 80 80 01 00"] {
            #expect(throws: RecordFormatError.decompressionFailed) {
                try decompress(hex(block), .snappy, limit: .gibibytes(8))
            }
        }
        // A zstd frame that claims 1 GiB and holds one block of a byte.
        var decompressor = RecordDecompressor()
        let frame = hex("28 b5 2f fd a0 00 00 00 40 09 00 00 41")
        _ = frame.withUnsafeBytes {
            try? decompressor.decompress($0, codec: .zstd, limit: .gibibytes(2)).count
        }
        #expect(decompressor.memory <= .mebibytes(1))
    }

    private func decompress(
        _ stored: [UInt8],
        _ codec: CompressionCodec,
        limit: ByteCount = .mebibytes(1)
    ) throws -> [UInt8] {
        var decompressor = RecordDecompressor()
        return try stored.withUnsafeBytes {
            [UInt8](try decompressor.decompress($0, codec: codec, limit: limit))
        }
    }
}
