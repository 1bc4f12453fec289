import BrokerModel
import RecordFormat
import Testing

@Suite struct RecordCompressorTests {
    private static let plain: [UInt8] = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 / 7 % 97) }

    @Test(arguments: CompressionCodec.allCases, [0, 1, 32 << 10, 200_000])
    func `what a codec compressed is read back`(codec: CompressionCodec, size: Int) throws {
        var compressor = RecordCompressor()
        var decompressor = RecordDecompressor()
        for _ in 0..<2 {
            var output = ByteWriter()
            var result: [UInt8] = []
            let input = Array(Self.plain.prefix(size))
            let source = ByteWriter.holding(input)
            try compressor.compress(source.bytes, codec: codec, levels: .init(), into: &output)
            result = Array(
                try decompressor.decompress(output.bytes, codec: codec, limit: .mebibytes(1))
            )
            #expect(result == input)
            if size > 1_000, codec != .none { #expect(output.count < size / 2) }
        }
    }

    @Test(arguments: [(-1, 9, 3), (1, 1, -5), (9, 17, 19), (6, 12, 1)])
    func `every level of a codec is read back`(gzip: Int, lz4: Int, zstd: Int) throws {
        var levels = CompressionLevels()
        (levels.gzip, levels.lz4, levels.zstd) = (gzip, lz4, zstd)
        var compressor = RecordCompressor()
        var decompressor = RecordDecompressor()
        let source = ByteWriter.holding(Self.plain)
        for codec in [CompressionCodec.gzip, .lz4, .zstd] {
            var output = ByteWriter()
            try compressor.compress(source.bytes, codec: codec, levels: levels, into: &output)
            let read = try decompressor.decompress(output.bytes, codec: codec, limit: .mebibytes(1))
            #expect(read.elementsEqual(Self.plain))
        }
    }

    @Test func `lz4 frames have blocks of their own, for Java reads no others`() throws {
        var compressor = RecordCompressor()
        var output = ByteWriter()
        let source = ByteWriter.holding(Self.plain)
        try compressor.compress(source.bytes, codec: .lz4, levels: .init(), into: &output)
        #expect(Array(output.bytes.prefix(6)) == [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40])
    }

    @Test(arguments: CompressionCodec.allCases, CompressionCodec.allCases)
    func `a batch in another codec keeps all but its bytes`(
        from: CompressionCodec,
        to: CompressionCodec
    ) throws {
        var builder = RecordBatchBuilder()
        for number in 0..<50 {
            let key = ByteWriter.holding(Array("key \(number)".utf8))
            let value = ByteWriter.holding(Array("value \(number) value value".utf8))
            try builder.append(
                timestamp: Timestamp(milliseconds: 1_000 + Int64(number)),
                key: key.bytes,
                value: value.bytes
            )
        }
        var original = ByteWriter()
        builder.sealUncompressed(into: &original)
        var recompressor = RecordBatchRecompressor()
        var first = ByteWriter()
        var second = ByteWriter()
        for (source, codec) in [(0, from), (1, to)] {
            let input = source == 0 ? Array(original.bytes) : Array(first.bytes)
            let bytes = ByteWriter.holding(input)
            let batch = try #require(try RecordBatchView.first(in: bytes.bytes))
            var output = ByteWriter()
            try recompressor.recompress(
                batch,
                to: codec,
                levels: .init(),
                limit: .mebibytes(1),
                into: &output
            )
            if source == 0 { swap(&first, &output) } else { swap(&second, &output) }
        }
        let batch = try #require(try RecordBatchView.first(in: second.bytes))
        try batch.check(from: .producer)
        #expect(batch.codec == to && batch.recordCount == 50)
        var validator = RecordBatchValidator()
        try validator.validate(batch, rules: ValidationRules())
    }
}

extension ByteWriter {
    static func holding(_ bytes: [UInt8]) -> ByteWriter {
        var writer = ByteWriter()
        writer.writeBytes(bytes)
        return writer
    }
}
