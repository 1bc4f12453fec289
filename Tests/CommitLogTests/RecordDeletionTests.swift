import BrokerModel
import CommitLog
import HeadwaterTesting
import Testing

/// Records that a client has deleted, and what readers are told of a log's ends and size.
@Suite struct RecordDeletionTests {
    /// Four segments, the first bases 0, 5, 10 or thereabouts; twenty records of one a batch.
    private func filled() throws -> (fixture: LogFixture, log: PartitionLog, bases: [Offset]) {
        let fixture = try LogFixture(segmentBytes: 1_000)
        let log = try fixture.open().log
        try LogFixture.fill(log, batches: 20)
        let bases = try fixture.fileSystem.list(LogFixture.folder).map(\.name)
            .filter { $0.hasSuffix(".log") }.sorted().compactMap { Int64($0.dropLast(4)) }
        return (fixture, log, bases.map { Offset($0) })
    }

    @Test func `the log begins at the offset, in the middle of a segment`() throws {
        let (_, log, bases) = try filled()
        let offset = bases[2] + 1
        #expect(try log.deleteRecords(before: offset).count == 6, "two segments of three files")
        #expect(log.reader.logStartOffset == offset)
        #expect(log.reader.earliest.offset == offset)
        #expect(try LogFixture.read(log.reader, from: offset).first == offset)
        let error = #expect(throws: CommitLogError.self) {
            try LogFixture.read(log.reader, from: Offset(offset.rawValue - 1))
        }
        #expect(
            error
                == .offsetOutOfRange(
                    Offset(offset.rawValue - 1),
                    logStartOffset: offset,
                    highWatermark: Offset(20)
                )
        )
        #expect(try log.reader.offset(forTimestamp: LogFixture.start)?.offset == offset)
    }

    @Test func `the start never goes back, and never past what is visible`() throws {
        let (_, log, bases) = try filled()
        let offset = bases[1] + 1
        try _ = log.deleteRecords(before: offset)
        #expect(try log.deleteRecords(before: bases[1]).isEmpty)
        #expect(log.reader.logStartOffset == offset)
        #expect(throws: CommitLogError.self) { try log.deleteRecords(before: Offset(21)) }
        #expect(log.reader.logStartOffset == offset)
        // Retention by size takes the segment, and the start stays behind what was deleted.
        let policy = RetentionPolicy(time: nil, bytes: ByteCount(1_200))
        _ = try log.deleteOldSegments(policy, now: LogFixture.start, limit: 100)
        #expect(log.reader.logStartOffset >= offset)
    }

    @Test func `a log without a record left goes on at the next offset`() throws {
        let (fixture, log, _) = try filled()
        _ = try log.deleteRecords(before: Offset(20))
        #expect(log.reader.earliest.offset == Offset(20))
        #expect(try LogFixture.append(to: log).baseOffset == Offset(20))
        try log.sync()
        #expect(try LogFixture.read(log.reader, from: Offset(20)) == [Offset(20)])
        try log.close()
        let reopened = try fixture.open().log
        #expect(reopened.reader.logStartOffset == Offset(20))
        #expect(try LogFixture.read(reopened.reader, from: Offset(20)) == [Offset(20)])
    }

    @Test func `what was deleted stays so, whatever a power cut leaves`() throws {
        let (fixture, log, bases) = try filled()
        let offset = bases[2] + 2
        _ = try log.deleteRecords(before: offset)
        for seed in 0..<20 as Range<UInt64> {
            var after = fixture
            after.fileSystem = fixture.fileSystem.survivors(seed: seed)
            let reopened = try after.open(afterCleanStop: false).log
            #expect(reopened.reader.logStartOffset == offset, "seed \(seed)")
            #expect(try LogFixture.read(reopened.reader, from: offset).first == offset)
        }
    }

    @Test func `a deletion that could not be made durable did not happen`() throws {
        let (fixture, log, bases) = try filled()
        var faults = SimulatedFaults()
        faults.fail(.sync, pathSuffix: "offset-marks.tmp", reason: .io)
        fixture.fileSystem.setFaults(faults)
        #expect(throws: CommitLogError.self) { try log.deleteRecords(before: bases[1]) }
        #expect(log.reader.logStartOffset == .zero)
        try LogFixture.append(to: log)
        try log.sync()
    }

    @Test func `a reader says what is written and not synced, and how large the log is`() throws {
        let (fixture, log, bases) = try filled()
        let one = try LogFixture.batch().count
        #expect(log.reader.sizeInBytes == ByteCount(20 * one))
        try LogFixture.append(to: log)
        #expect(log.reader.logEndOffset == Offset(21) && log.reader.highWatermark == Offset(20))
        #expect(log.reader.sizeInBytes == ByteCount(21 * one))
        try log.sync()
        #expect(log.reader.highWatermark == Offset(21))
        let kept = 21 - Int(bases[1].rawValue)
        _ = try log.deleteRecords(before: bases[1])
        #expect(log.reader.sizeInBytes == ByteCount(kept * one))
        let reopened = try fixture.open(afterCleanStop: false).log
        #expect(reopened.reader.sizeInBytes == ByteCount(kept * one))
        #expect(reopened.reader.logEndOffset == Offset(21))
    }

    @Test func `other settings count from the next append on`() throws {
        let (fixture, log, bases) = try filled()
        var settings = fixture.settings
        settings.segmentBytes = ByteCount(300)
        log.change(settings)
        for _ in 0..<4 { try LogFixture.append(to: log) }
        try log.sync()
        let segments = try fixture.fileSystem.list(LogFixture.folder).count {
            $0.name.hasSuffix(".log")
        }
        #expect(segments >= bases.count + 2)
        // A batch that was built by the old settings is still taken.
        let large = try LogFixture.batch(records: 4)
        #expect(large.count > 300)
        #expect(try log.append(large.mutableBytes, now: LogFixture.start).lastOffset == Offset(27))
    }
}
