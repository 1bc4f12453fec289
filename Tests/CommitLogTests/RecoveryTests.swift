import BrokerModel
import CommitLog
import HeadwaterTesting
import Testing

@Suite struct RecoveryTests {
    @Test func `after a clean stop only the end of the log is read`() throws {
        let fixture = try LogFixture()
        let log = try fixture.open().log
        try LogFixture.fill(log, batches: 500)  // About 85 kB.
        try log.close()
        fixture.fileSystem.resetBytesRead()
        let (reopened, report) = try fixture.open()
        let read = fixture.fileSystem.bytesReadByPath[LogFixture.path("00000000000000000000.log")]
        #expect(report.wasClean)
        #expect((read ?? 0) <= 1_024)
        #expect(reopened.logEndOffset == Offset(500))
        #expect(reopened.leaderEpoch == .zero)
        #expect(try LogFixture.read(reopened.reader, from: Offset(100)).count == 400)
    }

    @Test func `an unclean stop costs a scan and raises the leader epoch`() throws {
        let fixture = try LogFixture(segmentBytes: 2_000)
        let log = try fixture.open().log
        try LogFixture.fill(log, batches: 50)
        fixture.fileSystem.resetBytesRead()
        let (reopened, report) = try fixture.open(afterCleanStop: false)
        let logsRead = fixture.fileSystem.bytesReadByPath.filter { $0.key.hasSuffix(".log") }
        #expect(!report.wasClean)
        #expect(logsRead.count == 1)
        #expect(reopened.leaderEpoch == LeaderEpoch(1))
        #expect(reopened.highWatermark == Offset(50))
        try LogFixture.fill(reopened, batches: 2)
        let epochs = reopened.reader
        #expect(epochs.endOffset(forEpoch: .zero)?.endOffset == Offset(50))
        #expect(epochs.endOffset(forEpoch: LeaderEpoch(1))?.endOffset == Offset(52))
        #expect(epochs.endOffset(forEpoch: LeaderEpoch(2)) == nil)
        let checkpoint = fixture.fileSystem.contents(LogFixture.path("leader-epoch-checkpoint"))
        #expect(String(decoding: checkpoint ?? [], as: UTF8.self) == "0\n2\n0 0\n1 50\n")
    }

    @Test func `a torn tail is cut off, and the log goes on at its place`() throws {
        let fixture = try LogFixture()
        let log = try fixture.open().log
        try LogFixture.fill(log, batches: 3)
        let path = LogFixture.path("00000000000000000000.log")
        let size = try #require(fixture.fileSystem.contents(path)).count
        fixture.fileSystem.damage(path, at: size - 1, with: [0xff])
        let (reopened, report) = try fixture.open(afterCleanStop: false)
        #expect(report.cutBytes == ByteCount(size / 3))
        #expect(reopened.logEndOffset == Offset(2))
        try LogFixture.fill(reopened, batches: 1)
        #expect(try LogFixture.read(reopened.reader) == [Offset(0), Offset(1), Offset(2)])
    }

    @Test func `stale batches behind the tail never pass for ours`() throws {
        let fixture = try LogFixture()
        let log = try fixture.open().log
        try LogFixture.fill(log, batches: 3)
        let path = LogFixture.path("00000000000000000000.log")
        let bytes = try #require(fixture.fileSystem.contents(path))
        fixture.fileSystem.damage(path, at: bytes.count, with: bytes)
        let (reopened, report) = try fixture.open(afterCleanStop: false)
        #expect(reopened.logEndOffset == Offset(3))
        #expect(report.cutBytes == ByteCount(bytes.count))
    }

    @Test func `a crash right after a roll leaves an empty segment to go on with`() throws {
        let fixture = try LogFixture(segmentBytes: 400)
        let log = try fixture.open().log
        try LogFixture.fill(log, batches: 3)
        let newest = LogFixture.path("00000000000000000002.log")
        fixture.fileSystem.damage(newest, at: 0, with: [UInt8](repeating: 0, count: 200))
        let (reopened, _) = try fixture.open(afterCleanStop: false)
        #expect(reopened.logEndOffset == Offset(2))
        #expect(fixture.fileSystem.contents(newest) == [])
        try LogFixture.fill(reopened, batches: 1)
        #expect(try LogFixture.read(reopened.reader) == [Offset(0), Offset(1), Offset(2)])
    }

    @Test(arguments: ["index", "timeindex"])
    func `a missing index of a sealed segment is built anew`(kind: String) throws {
        let fixture = try LogFixture(segmentBytes: 2_000)
        let log = try fixture.open().log
        try LogFixture.fill(log, batches: 30)
        let path = LogFixture.path("00000000000000000000.\(kind)")
        let before = fixture.fileSystem.contents(path)
        try fixture.fileSystem.removeFile(path)
        let (reopened, report) = try fixture.open(afterCleanStop: false)
        #expect(report.rebuiltIndexes == 1)
        #expect(fixture.fileSystem.contents(path)?.count == before?.count)
        #expect(try LogFixture.read(reopened.reader).count == 30)
    }

    @Test func `a damaged index of a sealed segment misleads nobody`() throws {
        let fixture = try LogFixture(segmentBytes: 4_000)
        let log = try fixture.open().log
        try LogFixture.fill(log, batches: 60)
        let path = LogFixture.path("00000000000000000000.index")
        for seed in 0..<50 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let size = try #require(fixture.fileSystem.contents(path)).count
            let byte = UInt8(truncatingIfNeeded: generator.next())
            fixture.fileSystem.damage(path, at: generator.below(size), with: [byte])
            let reopened = try fixture.open(afterCleanStop: false).log
            for offset in 0..<60 as Range<Int64> {
                let found = try LogFixture.read(reopened.reader, from: Offset(offset))
                #expect(found.first == Offset(offset), "seed \(seed)")
            }
        }
    }

    @Test func `an emptied time index of a sealed segment hides no record`() throws {
        let fixture = try LogFixture(segmentBytes: 2_000)
        let log = try fixture.open().log
        try LogFixture.fill(log, batches: 30)
        try fixture.fileSystem.open(LogFixture.path("00000000000000000000.timeindex"), .write)
            .truncate(to: .zero)
        let reader = try fixture.open(afterCleanStop: false).log.reader
        #expect(try reader.offset(forTimestamp: LogFixture.start)?.offset == .zero)
    }

    @Test func `files that are not ours stay, and leftovers of a crash go`() throws {
        let fixture = try LogFixture()
        let names = [
            "notes.txt", "00000000000000000009.txnindex", "leader-epoch-checkpoint.tmp",
            "00000000000000000777.index", "00000000000000000778.snapshot",
        ]
        for name in names { _ = try fixture.fileSystem.open(LogFixture.path(name), .create) }
        _ = try fixture.open(afterCleanStop: false)
        let left = Set(try fixture.fileSystem.list(LogFixture.folder).map(\.name))
        #expect(left.intersection(names) == ["notes.txt", "00000000000000000009.txnindex"])
    }

    @Test func `a mark of a clean stop that does not fit the files is not believed`() throws {
        let fixture = try LogFixture()
        let log = try fixture.open().log
        try LogFixture.fill(log, batches: 3)
        try log.close()
        let path = LogFixture.path("00000000000000000000.log")
        let size = try #require(fixture.fileSystem.contents(path)).count
        fixture.fileSystem.damage(path, at: size, with: [1, 2, 3])
        let (reopened, report) = try fixture.open()
        #expect(!report.wasClean)
        #expect(report.cutBytes == ByteCount(3))
        #expect(reopened.leaderEpoch == LeaderEpoch(1))
    }
}
