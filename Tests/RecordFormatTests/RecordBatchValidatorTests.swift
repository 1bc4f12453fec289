import BrokerModel
import HeadwaterTesting
import RecordFormat
import Testing

@Suite struct RecordBatchValidatorTests {
    @Test(arguments: CodecTests.compressed.map(\.1) + [ClientBatches.none])
    func `batches that clients build pass`(batch: [UInt8]) throws {
        try validate(batch)
    }

    @Test func `what a batch must not say is refused by name`() throws {
        try refused(.attributeNotAllowed(.control)) { $0[22] |= 1 << 5 }
        try refused(.attributeNotAllowed(.transactional)) { $0[22] |= 1 << 4 }
        try refused(.attributeNotAllowed(.logAppendTime)) { $0[22] |= 1 << 3 }
        try refused(.attributeNotAllowed(.deleteHorizon)) { $0[22] |= 1 << 6 }
        try refused(.codecUnknown(5)) { $0[22] = 5 }
        try refused(.decompressionFailed) { $0[22] = 4 }
        try refused(.countsDisagree(recordCount: 11, lastOffsetDelta: 11)) {
            $0.patch(Int32(11), at: 57)
        }
        try refused(.bytesAfterLastRecord(55)) {
            $0.patch(Int32(11), at: 57)
            $0.patch(Int32(10), at: 23)
        }
        try refused(.recordMalformed(index: 12)) {
            $0.patch(Int32(13), at: 57)
            $0.patch(Int32(12), at: 23)
        }
        let computed = Timestamp(milliseconds: 1_790_000_002_750)
        try refused(.maxTimestampWrong(stored: Timestamp(milliseconds: 7), computed: computed)) {
            $0.patch(Int64(7), at: 35)
        }
        var transactional = ClientBatches.none
        transactional[22] |= 1 << 4
        transactional.repairCRC()
        var rules = ValidationRules()
        rules.allowsTransactions = true
        try validate(transactional, rules)
    }

