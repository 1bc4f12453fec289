import BrokerModel
import CommitLog
import Foundation
import HeadwaterTesting
import RecordFormat
import Testing

/// Our cleaner on logs that Kafka's has cleaned: it must see what Kafka's sees.
@Suite struct KafkaCleaningTests {
    private static let isThere = KafkaSegmentTests.isThere
    private static let absent: Comment = "the folders written by Kafka are not on this machine"

    private func open(_ name: String) throws -> PartitionLog {
        let simulated = SimulatedFileSystem()
        try simulated.createDirectory("/k-0")
        let source = "\(KafkaSegmentTests.segments)/\(name)-0"
        for file in try FileManager.default.contentsOfDirectory(atPath: source) {
            let data = try Data(contentsOf: URL(filePath: source + "/" + file))
            let copy = try simulated.open("/k-0/" + file, .create)
            try data.withUnsafeBytes { try copy.write($0, at: .zero) }
        }
        return try PartitionLog.open(
            folder: "/k-0",
            afterCleanStop: true,
            fileSystem: simulated,
            settings: LogSettings()
        ).log
    }

    private func clean(_ log: PartitionLog, at time: Int64) throws -> CleaningResult {
        var settings = TopicSettings()
        settings.cleanup = .compact
        let now = Timestamp(milliseconds: time)
        let found = try #require(try log.cleanable(settings.compaction, now: now, limit: 100))
        let plan = log.planCleaning(of: found, settings, now: now)
        var cleaning = LogCleaning(plan, memory: .mebibytes(1))
        try cleaning.run(CleaningFixture.Host(log))
        return cleaning.result
    }

    @Test(
        .enabled(if: isThere, absent),
        arguments: isThere ? ["seg-compact", "seg-compact-tombstones-gone", "seg-compact-txn"] : []
    )
    func `what Kafka has cleaned is clean`(name: String) throws {
        let log = try open(name)
        let before = try CleaningFixture.records(in: log.reader)
        let result = try clean(log, at: 1_795_234_703_000)
        #expect(result.recordsRemoved == 0 && result.segmentsReplaced == 0)
        #expect(try CleaningFixture.records(in: log.reader) == before)
    }

    @Test(.enabled(if: isThere, absent))
    func `a tombstone of Kafka's goes at the horizon that Kafka gave it`() throws {
        let log = try open("seg-compact")
        let before = try CleaningFixture.records(in: log.reader)
        let horizon: Int64 = 1_795_321_103_567
        #expect(try clean(log, at: horizon - 1).recordsRemoved == 0)
        #expect(try clean(log, at: horizon).recordsRemoved > 0)
        let after = try CleaningFixture.records(in: log.reader)
        let gone = before.filter { !after.contains($0) }
        #expect(gone.allSatisfy { $0.value == nil } && gone.contains { $0.offset == 91 })
    }

    @Test(.enabled(if: isThere, absent))
    func `a batch gets its horizon, and an empty one its form, byte by byte as Kafka's`() throws {
        let log = try open("seg-compact")
        try CleaningFixture.batches(in: log.reader) { batch in
            guard batch.hasDeleteHorizon else { return }
            let plain = try Self.withoutHorizon(batch)
            let view = try #require(try RecordBatchView.first(in: plain.bytes))
            var filter = RecordBatchFilter()
            var all = Everything()
            var output = ByteWriter()
            let made = try filter.filter(
                view,
                by: &all,
                deleteHorizon: batch.baseTimestamp,
                levels: .init(),
                limit: .mebibytes(1),
                into: &output
            )
            #expect(made.outcome == .rewritten && output.bytes.elementsEqual(batch.bytes))
        }
        let transactions = try open("seg-compact-txn")
        var empty = 0
        try CleaningFixture.batches(in: transactions.reader) { batch in
            guard batch.recordCount == 0 else { return }
            empty += 1
            var output = ByteWriter()
            RecordBatchFilter.writeEmpty(batch, into: &output)
            #expect(output.bytes.elementsEqual(batch.bytes))
        }
        #expect(empty == 1)
    }

    private struct Everything: RecordFilter {
        mutating func keeps(_ record: RecordView, of batch: RecordBatchView) -> Bool { true }
    }

    /// The batch as it was before Kafka's cleaner met its tombstones.
    private static func withoutHorizon(_ batch: RecordBatchView) throws -> ByteWriter {
        var decompressor = RecordDecompressor()
        var cursor = try batch.records(decompressor: &decompressor, limit: .mebibytes(1))
        var builder = RecordBatchBuilder()
        while let record = try cursor.next() {
            var headers = record.headers
            let count = headers.count
            var bytes = ByteWriter()
            while let header = headers.next() {
                bytes.writeRecordHeader(name: header.name, value: header.value)
            }
            try builder.append(
                timestamp: record.timestamp,
                key: record.key,
                value: record.value,
                headerCount: count,
                headerBytes: bytes.bytes
            )
        }
        var output = ByteWriter()
        builder.sealUncompressed(into: &output)
        RecordBatchEditor.assign(
            baseOffset: batch.baseOffset,
            leaderEpoch: batch.leaderEpoch,
            in: output.mutableBytes
        )
        return output
    }
}
