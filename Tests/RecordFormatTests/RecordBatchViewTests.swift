import BrokerModel
import HeadwaterTesting
import RecordFormat
import Testing

@Suite struct RecordBatchViewTests {
    @Test func `every field of a batch that Kafka stored can be read`() throws {
        try KafkaBatch.bytes.withUnsafeBytes { bytes in
            let batch = try #require(try RecordBatchView.first(in: bytes))
            #expect(batch.baseOffset == .zero && batch.lastOffset == .zero)
            #expect(batch.nextOffset == Offset(1))
            #expect(batch.sizeInBytes == ByteCount(90))
            #expect(batch.leaderEpoch == .zero)
            #expect(batch.magic == 2 && batch.crc == 0x54ab_be48 && batch.crcIsValid)
            #expect(batch.codec == CompressionCodec.none && batch.timestampType == .createTime)
            #expect(!batch.isControl && !batch.isTransactional && !batch.hasDeleteHorizon)
            #expect(batch.lastOffsetDelta == 0 && batch.recordCount == 1)
            #expect(batch.baseTimestamp == Timestamp(milliseconds: 1_795_234_744_308))
            #expect(batch.maxTimestamp == batch.baseTimestamp)
            #expect(batch.producerID == -1 && batch.producerEpoch == -1 && batch.baseSequence == -1)
            try batch.check(from: .producer)
            try batch.check(from: .log)
        }
    }

    @Test func `a batch that has not all come yet is nil, at every length`() throws {
        for length in 0..<KafkaBatch.bytes.count {
            try KafkaBatch.bytes[..<length].withUnsafeBytes { bytes in
                let batch = try RecordBatchView.first(in: bytes)
                #expect(batch == nil, "length \(length)")
                let claimed = RecordBatchView.claimedSize(in: bytes)
                #expect(claimed == (length < 12 ? nil : ByteCount(90)))
            }
        }
    }

    @Test func `what follows a batch is not part of it`() throws {
        try (KafkaBatch.bytes + [1, 2, 3]).withUnsafeBytes { bytes in
            let batch = try #require(try RecordBatchView.first(in: bytes))
            #expect(batch.sizeInBytes == ByteCount(90) && batch.crcIsValid)
        }
    }

    @Test(arguments: [false, true])
    func `every flipped bit is noticed, and none traps`(compressed: Bool) throws {
        var random = SeededGenerator(seed: 4)
        let input = (0..<20).map { _ in TestRecord.random(&random) }
        let batch = try sealed(input, compressed: compressed)
        for bit in 0..<batch.count * 8 {
            var flipped = batch
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            // Base offset and leader epoch are outside the checksum: the log knows them.
            let isCovered = bit / 8 >= 8 && !(12..<16).contains(bit / 8)
            if isCovered, try passes(flipped) { Issue.record("bit \(bit) went unnoticed") }
            // Without the checksum the records may be anything, but reading them has to end.
            _ = try? records(in: flipped)
        }
    }

    @Test func `other formats and lengths are refused by name`() {
        refused(.magicNotSupported(1)) { $0[16] = 1 }
        refused(.magicNotSupported(-1)) { $0[16] = 0xff }
        refused(.batchLengthTooSmall(48)) { $0.replaceSubrange(8..<12, with: [0, 0, 0, 48]) }
        refused(.batchLengthTooSmall(-1)) {
            $0.replaceSubrange(8..<12, with: [255, 255, 255, 255])
        }
        refused(.batchLengthTooSmall(0)) { $0 = [UInt8](repeating: 0, count: 12) }
        refused(.magicNotSupported(0)) { $0 = [UInt8](repeating: 0, count: 61) }
    }

    @Test func `counts have to agree: for a producer exactly, for a log at most`() throws {
        func both(count: Int32, delta: Int32) -> [Bool] {
            var batch = KafkaBatch.bytes
            batch.patch(delta, at: 23)
            batch.patch(count, at: 57)
            batch.repairCRC()
            return batch.withUnsafeBytes { bytes in
                [RecordBatchView.Origin.producer, .log].map { origin in
                    (try? RecordBatchView.first(in: bytes)?.check(from: origin)) != nil
                }
            }
        }
        #expect(both(count: 1, delta: 0) == [true, true])
        #expect(both(count: 1, delta: 5) == [false, true])
        #expect(both(count: 0, delta: 5) == [false, true])
        #expect(both(count: 2, delta: 0) == [false, false])
        #expect(both(count: 0, delta: -1) == [false, false])
        #expect(both(count: -1, delta: 3) == [false, false])
        #expect(both(count: .min, delta: .max) == [false, false])
    }

    @Test func `a codec that does not exist and an impossible offset are refused`() {
        refused(.codecUnknown(5)) {
            $0[22] = 5
            $0.repairCRC()
        }
        refused(.offsetOutOfRange(Offset(-1))) { $0.patch(Int64(-1), at: 0) }
        refused(.offsetOutOfRange(Offset(.max))) { $0.patch(Int64.max, at: 0) }
        let computed = UInt32(0x54ab_be48)
        refused(.crcMismatch(stored: computed ^ 1, computed: computed)) { $0[20] ^= 1 }
    }

    @Test func `assigning its place changes nothing else`() throws {
        var batch = KafkaBatch.bytes
        batch.withUnsafeMutableBytes {
            RecordBatchEditor.assign(
                baseOffset: Offset(1 << 40),
                leaderEpoch: LeaderEpoch(7),
                in: $0
            )
        }
        try batch.withUnsafeBytes { bytes in
            let view = try #require(try RecordBatchView.first(in: bytes))
            #expect(view.baseOffset == Offset(1 << 40) && view.leaderEpoch == LeaderEpoch(7))
            try view.check(from: .log)
        }
        #expect(
            batch[16...] == KafkaBatch.bytes[16...] && batch[8..<12] == KafkaBatch.bytes[8..<12]
        )
    }

    private func passes(_ batch: [UInt8]) throws -> Bool {
        batch.withUnsafeBytes { bytes in
            do {
                guard let view = try RecordBatchView.first(in: bytes) else { return false }
                try view.check(from: .log)
                return true
            } catch {
                return false
            }
        }
    }

    private func refused(
        _ expected: RecordFormatError,
        location: SourceLocation = #_sourceLocation,
        _ change: (inout [UInt8]) -> Void
    ) {
        var batch = KafkaBatch.bytes
        change(&batch)
        #expect(throws: expected, sourceLocation: location) {
            try batch.withUnsafeBytes { try RecordBatchView.first(in: $0)?.check(from: .log) }
        }
    }
}

extension [UInt8] {
    /// Overwrites a big-endian integer.
    mutating func patch(_ value: some FixedWidthInteger, at position: Int) {
        let bytes = Swift.withUnsafeBytes(of: value.bigEndian) { [UInt8]($0) }
        replaceSubrange(position..<position + bytes.count, with: bytes)
    }

    /// Makes the checksum right again, so that the checks behind it are reached.
    mutating func repairCRC() {
        patch(self[21...].withUnsafeBytes { Checksum.crc32c($0) }, at: 17)
    }
}
