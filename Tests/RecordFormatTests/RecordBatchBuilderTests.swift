import BrokerModel
import HeadwaterTesting
import RecordFormat
import Testing

@Suite struct RecordBatchBuilderTests {
    @Test func `a batch has exactly the bytes that the format asks for`() throws {
        let expected = hex(
            """
            0000000000000000 00000096 ffffffff 02 19ea7dc2 0000 00000002
            0000018bcfe56800 0000018bcfe5692c ffffffffffffffff ffff ffffffff 00000003
            0e 00 00 00 02 6b 01 00
            24 00 0d 02 01 00 04 06 716f73 02 31 08 6e6f6e65 01
            9001 00 d804 04 00 8001
            """
        )
        let headers = [
            TestRecord.Header(name: Array("qos".utf8), value: Array("1".utf8)),
            TestRecord.Header(name: Array("none".utf8), value: nil),
        ]
        let records = [
            TestRecord(timestamp: 1_700_000_000_000, key: Array("k".utf8), value: nil),
            TestRecord(timestamp: 1_699_999_999_993, key: nil, value: [], headers: headers),
            TestRecord(
                timestamp: 1_700_000_000_300,
                key: [],
                value: [UInt8](repeating: UInt8(ascii: "v"), count: 64)
            ),
        ]
        let batch = try sealed(records, compressed: false)
        #expect(hex(batch) == hex(expected + [UInt8](repeating: 0x76, count: 64) + [0]))
    }

    @Test func `a batch that librdkafka wrote comes out again byte by byte`() throws {
        var record = TestRecord(timestamp: 1_795_234_744_308, key: "k1", value: "value 1 1 1")
        record.headers = [.init(name: Array("src".utf8), value: Array("kcat".utf8))]
        var batch = try sealed([record], compressed: false)
        batch.withUnsafeMutableBytes {
            RecordBatchEditor.assign(baseOffset: .zero, leaderEpoch: .zero, in: $0)
        }
        #expect(hex(batch) == hex(KafkaBatch.bytes))
    }

    @Test(arguments: 1...40)
    func `a batch that is compressed later is the one that was compressed at once`(
        seed: UInt64
    ) throws {
        var random = SeededGenerator(seed: seed)
        let input = (0..<Int.random(in: 1...200, using: &random)).map { _ in
            TestRecord.random(&random)
        }
        let plain = try sealed(input, compressed: false)
        let atOnce = try sealed(input, compressed: true)
        var compressor = ZstdCompressor()
        var later = ByteWriter()
        let isSmaller = plain.withUnsafeBytes {
            RecordBatchEditor.compress($0, with: &compressor, into: &later)
        }
        #expect(isSmaller == !later.isEmpty, "seed \(seed)")
        #expect(hex(isSmaller ? Array(later.bytes) : plain) == hex(atOnce), "seed \(seed)")
    }

    @Test(arguments: 1...40)
    func `what goes in comes out, plain and compressed`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let input = (0..<Int.random(in: 1...200, using: &random)).map { _ in
            TestRecord.random(&random)
        }
        for compressed in [false, true] {
            let batch = try sealed(input, compressed: compressed)
            let output = try records(in: batch)
            #expect(output.map(\.record) == input, "seed \(seed), compressed \(compressed)")
            #expect(output.map(\.offset) == input.indices.map { Int64($0) }, "seed \(seed)")
            try batch.withUnsafeBytes { bytes in
                let view = try #require(try RecordBatchView.first(in: bytes))
                try view.check(from: .producer)
                try view.check(from: .log)
                #expect(view.sizeInBytes.rawValue == batch.count)
                #expect(view.baseTimestamp.rawValue == input[0].timestamp)
                #expect(view.maxTimestamp.rawValue == input.map(\.timestamp).max())
            }
        }
    }

    @Test func `record lengths are right wherever a varint grows`() throws {
        for length in [0, 1, 40, 50, 55, 56, 57, 58, 59, 60, 63, 64, 8180, 8184, 8186, 8191, 8192] {
            let record = TestRecord(
                timestamp: 1,
                key: nil,
                value: [UInt8](repeating: 7, count: length)
            )
            #expect(try records(in: sealed([record], compressed: false))[0].record == record)
        }
        for delta: Int64 in [0, 63, 64, -64, -65, 8191, 8192, 1 << 40, -(1 << 40), .max, .min] {
            let both = [
                TestRecord(timestamp: 0, key: nil, value: []),
                TestRecord(timestamp: delta, key: nil, value: []),
            ]
            #expect(try records(in: sealed(both, compressed: false)).map(\.record) == both)
        }
    }

    @Test func `compression is used only where it saves bytes`() throws {
        var random = SeededGenerator(seed: 9)
        let same = (0..<50).map {
            TestRecord(
                timestamp: 5,
                key: "line/1",
                value: "{\"temperature\": \($0).5, \"unit\": \"C\"}"
            )
        }
        let noise = (0..<50).map {
            TestRecord(timestamp: Int64($0), key: nil, value: random.bytes(200))
        }
        for (input, codec) in [(same, CompressionCodec.zstd), (noise, .none), ([same[0]], .none)] {
            let plain = try sealed(input, compressed: false)
            let batch = try sealed(input, compressed: true)
            batch.withUnsafeBytes { bytes in
                #expect((try? RecordBatchView.first(in: bytes))??.codec == codec)
            }
            #expect(codec == .none ? batch == plain : batch.count < plain.count)
        }
    }

    @Test func `a builder is empty after each seal, and writes behind what is there`() throws {
        var builder = RecordBatchBuilder(memoryKept: .kibibytes(1))
        var compressor = ZstdCompressor()
        var output = ByteWriter()
        output.writeByte(0xaa)
        var sizes: [Int] = []
        for size in [10, 5000, 20] {
            let record = TestRecord(
                timestamp: 3,
                key: "k",
                value: [UInt8](repeating: 1, count: size)
            )
            try builder.append(record)
            #expect(builder.recordCount == 1)
            let before = output.count
            let plain = builder.uncompressedBytes.rawValue
            builder.seal(compressor: &compressor, into: &output)
            sizes.append(output.count - before)
            #expect(builder.isEmpty && builder.uncompressedBytes == ByteCount(61))
            #expect(size > 1000 || sizes.last == plain)
            let batch = [UInt8](output.bytes[before...])
            #expect(try records(in: batch).map(\.record) == [record])
        }
        #expect(output.bytes[0] == 0xaa)
    }

    @Test func `a header may be written in pieces`() throws {
        var whole = ByteWriter()
        var pieces = ByteWriter()
        withBytes(Array("a/b".utf8)) { whole.writeRecordHeader(name: "topic", value: $0) }
        pieces.beginRecordHeader(name: "topic", valueBytes: 3)
        pieces.writeUTF8("a/")
        pieces.writeUTF8("b")
        #expect([UInt8](whole.bytes) == [UInt8](pieces.bytes))
        whole.writeRecordHeader(name: "gone", value: nil)
        #expect(hex(whole.bytes) == hex(Array("\u{a}topic\u{6}a/b\u{8}gone\u{1}".utf8)))
    }
}

private extension TestRecord {
    init(timestamp: Int64, key: String?, value: [UInt8]) {
        self.init(timestamp: timestamp, key: key.map { [UInt8]($0.utf8) }, value: value)
    }
}