    @Test func `a changed byte is noticed before its records are looked at`() {
        var batch = ClientBatches.zstd
        batch[batch.count - 1] ^= 1
        #expect {
            try validate(batch)
        } throws: { error in
            guard case .crcMismatch = error as? RecordFormatError else { return false }
            return true
        }
    }

    @Test func `offsets rise by one`() throws {
        let first = hex("0c 00 00 00 01 01 00")
        try validate(batch(of: first + hex("0c 00 00 02 01 01 00"), count: 2))
        for wrong in ["0c 00 00 00 01 01 00", "0c 00 00 01 01 01 00", "0c 00 00 04 01 01 00"] {
            #expect(throws: RecordFormatError.offsetDeltaOutOfOrder(index: 1)) {
                try validate(batch(of: first + hex(wrong), count: 2))
            }
        }
    }

    @Test func `a topic's rules hold for each record`() throws {
        var rules = ValidationRules()
        rules.needsKeys = true
        #expect(throws: RecordFormatError.keyMissing(index: 3)) {
            try validate(ClientBatches.gzip, rules)
        }
        let start: Int64 = 1_790_000_000_000
        rules = ValidationRules()
        rules.timestamps =
            Timestamp(milliseconds: start)...Timestamp(milliseconds: start + 2_750)
        try validate(ClientBatches.none, rules)
        rules.timestamps =
            Timestamp(milliseconds: start)...Timestamp(milliseconds: start + 2_000)
        let late = Timestamp(milliseconds: start + 2_250)
        #expect(throws: RecordFormatError.timestampOutOfRange(index: 9, late)) {
            try validate(ClientBatches.none, rules)
        }
        rules.timestampType = .logAppendTime
        try validate(ClientBatches.none, rules)
        rules = ValidationRules()
        rules.decompressedBytesMax = ByteCount(600)
        #expect(throws: RecordFormatError.decompressedTooLarge(limit: ByteCount(600))) {
            try validate(ClientBatches.lz4, rules)
        }
    }

    @Test func `a record without a time is in every range, and under log append time in all`()
        throws
    {
        var rules = ValidationRules()
        rules.timestamps = Timestamp(milliseconds: 10)...Timestamp(milliseconds: 20)
        let untimed = try sealed(
            [TestRecord(timestamp: -1, key: nil, value: "a")],
            compressed: false
        )
        try validate(untimed, rules)
        var wrong = untimed
        wrong.patch(Int64(99), at: 35)
        wrong.repairCRC()
        rules.timestampType = .logAppendTime
        try validate(wrong, rules)
    }

    /// The cursor reads what passed, and what it cannot read does not pass.
    @Test(arguments: 1...16)
    func `what passes is just what can be read without a gap`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed &+ 4_000)
        var (passed, refused) = (0, 0)
        for round in 0..<400 {
            // Short ones: a change shall hit a length or a delta more often than contents.
            let input = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                var record = TestRecord.random(&random)
                record.key = record.key.map { [UInt8]($0.prefix(2)) }
                record.value = record.value.map { [UInt8]($0.prefix(round % 3 == 0 ? 70 : 2)) }
                record.headers = record.headers.prefix(1).map {
                    .init(name: [UInt8]($0.name.prefix(2)), value: $0.value.map { _ in [1] })
                }
                return record
            }
            var batch = try sealed(input, compressed: false)
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                let index = Int.random(in: 61..<batch.count, using: &random)
                batch[index] =
                    [0, 1, 2, 0x7f, 0x80, 0x81, 0xff, batch[index] &+ 1, batch[index] &- 2]
                    .randomElement(using: &random) ?? 0
            }
            batch.repairCRC()
            let readable = isReadable(batch)
            #expect(validates(batch) == readable, "seed \(seed), round \(round): \(hex(batch))")
            passed += readable ? 1 : 0
            refused += readable ? 0 : 1
        }
        #expect(passed > 50 && refused > 50)
    }

    @Test func `log append time is set with the checksum, and read for every record`() throws {
        for source in [ClientBatches.none, ClientBatches.zstd] {
            let time = Timestamp(milliseconds: 1_800_000_000_000)
            var batch = source + [1, 2, 3]
            batch.withUnsafeMutableBytes { RecordBatchEditor.setLogAppendTime(time, in: $0) }
            #expect(batch.suffix(3) == [1, 2, 3])
            try batch.withUnsafeBytes { bytes in
                let view = try #require(try RecordBatchView.first(in: bytes))
                try view.check(from: .producer)
                #expect(view.timestampType == .logAppendTime && view.maxTimestamp == time)
            }
            #expect(Set(try records(in: batch).map(\.record.timestamp)) == [time.rawValue])
        }
    }

    @Test func `a wrong max timestamp can be corrected`() throws {
        var batch = ClientBatches.lz4
        batch.patch(Int64(7), at: 35)
        batch.repairCRC()
        let right = Timestamp(milliseconds: 1_790_000_002_750)
        batch.withUnsafeMutableBytes { RecordBatchEditor.setMaxTimestamp(right, in: $0) }
        #expect(batch == ClientBatches.lz4)
    }

    private func isReadable(_ batch: [UInt8]) -> Bool {
        guard let found = try? records(in: batch), !found.isEmpty else { return false }
        let times = found.map(\.record.timestamp)
        let stored = batch.withUnsafeBytes {
            try? RecordBatchView.first(in: $0)?.maxTimestamp.rawValue
        }
        return found.map(\.offset) == Array(0..<Int64(found.count)) && times.max() == stored
    }

    private func validates(_ batch: [UInt8]) -> Bool { (try? validate(batch)) != nil }

    private func validate(_ batch: [UInt8], _ rules: ValidationRules = .init()) throws {
        var validator = RecordBatchValidator()
        try batch.withUnsafeBytes { bytes in
            let view = try #require(try RecordBatchView.first(in: bytes))
            try validator.validate(view, rules: rules)
        }
    }

    private func refused(
        _ expected: RecordFormatError,
        location: SourceLocation = #_sourceLocation,
        _ change: (inout [UInt8]) -> Void
    ) throws {
        var batch = ClientBatches.none
        change(&batch)
        batch.repairCRC()
        #expect(throws: expected, sourceLocation: location) { try validate(batch) }
    }

    private func batch(of body: [UInt8], count: Int32) -> [UInt8] {
        var batch = [UInt8](KafkaBatch.bytes[..<61]) + body
        batch.patch(Int32(49 + body.count), at: 8)
        batch.patch(count - 1, at: 23)
        batch.patch(count, at: 57)
        batch.repairCRC()
        return batch
    }
}
