import BrokerModel
import CommitLog
import HeadwaterTesting
import RecordFormat

/// One partition on a simulated disk, with the small steps that its tests take.
struct LogFixture {
    static let folder = "/t-0"
    static let start = Timestamp(milliseconds: 1_800_000_000_000)

    var fileSystem = SimulatedFileSystem()
    var settings = LogSettings()

    init(segmentBytes: Int = 1 << 20, indexInterval: Int = 256) throws {
        settings.segmentBytes = ByteCount(segmentBytes)
        settings.indexInterval = ByteCount(indexInterval)
        try PartitionLog.create(
            folder: Self.folder,
            topicID: UUIDBytes(high: 1, low: 2),
            fileSystem: fileSystem
        )
        try fileSystem.syncDirectory("/")
    }

    func open(
        afterCleanStop: Bool = true,
        producers: ProducerLimit = ProducerLimit()
    ) throws -> (log: PartitionLog, report: RecoveryReport) {
        try PartitionLog.open(
            folder: Self.folder,
            afterCleanStop: afterCleanStop,
            fileSystem: fileSystem,
            settings: settings,
            producerLimit: producers
        )
    }

    static func path(_ name: String) -> String { folder + "/" + name }

    /// A batch whose records' timestamps ascend by a millisecond from `time`, `start` being 0.
    static func batch(records: Int = 1, time: Int64 = 0, valueBytes: Int = 100) throws -> ByteWriter
    {
        var builder = RecordBatchBuilder()
        let value = [UInt8](repeating: 0x61, count: valueBytes)
        for index in 0..<Int64(records) {
            let timestamp = Timestamp(milliseconds: start.rawValue + time + index)
            try value.withUnsafeBytes {
                try builder.append(timestamp: timestamp, key: nil, value: $0)
            }
        }
        var output = ByteWriter()
        builder.sealUncompressed(into: &output)
        return output
    }

    /// Appends one batch, without a sync.
    @discardableResult
    static func append(
        to log: PartitionLog,
        records: Int = 1,
        time: Int64 = 0,
        now: Timestamp = start
    ) throws -> PartitionLog.AppendedRange {
        let batch = try batch(records: records, time: time)
        return try log.append(batch.mutableBytes, now: now)
    }

    /// Appends batches of one record, ten milliseconds apart, and syncs.
    @discardableResult
    static func fill(_ log: PartitionLog, batches: Int, records: Int = 1) throws -> Offset {
        for index in 0..<Int64(batches) {
            try append(to: log, records: records, time: 10 * index)
        }
        try log.sync()
        return log.highWatermark
    }

    /// The base offset and the size of each batch from `offset` to the high watermark.
    static func read(_ reader: PartitionReader, from offset: Offset = .zero) throws -> [Offset] {
        var found: [Offset] = []
        var next = offset
        while next < reader.highWatermark {
            var output = ByteWriter()
            let result = try reader.read(
                from: next,
                maxBytes: ByteCount(1_000),
                minOneBatch: true,
                into: &output
            )
            var rest = output.bytes
            while let batch = try RecordBatchView.first(in: rest) {
                try batch.check(from: .log)
                found.append(batch.baseOffset)
                rest = UnsafeRawBufferPointer(rebasing: rest[batch.sizeInBytes.rawValue...])
            }
            guard result.nextOffset > next else { break }
            next = result.nextOffset
        }
        return found
    }
}
