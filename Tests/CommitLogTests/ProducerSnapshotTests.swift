import BrokerModel
import CommitLog
import Foundation
import HeadwaterTesting
import Testing

/// What a log knows of producers after a start.
@Suite struct ProducerSnapshotTests {
    @Test(
        .enabled(if: KafkaSegmentTests.isThere, "the folders written by Kafka are not here")
    )
    func `Kafka's own snapshots are read, and written again byte by byte`() throws {
        let root = URL(filePath: KafkaSegmentTests.segments)
        let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
        var withProducers = 0
        var count = 0
        while let file = files?.nextObject() as? URL {
            guard file.pathExtension == "snapshot" else { continue }
            let bytes = [UInt8](try Data(contentsOf: file))
            let snapshot = try #require(bytes.withUnsafeBytes { ProducerSnapshot($0) })
            var output = ByteWriter()
            snapshot.write(to: &output)
            #expect([UInt8](output.bytes) == bytes, "\(file.path)")
            count += 1
            if !snapshot.entries.isEmpty { withProducers += 1 }
        }
        #expect(count > 30 && withProducers >= 6)
    }

    @Test(
        .enabled(if: KafkaSegmentTests.isThere, "the folders written by Kafka are not here"),
        arguments: [true, false]
    )
    func `the producers of a folder that Kafka wrote are known`(afterCleanStop: Bool) throws {
        let log = try KafkaSegmentTests.open("seg-txn-side", afterCleanStop: afterCleanStop).log
        let shown = try #require(log.reader.producers.only)
        #expect(shown.producerID == 3 && shown.epoch == 0 && shown.lastSequence == 11)
        #expect(shown.transactionStart == Offset(-1))
    }

    @Test(arguments: [true, false], [1_000, 1 << 20])
    func `the last five batches are known after a start, however the log ended`(
        clean: Bool,
        segmentBytes: Int
    ) throws {
        var fixture = try LogFixture(segmentBytes: segmentBytes)
        let log = try fixture.open().log
        for sequence in 0..<40 as Range<Int32> {
            try log.send([
                SentBatch(sequence: sequence), SentBatch(id: 8, epoch: 3, sequence: sequence),
            ])
            try log.sync()
        }
        if clean { try log.close() }
        fixture.fileSystem = fixture.fileSystem.survivors(seed: 3)
        let (reopened, report) = try fixture.open(afterCleanStop: clean)
        #expect(report.wasClean == clean && !report.producersLost)
        for sequence in 35..<40 as Range<Int32> {
            #expect(try reopened.send(sequence) == .duplicate(Int64(2 * sequence)))
            #expect(
                try reopened.send(sequence, id: 8, epoch: 3) == .duplicate(Int64(2 * sequence + 1))
            )
        }
        #expect(try reopened.send(34) == .outOfOrder(34, after: 39))
        #expect(try reopened.send(40) == .appended(80))
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `a roll in the middle of an append saves what lies before it, and no more`(
        seed: UInt64
    ) throws {
        var fixture = try LogFixture(segmentBytes: 1_000)
        let log = try fixture.open().log
        try log.send((0..<12).map { SentBatch(sequence: $0) })
        try #require(try fixture.snapshots().count > 0)
        fixture.fileSystem = fixture.fileSystem.survivors(seed: seed)
        let reopened = try fixture.open(afterCleanStop: false).log
        let end = reopened.logEndOffset.rawValue
        try #require(end > 5)  // What was rolled is there.
        #expect(try reopened.send(Int32(end) - 5) == .duplicate(end - 5))
        #expect(try reopened.send(Int32(end) - 1) == .duplicate(end - 1))
        #expect(try reopened.send(Int32(end)) == .appended(end))
    }

    @Test func `a log without producers writes no snapshot`() throws {
        let fixture = try LogFixture(segmentBytes: 1_000)
        let log = try fixture.open().log
        try LogFixture.fill(log, batches: 30)
        try log.close()
        #expect(try fixture.snapshots().isEmpty)
    }

    @Test func `a snapshot is written only when a producer sent something since`() throws {
        let fixture = try LogFixture(segmentBytes: 1_000)
        let log = try fixture.open().log
        try log.send(0)
        try LogFixture.fill(log, batches: 30)
        #expect(try fixture.snapshots().count == 1)
        try log.close()
        #expect(try fixture.snapshots().count == 1)
        let reopened = try fixture.open().log
        #expect(try reopened.send(0) == .duplicate(0))
        try reopened.close()
        #expect(try fixture.snapshots().count == 1)
        let last = try fixture.open(afterCleanStop: false).log
        #expect(try last.send(0) == .duplicate(0))
        #expect(try last.send(1) == .appended(31))
    }

