import BrokerModel
import CommitLog
import Foundation
import HeadwaterTesting
import RecordFormat
import Testing

/// Folders that a real Kafka broker left behind, copied onto a simulated disk.
@Suite struct KafkaSegmentTests {
    struct ExpectedRecord: Equatable {
        let offset: Int64
        let timestamp: Int64
        let value: String?
    }

    static let folder = "/kafka-0"
    /// `HEADWATER_SHARED`, or the folder `shared` beside the repository.
    static let segments: String = {
        let repository = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let shared = ProcessInfo.processInfo.environment["HEADWATER_SHARED"]
        return (shared ?? "/\(repository)/../shared") + "/kafka-segments"
    }()
    static let isThere = FileManager.default.fileExists(atPath: segments + "/expected.ndjson")
    static let names: [String] =
        isThere
        ? ["kcat-none", "kcat-zstd", "seg-none", "seg-zstd", "seg-recompress", "seg-many"] : []

    @Test(
        .enabled(if: isThere, "the folders written by Kafka are not on this machine"),
        arguments: names,
        [true, false]
    )
    func `every record that Kafka stored is read`(name: String, afterCleanStop: Bool) throws {
        let (log, report) = try Self.open(name, afterCleanStop: afterCleanStop)
        #expect(report.wasClean == afterCleanStop)
        #expect(report.cutBytes == .zero)
        #expect(log.leaderEpoch == (afterCleanStop ? .zero : LeaderEpoch(1)))
        let expected = try expectedRecords(of: name)
        #expect(try records(in: log) == expected)
        for record in expected {
            let found = try log.reader.offset(
                forTimestamp: Timestamp(milliseconds: record.timestamp)
            )
            #expect(found?.timestamp.rawValue == record.timestamp)
        }
    }

    @Test(
        .enabled(if: isThere, "the folders written by Kafka are not on this machine"),
        arguments: isThere
            ? [
                "kcat-gzip", "kcat-lz4", "kcat-snappy", "seg-gzip", "seg-append-time",
                "seg-compact", "seg-compact-txn", "seg-deleted-records", "seg-txn",
                "seg-txn-side", "seg-compact-tombstones-gone",
            ] : []
    )
    func `every batch that Kafka stored is read`(name: String) throws {
        let (log, report) = try Self.open(name, afterCleanStop: true)
        #expect(report.wasClean)
        var next = log.reader.logStartOffset
        for base in try LogFixture.read(log.reader) {
            #expect(base >= next)
            next = base
        }
    }

    @Test(.enabled(if: isThere, "the folders written by Kafka are not on this machine"))
    func `a log that Kafka began goes on in our hands`() throws {
        let log = try Self.open("seg-zstd", afterCleanStop: true).log
        #expect(log.logEndOffset == Offset(50))
        let range = try LogFixture.append(to: log, records: 2)
        try log.sync()
        #expect(range.baseOffset == Offset(50))
        #expect(try LogFixture.read(log.reader, from: Offset(50)) == [Offset(50)])
    }

    // MARK: Copies

    static func open(
        _ name: String,
        afterCleanStop: Bool
    ) throws -> (log: PartitionLog, report: RecoveryReport) {
        let simulated = SimulatedFileSystem()
        try simulated.createDirectory(Self.folder)
        let source = "\(Self.segments)/\(name)-0"
        for file in try FileManager.default.contentsOfDirectory(atPath: source) {
            let data = try Data(contentsOf: URL(filePath: source + "/" + file))
            let copy = try simulated.open(Self.folder + "/" + file, .create)
            try data.withUnsafeBytes { try copy.write($0, at: .zero) }
        }
        return try PartitionLog.open(
            folder: Self.folder,
            afterCleanStop: afterCleanStop,
            fileSystem: simulated,
            settings: LogSettings()
        )
    }

    private func records(in log: PartitionLog) throws -> [ExpectedRecord] {
        var found: [ExpectedRecord] = []
        var decompressor = RecordDecompressor()
        var next = log.reader.logStartOffset
        while next < log.highWatermark {
            var output = ByteWriter()
            next = try log.reader.read(
                from: next,
                maxBytes: .kibibytes(1),
                minOneBatch: true,
                into: &output
            ).nextOffset
            var rest = output.bytes
            while let batch = try RecordBatchView.first(in: rest) {
                try batch.check(from: .log)
                var cursor = try batch.records(decompressor: &decompressor, limit: .mebibytes(1))
                while let record = try cursor.next() {
                    found.append(
                        ExpectedRecord(
                            offset: record.offset.rawValue,
                            timestamp: record.timestamp.rawValue,
                            value: record.value.map(Self.hex)
                        )
                    )
                }
                rest = UnsafeRawBufferPointer(rebasing: rest[batch.sizeInBytes.rawValue...])
            }
        }
        return found
    }

    private func expectedRecords(of topic: String) throws -> [ExpectedRecord] {
        let path = Self.segments + "/expected.ndjson"
        return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            .compactMap { line in
                let json = try JSONSerialization.jsonObject(with: Data(line.utf8))
                guard let fields = json as? [String: Any], fields["topic"] as? String == topic,
                    let offset = fields["offset"] as? Int64,
                    let timestamp = fields["timestamp"] as? Int64
                else { return nil }
                return ExpectedRecord(
                    offset: offset,
                    timestamp: timestamp,
                    value: fields["value"] as? String
                )
            }
    }

    private static func hex(_ bytes: UnsafeRawBufferPointer) -> String {
        bytes.map { byte in
            let digits = String(byte, radix: 16)
            return digits.utf8.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
