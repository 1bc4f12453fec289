import BrokerModel
import CommitLog
import HeadwaterTesting
import Testing

@Suite struct PartitionLogTests {
    @Test func `nothing is visible before it is synced`() throws {
        let log = try LogFixture().open().log
        let batch = try LogFixture.batch(records: 3)
        let range = try log.append(batch.mutableBytes, now: LogFixture.start)
        #expect(range.baseOffset == .zero && range.lastOffset == Offset(2))
        #expect(log.logEndOffset == Offset(3))
        #expect(log.highWatermark == .zero)
        try log.sync()
        #expect(log.highWatermark == Offset(3))
        #expect(try LogFixture.read(log.reader) == [.zero])
    }

    @Test func `several batches in one append get offsets one after the other`() throws {
        let log = try LogFixture().open().log
        var batches = try LogFixture.batch(records: 2)
        let second = try LogFixture.batch(records: 5)
        batches.writeBytes(second.bytes)
        batches.writeBytes(second.bytes)
        let range = try log.append(batches.mutableBytes, now: LogFixture.start)
        #expect(range.lastOffset == Offset(11))
        try log.sync()
        #expect(try LogFixture.read(log.reader) == [Offset(0), Offset(2), Offset(7)])
    }

    @Test func `a segment is sealed before it grows past its size`() throws {
        let fixture = try LogFixture(segmentBytes: 1_000)
        let log = try fixture.open().log
        try LogFixture.fill(log, batches: 20)  // About 170 bytes each.
        let logs = try fixture.fileSystem.list(LogFixture.folder).map(\.name)
            .filter { $0.hasSuffix(".log") }.sorted()
        #expect(logs.count == 4)
        for name in logs {
            let size = fixture.fileSystem.contents(LogFixture.path(name))?.count ?? .max
            #expect(size <= 1_000)
        }
        #expect(try LogFixture.read(log.reader) == (0..<20).map { Offset($0) })
    }

    @Test func `a segment is sealed when its first batch has become old`() throws {
        var fixture = try LogFixture()
        fixture.settings.segmentAge = .seconds(10)
        let log = try fixture.open().log
        for seconds in [0, 9, 10, 3, 21] as [Int64] {  // The clock goes back in between.
            let now = Timestamp(milliseconds: LogFixture.start.rawValue + 1_000 * seconds)
            try LogFixture.append(to: log, now: now)
        }
        try log.sync()
        let logs = try fixture.fileSystem.list(LogFixture.folder).map(\.name)
            .filter { $0.hasSuffix(".log") }.sorted()
        #expect(
            logs == [
                "00000000000000000000.log", "00000000000000000002.log", "00000000000000000004.log",
            ]
        )
    }

    @Test(arguments: [true, false])
    func `a segment's age counts on over a restart`(isClean: Bool) throws {
        var fixture = try LogFixture()
        fixture.settings.segmentAge = .seconds(10)
        let before = try fixture.open().log
        try LogFixture.append(to: before, now: LogFixture.start)
        if isClean { try before.close() } else { try before.sync() }
        let log = try fixture.open(afterCleanStop: isClean).log
        for seconds in [9, 10] as [Int64] {
            let now = Timestamp(milliseconds: LogFixture.start.rawValue + 1_000 * seconds)
            try LogFixture.append(to: log, now: now)
        }
        try log.sync()
        let logs = try fixture.fileSystem.list(LogFixture.folder).map(\.name)
            .filter { $0.hasSuffix(".log") }.sorted()
        #expect(logs == ["00000000000000000000.log", "00000000000000000002.log"])
    }

    @Test func `a batch larger than a segment is refused, and nothing of it written`() throws {
        let log = try LogFixture(segmentBytes: 500).open().log
        let batch = try LogFixture.batch(valueBytes: 600)
        let size = ByteCount(batch.count)
        #expect(throws: CommitLogError.batchTooLarge(size, most: ByteCount(500))) {
            try log.append(batch.mutableBytes, now: LogFixture.start)
        }
        #expect(log.unsyncedBytes == .zero)
        try LogFixture.fill(log, batches: 1)
        #expect(log.highWatermark == Offset(1))
    }

    @Test func `bytes that are no whole batches are refused`() throws {
        let log = try LogFixture().open().log
        var batches = try LogFixture.batch()
        let whole = batches.count
        batches.writeBytes([1, 2, 3])
        #expect(throws: CommitLogError.malformedBatch(at: FilePosition(whole))) {
            try log.append(batches.mutableBytes, now: LogFixture.start)
        }
        batches.truncate(to: whole - 1)
        #expect(throws: CommitLogError.malformedBatch(at: .zero)) {
            try log.append(batches.mutableBytes, now: LogFixture.start)
        }
        batches.removeAll()
        #expect(throws: CommitLogError.malformedBatch(at: .zero)) {
            try log.append(batches.mutableBytes, now: LogFixture.start)
        }
        #expect(log.logEndOffset == .zero)
    }

    @Test func `after a failed sync nothing is acknowledged, and the tail is gone`() throws {
        let fixture = try LogFixture()
        let log = try fixture.open().log
        try LogFixture.fill(log, batches: 2)
        try LogFixture.append(to: log)
        var faults = SimulatedFaults()
        faults.fail(.sync, pathSuffix: ".log", reason: .io)
        fixture.fileSystem.setFaults(faults)
        let failure = FileSystemError(
            .sync,
            LogFixture.path("00000000000000000000.log"),
            .io
        )
        #expect(throws: CommitLogError.fileSystem(failure)) { try log.sync() }
        #expect(throws: CommitLogError.readOnly(failure)) { try log.sync() }
        #expect(throws: CommitLogError.readOnly(failure)) {
            try LogFixture.append(to: log)
        }
        #expect(throws: CommitLogError.readOnly(failure)) { try log.close() }
        #expect(log.highWatermark == Offset(2))
        #expect(try LogFixture.read(log.reader) == [Offset(0), Offset(1)])
        let reopened = try fixture.open(afterCleanStop: false).log
        #expect(reopened.highWatermark == Offset(2))
    }

    @Test func `a full disk tears nothing that is visible`() throws {
        let fixture = try LogFixture()
        let log = try fixture.open().log
        var faults = SimulatedFaults()
        faults.capacity = ByteCount(2_000)
        fixture.fileSystem.setFaults(faults)
        var failure: CommitLogError?
        while failure == nil {
            do {
                try LogFixture.append(to: log)
                try log.sync()
            } catch {
                failure = error as? CommitLogError
            }
        }
        let path = LogFixture.path("00000000000000000000.log")
        #expect(failure == .fileSystem(FileSystemError(.write, path, .noSpace)))
        let end = log.highWatermark
        #expect(end > Offset(5))
        fixture.fileSystem.setFaults(SimulatedFaults())
        let reopened = try fixture.open(afterCleanStop: false)
        #expect(reopened.report.cutBytes == .zero)
        #expect(reopened.log.highWatermark == end)
    }

    @Test func `a closed log takes nothing more`() throws {
        let log = try LogFixture().open().log
        try log.close()
        #expect(throws: CommitLogError.closed) {
            try LogFixture.append(to: log)
        }
    }
}
