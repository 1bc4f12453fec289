import BrokerModel
import CommitLog
import HeadwaterTesting
import Testing

@Suite struct RetentionTests {
    private static let later = Timestamp(milliseconds: LogFixture.start.rawValue + 60_000)

    /// Four segments or more, the records ten milliseconds apart.
    private func filled() throws -> (fixture: LogFixture, log: PartitionLog) {
        let fixture = try LogFixture(segmentBytes: 1_000)
        let log = try fixture.open().log
        try LogFixture.fill(log, batches: 20)
        return (fixture, log)
    }

    private func byAge(_ milliseconds: Int64) -> RetentionPolicy {
        RetentionPolicy(time: .milliseconds(milliseconds), bytes: nil)
    }

    private func names(_ fixture: LogFixture, _ suffix: String) throws -> [String] {
        try fixture.fileSystem.list(LogFixture.folder).map(\.name).filter { $0.hasSuffix(suffix) }
            .sorted()
    }

    @Test func `old segments leave the log, and their files wait under another name`() throws {
        let (fixture, log) = try filled()
        let bases = try names(fixture, ".log").compactMap { Int64($0.dropLast(4)) }
        let deleted = try log.deleteOldSegments(
            RetentionPolicy(time: nil, bytes: ByteCount(1_500)),
            now: Self.later,
            limit: 100
        )
        #expect(deleted.oversize == 2 && deleted.expired == 0 && deleted.isDone)
        #expect(deleted.files.count == 6)
        #expect(try names(fixture, ".deleted").count == 6)
        #expect(log.reader.logStartOffset == Offset(bases[2]))
        #expect(log.reader.earliest.offset == Offset(bases[2]))
        let error = #expect(throws: CommitLogError.self) {
            _ = try LogFixture.read(log.reader, from: .zero)
        }
        #expect(
            error
                == .offsetOutOfRange(
                    .zero,
                    logStartOffset: Offset(bases[2]),
                    highWatermark: Offset(20)
                )
        )
    }

    @Test func `a log whose records are all old goes on empty, at the next offset`() throws {
        let (fixture, log) = try filled()
        let deleted = try log.deleteOldSegments(byAge(1_000), now: Self.later, limit: 100)
        #expect(deleted.expired == 4 && deleted.isDone)
        #expect(log.reader.logStartOffset == Offset(20) && log.highWatermark == Offset(20))
        #expect(try names(fixture, ".log") == ["00000000000000000020.log"])
        let next = try LogFixture.append(to: log)
        #expect(next.baseOffset == Offset(20))
        #expect(try log.deleteOldSegments(byAge(1), now: LogFixture.start, limit: 9).expired == 0)
    }

    @Test func `its owner has whole segments deleted, and never what is not synced`() throws {
        let (fixture, log) = try filled()
        let bases = try names(fixture, ".log").compactMap { Int64($0.dropLast(4)) }
        #expect(try log.deleteSegments(before: Offset(bases[1] - 1)).isEmpty)
        #expect(try log.deleteSegments(before: Offset(bases[2] + 1)).count == 6)
        #expect(log.reader.logStartOffset == Offset(bases[2]))
        #expect(try log.deleteSegments(before: Offset(bases[2] + 1)).isEmpty)
        _ = try log.deleteSegments(before: Offset(1_000))
        #expect(try names(fixture, ".log").count == 1, "the active one stays")
        let reopened = try fixture.open(afterCleanStop: false).log
        #expect(reopened.reader.logStartOffset == log.reader.logStartOffset)
    }

    @Test func `a step takes no more than it was allowed, and the next goes on`() throws {
        let (_, log) = try filled()
        let first = try log.deleteOldSegments(byAge(1_000), now: Self.later, limit: 1)
        #expect(first.expired == 1 && !first.isDone)
        let rest = try log.deleteOldSegments(byAge(1_000), now: Self.later, limit: 100)
        #expect(rest.expired == 3 && rest.isDone)
    }

    @Test func `the start stays where it was after a crash that brings the files back`() throws {
        let (fixture, log) = try filled()
        // Nothing of what the directory is told after the marks is durable.
        _ = try log.deleteOldSegments(byAge(1_000), now: Self.later, limit: 2)
        let start = log.reader.logStartOffset
        for seed in 0..<20 as Range<UInt64> {
            var after = fixture
            after.fileSystem = fixture.fileSystem.survivors(seed: seed)
            let reopened = try after.open(afterCleanStop: false).log
            #expect(reopened.reader.logStartOffset == start, "seed \(seed)")
            #expect(try LogFixture.read(reopened.reader, from: start).first == start)
        }
    }

    @Test func `a time index that lies deletes nothing, and keeps nothing for ever`() throws {
        let (fixture, log) = try filled()
        try log.close()
        let index = LogFixture.path("00000000000000000000.timeindex")
        let size = try #require(fixture.fileSystem.contents(index)).count
        for value in [0x00, 0x7f] as [UInt8] {
            fixture.fileSystem.damage(index, at: size - 12, with: [value])
            let policy = byAge(30_000)
            let young = Timestamp(milliseconds: LogFixture.start.rawValue + 20_000)
            let first = try fixture.open().log.deleteOldSegments(policy, now: young, limit: 100)
            #expect(first.expired == 0)
        }
        let later = try fixture.open().log.deleteOldSegments(
            byAge(30_000),
            now: Self.later,
            limit: 100
        )
        #expect(later.expired == 4)
    }

    @Test func `an abandoned log has every offset out of range`() throws {
        let (_, log) = try filled()
        log.abandon()
        #expect(throws: CommitLogError.closed) { _ = try LogFixture.append(to: log) }
        #expect(throws: CommitLogError.self) { _ = try LogFixture.read(log.reader, from: .zero) }
        #expect(try log.reader.offset(forTimestamp: LogFixture.start) == nil)
    }
}