    @Test func `an older snapshot does not bring back what was forgotten`() throws {
        let fixture = try LogFixture(segmentBytes: 1_000)
        let log = try fixture.open().log
        try log.send(0)
        try LogFixture.fill(log, batches: 10)
        try log.send(1)
        let start = MonotonicTime(nanoseconds: 0)
        log.expireProducers(after: .seconds(1), now: start)
        log.expireProducers(after: .seconds(1), now: start + .seconds(1))
        try LogFixture.fill(log, batches: 10)
        let reopened = try fixture.open(afterCleanStop: false).log
        #expect(reopened.reader.producers.isEmpty)
        #expect(try reopened.send(2) == .appended(22))
    }

    @Test(arguments: [true, false])
    func `a damaged snapshot stops no start, and its producers go on`(clean: Bool) throws {
        let fixture = try LogFixture(segmentBytes: 1_000)
        let log = try fixture.open().log
        try log.send(0)
        try log.send(0, id: 8)
        try LogFixture.fill(log, batches: 12)
        try log.send(1)
        try log.sync()
        if clean { try log.close() }
        for name in try fixture.snapshots() {
            fixture.fileSystem.damage(LogFixture.path(name), at: 20, with: [0x55])
        }
        let (reopened, report) = try fixture.open(afterCleanStop: clean)
        #expect(report.producersLost && !report.wasClean)
        #expect(try fixture.snapshots().isEmpty)
        // In the active segment, and so known.
        #expect(try reopened.send(1) == .duplicate(14))
        // Not known, and so taken for a new one.
        #expect(try reopened.send(1, id: 8) == .appended(15))
    }

    @Test func `retention takes the snapshots of its segments, but never the newest`() throws {
        let fixture = try LogFixture(segmentBytes: 1_000)
        let log = try fixture.open().log
        for sequence in 0..<40 as Range<Int32> {
            try log.send(sequence)
            try log.sync()
        }
        let before = try fixture.snapshots()
        let policy = RetentionPolicy(time: nil, bytes: ByteCount(1_500))
        let deleted = try log.deleteOldSegments(policy, now: LogFixture.start, limit: 100)
        let after = try fixture.snapshots()
        #expect(deleted.files.count { $0.hasSuffix(".snapshot.deleted") } > 0)
        #expect(after.count < before.count && after.last == before.last)
        let reopened = try fixture.open(afterCleanStop: false).log
        #expect(try reopened.send(39) == .duplicate(39))
        #expect(try reopened.send(35) == .duplicate(35))
    }

    @Test func `records deleted past a clean stop take no snapshot along that is needed`() throws {
        let fixture = try LogFixture(segmentBytes: 1_000)
        var log = try fixture.open().log
        try log.send(0, id: 8)
        try LogFixture.fill(log, batches: 12)  // What is known of it is in a snapshot now.
        try log.send(0)
        try log.close()
        log = try fixture.open().log
        try log.send(1)
        try log.sync()
        #expect(try fixture.snapshots().count == 2)
        _ = try log.deleteRecords(before: log.highWatermark)
        let reopened = try fixture.open(afterCleanStop: false).log
        #expect(try reopened.send(0, id: 8) == .duplicate(0))
        #expect(try reopened.send(1) == .duplicate(14))
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `producers are known after starts that skip offsets`(seed: UInt64) throws {
        var fixture = try LogFixture()
        let log = try fixture.open().log
        try log.send(0)
        try log.show()
        try log.sync()
        try log.send(1)
        try log.show()
        fixture.fileSystem = fixture.fileSystem.survivors(seed: seed)
        let (reopened, report) = try fixture.open(afterCleanStop: false)
        let gap = try #require(report.gap)
        let last = Int32(gap.first.rawValue) - 1  // The second may have survived.
        #expect(try reopened.send(0) == .duplicate(0))
        #expect(try reopened.send(last + 2) == .outOfOrder(last + 2, after: last))
        fixture.fileSystem = fixture.fileSystem.survivors(seed: seed + 1)
        let again = try fixture.open(afterCleanStop: false).log
        #expect(try again.send(last) == .duplicate(Int64(last)))
    }

    @Test func `random bytes are no snapshot, and nothing traps`() {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<2_000 {
            var bytes = (0..<generator.below(200)).map { _ in UInt8(generator.below(256)) }
            if bytes.count > 2 { bytes.replaceSubrange(0..<2, with: [0, 1]) }
            #expect(bytes.withUnsafeBytes { ProducerSnapshot($0) } == nil)
        }
    }
}

extension Array {
    fileprivate var only: Element? { count == 1 ? self[0] : nil }
}
