import BrokerModel
import RecordFormat
import Testing

@Suite struct RecordCursorTests {
    @Test func `null and empty are different, for keys, values and header values`() throws {
        let header = TestRecord.Header(name: [], value: [])
        let nullHeader = TestRecord.Header(name: Array("a".utf8), value: nil)
        let input = [
            TestRecord(timestamp: 1, key: [], value: nil, headers: [header, nullHeader, header]),
            TestRecord(timestamp: 1, key: nil, value: []),
        ]
        #expect(try records(in: sealed(input, compressed: false)).map(\.record) == input)
    }

    @Test(
        arguments: [
            ("shorter than its parts", "0a 00 00 00 01 01 00", .recordMalformed(index: 0)),
            ("longer than the batch", "0e 00 00 00 01 01 00", .recordMalformed(index: 0)),
            ("of negative length", "01 00 00 00 01 01 00", .recordMalformed(index: 0)),
            ("empty", "00", .recordMalformed(index: 0)),
            ("with a length that never ends", "ff ff ff ff ff 7f", .recordMalformed(index: 0)),
            ("with a key of length -2", "0c 00 00 00 03 01 00", .recordMalformed(index: 0)),
            ("with a key past its end", "0c 00 00 00 10 01 00", .recordMalformed(index: 0)),
            ("with a value past its end", "0c 00 00 00 01 7e 00", .recordMalformed(index: 0)),
            ("with -1 headers", "0c 00 00 00 01 01 01", .recordMalformed(index: 0)),
            ("with headers that are not there", "0c 00 00 00 01 01 02", .recordMalformed(index: 0)),
            (
                "with two thousand million headers", "14 00 00 00 01 01 fe ff ff ff 0f",
                .recordMalformed(index: 0)
            ),
            ("with a nameless header", "10 00 00 00 01 01 02 01 01", .recordMalformed(index: 0)),
            (
                "with bytes behind its headers", "0e 00 00 00 01 01 00 00",
                .recordMalformed(index: 0)
            ),
            ("before its batch", "0c 00 00 01 01 01 00", .offsetDeltaOutOfOrder(index: 0)),
            ("behind its batch", "0c 00 00 02 01 01 00", .offsetDeltaOutOfOrder(index: 0)),
            ("with bytes behind it", "0c 00 00 00 01 01 00 00", .bytesAfterLastRecord(1)),
        ] as [(String, String, RecordFormatError)]
    )
    func `a wrong record is refused`(what: String, text: String, error: RecordFormatError) {
        #expect(throws: error, "\(what)") { try records(in: batch(of: hex(text), count: 1)) }
    }

    @Test func `offsets rise inside a batch, and may leave gaps`() throws {
        let (first, third) = (hex("0c 00 00 00 01 01 00"), hex("0c 00 00 04 01 01 00"))
        let gap = try records(in: batch(of: first + third, count: 2, lastOffsetDelta: 4))
        #expect(gap.map(\.offset) == [0, 2])
        #expect(throws: RecordFormatError.offsetDeltaOutOfOrder(index: 1)) {
            try records(in: batch(of: third + first, count: 2, lastOffsetDelta: 4))
        }
        #expect(throws: RecordFormatError.offsetDeltaOutOfOrder(index: 1)) {
            try records(in: batch(of: first + first, count: 2, lastOffsetDelta: 4))
        }
    }

    @Test func `a batch without records has none`() throws {
        #expect(try records(in: batch(of: [], count: 0)).isEmpty)
    }

    @Test func `with log append time every record has the batch's time`() throws {
        let times: [Int64] = [100, 90, 300]
        var batch = try sealed(
            times.map { TestRecord(timestamp: $0, key: nil, value: []) },
            compressed: false
        )
        batch[22] |= 1 << 3
        batch.patch(Int64(777), at: 35)
        #expect(try records(in: batch).map(\.record.timestamp) == [777, 777, 777])
    }

    @Test(arguments: [5, 6, 7] as [UInt8])
    func `a number that no codec has is named`(number: UInt8) {
        var batch = KafkaBatch.bytes
        batch[22] = number
        #expect(throws: RecordFormatError.codecUnknown(number)) { try records(in: batch) }
    }

    private func batch(of body: [UInt8], count: Int32, lastOffsetDelta: Int32 = 0) -> [UInt8] {
        var batch = [UInt8](KafkaBatch.bytes[..<61]) + body
        batch.patch(Int32(49 + body.count), at: 8)
        batch.patch(lastOffsetDelta, at: 23)
        batch.patch(count, at: 57)
        return batch
    }
}
