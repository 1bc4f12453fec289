import BrokerModel
import Foundation
import RecordFormat
import Testing

/// Segments that Apache Kafka 4.3 stored, beside what librdkafka read from them. They lie outside
/// the repository: in `$HEADWATER_SHARED` or `../shared`.
@Suite struct KafkaSegmentsTests {
    static let folder: URL? = {
        let environment = ProcessInfo.processInfo.environment["HEADWATER_SHARED"]
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let shared = environment.map { URL(filePath: $0) } ?? root.appending(path: "../shared")
        let folder = shared.appending(path: "kafka-segments").standardizedFileURL
        return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
    }()

    private static let readable = [
        "seg-none", "seg-zstd", "seg-recompress", "seg-many", "seg-deleted-records",
        "seg-append-time-none", "kcat-none", "kcat-zstd", "seg-gzip", "seg-snappy", "seg-lz4",
        "seg-append-time", "kcat-gzip", "kcat-snappy", "kcat-lz4",
    ]

    @Test(.enabled(if: folder != nil, "no ../shared/kafka-segments here"), arguments: readable)
    func `records that Kafka stored read as librdkafka read them`(topic: String) throws {
        let folder = try #require(Self.folder)
        let expected = try Self.expected(topic: topic, in: folder)
        var found: [Line] = []
        var decompressor = RecordDecompressor()
        try forEachBatch(in: folder.appending(path: topic + "-0")) { batch in
            try batch.check(from: .log)
            var cursor = try batch.records(decompressor: &decompressor, limit: .mebibytes(1))
            while let record = try cursor.next() {
                found.append(Line(record, topic: topic, timestampType: batch.timestampType))
            }
        }
        // A log may still hold what DeleteRecords put below its start.
        let start = try #require(expected.first?.offset)
        let served = found.filter { $0.offset >= start }
        #expect(served.count == expected.count)
        for (mine, theirs) in zip(served, expected) { #expect(mine == theirs) }
    }

    @Test(.enabled(if: folder != nil, "no ../shared/kafka-segments here"))
    func `every batch that Kafka stored passes its check, and says who wrote it`() throws {
        let folder = try #require(Self.folder)
        var batches = 0
        var (control, transactional, valid) = (0, 0, 0)
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path)
        where name.contains("-") && !name.contains("checkpoint") {
            var decompressor = RecordDecompressor()
            var validator = RecordBatchValidator()
            try forEachBatch(in: folder.appending(path: name)) { batch in
                try batch.check(from: .log)
                batches += 1
                control += batch.isControl ? 1 : 0
                transactional += batch.isTransactional ? 1 : 0
                var cursor = try batch.records(decompressor: &decompressor, limit: .mebibytes(1))
                var count = 0
                while try cursor.next() != nil { count += 1 }
                #expect(count == Int(batch.recordCount))
                valid += try Self.isFromProducer(batch, &validator) ? 1 : 0
            }
        }
        #expect(batches > 250 && control > 0 && transactional > control && valid > 100)
    }

    /// False for what only a broker writes: markers, compacted batches, its own append time.
    private static func isFromProducer(
        _ batch: RecordBatchView,
        _ validator: inout RecordBatchValidator
    ) throws -> Bool {
        var rules = ValidationRules()
        rules.allowsTransactions = true
        do {
            try validator.validate(batch, rules: rules)
            return true
        } catch .attributeNotAllowed, .countsDisagree {
            return false
        }
    }

    private func forEachBatch(in folder: URL, _ body: (RecordBatchView) throws -> Void) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        for name in names where name.hasSuffix(".log") {
            let data = [UInt8](try Data(contentsOf: folder.appending(path: name)))
            try data.withUnsafeBytes { bytes in
                var rest = bytes
                while let batch = try RecordBatchView.first(in: rest) {
                    try body(batch)
                    rest = UnsafeRawBufferPointer(rebasing: rest[batch.sizeInBytes.rawValue...])
                }
                #expect(rest.isEmpty, "\(name) ends inside a batch")
            }
        }
    }

    private static func expected(topic: String, in folder: URL) throws -> [Line] {
        let text = try String(
            contentsOf: folder.appending(path: "expected.ndjson"),
            encoding: .utf8
        )
        return try text.split(separator: "\n")
            .map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
            .filter { $0.topic == topic }
    }
}

/// A line of `expected.ndjson`, bytes in hexadecimal.
private struct Line: Decodable, Equatable {
    var topic: String
    var offset: Int64
    var timestamp: Int64
    var timestampKind: String
    var key: String?
    var value: String?
    var headers: [[String?]]

    private enum CodingKeys: String, CodingKey {
        case topic, offset, timestamp, key, value, headers
        case timestampKind = "timestamp_type"
    }

    init(_ view: RecordView, topic: String, timestampType: TimestampType) {
        let record = TestRecord(view)
        self.topic = topic
        offset = view.offset.rawValue
        timestamp = view.timestamp.rawValue
        timestampKind = timestampType == .createTime ? "create" : "append"
        key = record.key.map { hex($0) }
        value = record.value.map { hex($0) }
        headers = record.headers.map { header in
            [String(decoding: header.name, as: UTF8.self), header.value.map { hex($0) }]
        }
    }
}
