import BrokerModel
import CommitLog
import HeadwaterTesting
import Testing

/// Logs that show records before they are synced.
@Suite struct ReservedOffsetsTests {
    @Test func `what is shown is visible without a sync of the data`() throws {
        let fixture = try LogFixture()
        let log = try fixture.open().log
        try LogFixture.append(to: log, records: 3)
        try log.show()
        #expect(log.highWatermark == Offset(3))
        #expect(log.unsyncedBytes > .zero)
        let syncs = fixture.fileSystem.counters.syncs.count
        try LogFixture.append(to: log, records: 3)
        try log.show()
        #expect(fixture.fileSystem.counters.syncs.count == syncs)
        #expect(try LogFixture.read(log.reader) == [.zero, Offset(3)])
    }

    @Test func `an unclean start skips every offset that may have been shown`() throws {
        let fixture = try LogFixture()
        let log = try fixture.open().log
        try LogFixture.append(to: log, records: 3)
        try log.sync()
        try LogFixture.append(to: log, records: 4)
        try log.show()
        for seed in 0..<20 as Range<UInt64> {
            var after = fixture
            after.fileSystem = fixture.fileSystem.survivors(seed: seed)
            let (reopened, report) = try after.open(afterCleanStop: false)
            let gap = try #require(report.gap)
            #expect(gap.first == Offset(3) || gap.first == Offset(7), "seed \(seed)")
            #expect(gap.last + 1 == reopened.logEndOffset)
            #expect(reopened.unrecordedGaps == [gap])
            #expect(reopened.leaderEpoch == LeaderEpoch(1))
            // Nothing comes behind the gap yet: its reader is brought to the end all the same.
            #expect(try LogFixture.read(reopened.reader, from: gap.first) == [gap.first])
            #expect(try LogFixture.read(reopened.reader, from: gap.last) == [gap.last])
            let next = try LogFixture.append(to: reopened)
            #expect(next.baseOffset > Offset(7))
            try reopened.show()
            // A reader in the gap goes on behind it.
            #expect(try LogFixture.read(reopened.reader, from: Offset(7)) == [next.baseOffset])
            try reopened.gapsAreRecorded()
            #expect(reopened.unrecordedGaps.isEmpty)
        }
    }

    @Test func `a clean stop leaves no gap, nor does the unclean one of an idle run after it`()
        throws
    {
        let fixture = try LogFixture()
        let log = try fixture.open().log
        try LogFixture.append(to: log, records: 3)
        try log.show()
        try log.close()
        #expect(try fixture.open().log.logEndOffset == Offset(3))
        let (reopened, report) = try fixture.open(afterCleanStop: false)
        #expect(report.gap == nil)
        #expect(reopened.logEndOffset == Offset(3))
    }

    @Test func `a gap that was not recorded is still known at the next start, and not twice`()
        throws
    {
        let fixture = try LogFixture()
        let log = try fixture.open().log
        try LogFixture.append(to: log)
        try log.show()
        let first = try fixture.open(afterCleanStop: false)
        let second = try fixture.open(afterCleanStop: false)
        #expect(second.report.gap == nil)
        #expect(second.log.unrecordedGaps == first.log.unrecordedGaps)
        #expect(second.log.logEndOffset == first.log.logEndOffset)
    }

    @Test func `marks that cannot be read make an unclean start skip all that could have been`()
        throws
    {
        let fixture = try LogFixture()
        let log = try fixture.open().log
        try LogFixture.append(to: log)
        try log.show()
        fixture.fileSystem.damage(LogFixture.path("offset-marks"), at: 0, with: [0xff])
        let reopened = try fixture.open(afterCleanStop: false).log
        #expect(reopened.logEndOffset == Offset(Int64(Int32.max)))
    }
}
