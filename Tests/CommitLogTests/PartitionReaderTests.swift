import BrokerModel
import CommitLog
import HeadwaterTesting
import Testing

@Suite struct PartitionReaderTests {
    @Test func `a read begins with the batch that holds the offset`() throws {
        let log = try LogFixture(segmentBytes: 4_000).open().log
        try LogFixture.fill(log, batches: 50, records: 4)
        for offset in 0..<200 as Range<Int64> {
            var output = ByteWriter()
            let result = try log.reader.read(
                from: Offset(offset),
                maxBytes: ByteCount(1),
                minOneBatch: true,
                into: &output
            )
            #expect(result.nextOffset == Offset(offset / 4 * 4 + 4))
        }
    }

    @Test func `a read at the high watermark is empty, and one past it is refused`() throws {
        let log = try LogFixture().open().log
        try LogFixture.fill(log, batches: 2)
        var output = ByteWriter()
        let result = try log.reader.read(
            from: Offset(2),
            maxBytes: .kibibytes(1),
            minOneBatch: true,
            into: &output
        )
        #expect(result.bytesRead == .zero && result.nextOffset == Offset(2) && output.isEmpty)
        for offset in [Offset(-1), Offset(3)] {
            let refusal = CommitLogError.offsetOutOfRange(
                offset,
                logStartOffset: .zero,
                highWatermark: Offset(2)
            )
            do throws(CommitLogError) {
                _ = try log.reader.read(
                    from: offset,
                    maxBytes: .kibibytes(1),
                    minOneBatch: true,
                    into: &output
                )
                Issue.record("offset \(offset.rawValue) was read")
            } catch {
                #expect(error == refusal)
            }
        }
    }

    @Test func `the limit is kept unless not even one batch fits it`() throws {
        let log = try LogFixture().open().log
        try LogFixture.fill(log, batches: 5)
        let size = try LogFixture.batch().count
        var output = ByteWriter()
        output.writeByte(7)  // What stood there before stays.
        let two = try log.reader.read(
            from: .zero,
            maxBytes: ByteCount(3 * size - 1),
            minOneBatch: false,
            into: &output
        )
        #expect(two.bytesRead == ByteCount(2 * size) && two.nextOffset == Offset(2))
        #expect(output.count == 1 + 2 * size)
        let none = try log.reader.read(
            from: .zero,
            maxBytes: ByteCount(size - 1),
            minOneBatch: false,
            into: &output
        )
        #expect(none.bytesRead == .zero && none.nextOffset == .zero)
    }

    @Test func `records are found by time, exactly`() throws {
        let log = try LogFixture(segmentBytes: 4_000).open().log
        // Batch n holds times 10n ... 10n + 3.
        try LogFixture.fill(log, batches: 50, records: 4)
        for time in -5..<500 as Range<Int64> {
            let (batch, rest) = (max(0, time) / 10, max(0, time) % 10)
            let expected = rest <= 3 ? batch * 4 + rest : (batch + 1) * 4
            let found = try log.reader.offset(
                forTimestamp: Timestamp(milliseconds: LogFixture.start.rawValue + time)
            )
            if time > 493 {
                #expect(found == nil, "time \(time)")
            } else {
                #expect(found?.offset == Offset(expected), "time \(time)")
            }
        }
        let latest = try log.reader.maxTimestamp()
        #expect(latest?.offset == Offset(199))
        #expect(latest?.timestamp.rawValue == LogFixture.start.rawValue + 493)
        #expect(log.reader.earliest.offset == .zero)
        #expect(log.reader.latest.offset == Offset(200))
    }

    @Test func `an unsynced record is not found by time`() throws {
        let log = try LogFixture().open().log
        try LogFixture.fill(log, batches: 1)
        try LogFixture.append(to: log, time: 100)
        let time = Timestamp(milliseconds: LogFixture.start.rawValue + 50)
        #expect(try log.reader.offset(forTimestamp: time) == nil)
        #expect(try log.reader.maxTimestamp()?.offset == .zero)
        try log.sync()
        #expect(try log.reader.offset(forTimestamp: time)?.offset == Offset(1))
    }
}
