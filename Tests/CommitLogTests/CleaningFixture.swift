import BrokerModel
import CommitLog
import HeadwaterTesting
import RecordFormat

/// A compacted log with small segments, and a cleaner that runs where the test stands.
struct CleaningFixture {
    struct Entry: Equatable {
        let offset: Int64
        let key: String?
        let value: String?
    }

    /// What the cleaner was told by its host.
    final class Host: CleaningHost {
        let log: PartitionLog
        var mayGoOn = true
        var bytesSpent = 0
        var replaced: [String] = []
        /// Asked before a segment is put in its place.
        var allows: () -> Bool = { true }

        init(_ log: PartitionLog) { self.log = log }

        func spent(_ bytes: ByteCount) { bytesSpent += bytes.rawValue }

        func replace(_ cleaned: CleanedSegment) -> Bool {
            guard allows(), let files = try? log.replace(cleaned) else { return false }
            replaced += files
            return true
        }
    }

    static let later = Timestamp(milliseconds: LogFixture.start.rawValue + 1_000_000)

    var disk: LogFixture
    var settings = TopicSettings()
    let log: PartitionLog

    init(segmentBytes: Int = 1_000) throws {
        disk = try LogFixture(segmentBytes: segmentBytes)
        settings.cleanup = .compact
        log = try disk.open().log
    }

    /// One batch of these keys and values, their times a millisecond apart; nil is a tombstone.
    static func batch(_ records: [(String?, String?)], time: Int64 = 0) throws -> ByteWriter {
        var builder = RecordBatchBuilder()
        for (index, record) in records.enumerated() {
            let timestamp = Timestamp(
                milliseconds: LogFixture.start.rawValue + time + Int64(index)
            )
            var key = ByteWriter()
            var value = ByteWriter()
            key.writeUTF8(record.0 ?? "")
            value.writeUTF8(record.1 ?? "")
            try builder.append(
                timestamp: timestamp,
                key: record.0 == nil ? nil : key.bytes,
                value: record.1 == nil ? nil : value.bytes
            )
        }
        var output = ByteWriter()
        builder.sealUncompressed(into: &output)
        return output
    }

    func append(_ records: [(String?, String?)], time: Int64 = 0) throws {
        let batch = try Self.batch(records, time: time)
        try log.append(batch.mutableBytes, now: LogFixture.start)
        try log.sync()
    }

    /// A segment's worth of one key that does not matter: what came before is sealed.
    func seal(_ key: String = "seal") throws {
        let value = String(repeating: "x", count: disk.settings.segmentBytes.rawValue - 90)
        try append([(key, value)])
    }

    func cleanable(now: Timestamp = later) throws -> CleanableLog? {
        try log.cleanable(settings.compaction, now: now, limit: 100)
    }

    @discardableResult
    func clean(
        now: Timestamp = later,
        memory: ByteCount = .mebibytes(1),
        _ prepare: (Host) -> Void = { _ in }
    ) throws -> (result: CleaningResult, host: Host) {
        guard let found = try cleanable(now: now) else { throw CleaningError.aborted }
        let host = Host(log)
        prepare(host)
        var cleaning = LogCleaning(log.planCleaning(of: found, settings, now: now), memory: memory)
        try cleaning.run(host)
        try log.noteCleaned(to: cleaning.result.end)
        return (cleaning.result, host)
    }

    /// Every record below the high watermark.
    static func records(in reader: PartitionReader) throws -> [Entry] {
        var found: [Entry] = []
        try batches(in: reader) { batch in
            var decompressor = RecordDecompressor()
            var cursor = try batch.records(decompressor: &decompressor, limit: .mebibytes(1))
            while let record = try cursor.next() {
                found.append(
                    Entry(
                        offset: record.offset.rawValue,
                        key: record.key.map { String(decoding: $0, as: UTF8.self) },
                        value: record.value.map { String(decoding: $0, as: UTF8.self) }
                    )
                )
            }
        }
        return found
    }

    static func batches(
        in reader: PartitionReader,
        _ body: (RecordBatchView) throws -> Void
    ) throws {
        var next = reader.logStartOffset
        while next < reader.highWatermark {
            var output = ByteWriter()
            next = try reader.read(
                from: next,
                maxBytes: .kibibytes(1),
                minOneBatch: true,
                into: &output
            ).nextOffset
            var rest = output.bytes
            while let batch = try RecordBatchView.first(in: rest) {
                try batch.check(from: .log)
                try body(batch)
                rest = UnsafeRawBufferPointer(rebasing: rest[batch.sizeInBytes.rawValue...])
            }
        }
    }

    func files(_ suffix: String) throws -> [String] {
        try disk.fileSystem.list(LogFixture.folder).map(\.name).filter { $0.hasSuffix(suffix) }
            .sorted()
    }
}
