import BrokerModel
import CommitLog
import KafkaWire
import Partitions
import RecordFormat

/// A producer's batch that the log may take: in the request's own bytes, or, where its topic has
/// another codec, in the check's, until the next batch is checked.
struct CheckedBatch {
    let bytes: UnsafeRawBufferPointer
    let recordCount: Int
    let stamp: TimestampStamp
    let hasProducerID: Bool
}

/// What the broker changes in a batch before it is stored.
enum TimestampStamp {
    case asSent
    /// The producer had the largest of its records' times wrong.
    case largest(Timestamp)
    /// The topic asks for the broker's time.
    case append(Timestamp)

    func apply(to batch: UnsafeMutableRawBufferPointer) {
        switch self {
        case .asSent: break
        case .largest(let time): RecordBatchEditor.setMaxTimestamp(time, in: batch)
        case .append(let time): RecordBatchEditor.setLogAppendTime(time, in: batch)
        }
    }
}

/// Decides whether one partition's records may be stored. Reused: its decompressor keeps memory.
struct ProduceCheck: ~Copyable {
    /// So much output is kept from one batch to the next.
    private static let memoryKept = 1 << 20

    private var validator = RecordBatchValidator()
    private var recompressor = RecordBatchRecompressor()
    private var recompressed = ByteWriter()
    private let decompressedBytesMax: ByteCount

    /// In all batches so far; one that is compressed anew counts for each time that it is gone
    /// over.
    var bytesDecompressed: Int { validator.bytesDecompressed &+ recompressor.bytesMade }

    init(decompressedBytesMax: ByteCount) {
        self.decompressedBytesMax = decompressedBytesMax
    }

    /// `version` is that of the Produce request: it says which codecs a producer may know.
    mutating func check(
        _ records: UnsafeRawBufferPointer?,
        for topic: TopicEntry,
        version: Int16,
        now: Timestamp
    ) throws(ProduceRefusal) -> CheckedBatch {
        let batch = try Self.onlyBatch(of: records)
        try Self.checkHeader(of: batch, for: topic.settings, version: version)
        var rules = ValidationRules()
        rules.timestampType = topic.settings.timestampType
        rules.timestamps = topic.settings.timestamps(at: now)
        rules.needsKeys = topic.settings.cleanup.contains(.compact)
        rules.decompressedBytesMax = decompressedBytesMax
        var stamp = TimestampStamp.asSent
        do throws(RecordFormatError) {
            try validator.validate(batch, rules: rules)
        } catch .maxTimestampWrong(_, let computed) {
            stamp = .largest(computed)
        } catch {
            throw ProduceRefusal(error, range: rules.timestamps)
        }
        if topic.settings.timestampType == .logAppendTime { stamp = .append(now) }
        return CheckedBatch(
            bytes: try stored(batch, for: topic.settings),
            recordCount: Int(batch.recordCount),
            stamp: stamp,
            hasProducerID: batch.producerID >= 0
        )
    }

    /// The batch as the topic stores it: with a codec of its own, if that is not the producer's
    /// already (`compression.type`).
    private mutating func stored(
        _ batch: RecordBatchView,
        for settings: TopicSettings
    ) throws(ProduceRefusal) -> UnsafeRawBufferPointer {
        guard let codec = settings.compression.type.codec, codec != batch.codec else {
            return batch.bytes
        }
        if recompressed.capacity > Self.memoryKept { recompressed.release() }
        recompressed.removeAll()
        do throws(RecordFormatError) {
            try recompressor.recompress(
                batch,
                to: codec,
                levels: settings.compression.levels,
                limit: decompressedBytesMax,
                into: &recompressed
            )
        } catch {
            throw ProduceRefusal(error, range: nil)
        }
        // As Kafka: what counts is what would be stored.
        try Self.checkSize(ByteCount(recompressed.count), settings)
        return recompressed.bytes
    }

    /// From version 3 on a partition's records are one batch of magic 2, and nothing else.
    private static func onlyBatch(
        of records: UnsafeRawBufferPointer?
    ) throws(ProduceRefusal) -> RecordBatchView {
        let found: RecordBatchView?
        do throws(RecordFormatError) {
            found = try records.flatMap { (records) throws(RecordFormatError) in
                try RecordBatchView.first(in: records)
            }
        } catch {
            throw ProduceRefusal(error, range: nil)
        }
        guard let batch = found else {
            throw ProduceRefusal(.invalidRecord, "there is no whole record batch")
        }
        guard batch.bytes.count == records?.count else {
            throw ProduceRefusal(
                .invalidRecord,
                "a Produce request brings exactly one record batch for each partition"
            )
        }
        return batch
    }

    private static func checkSize(
        _ size: ByteCount,
        _ settings: TopicSettings
    ) throws(ProduceRefusal) {
        if size > settings.messageBytesMax {
            throw ProduceRefusal(
                .messageTooLarge,
                "the batch has \(size.rawValue) bytes, and max.message.bytes is "
                    + "\(settings.messageBytesMax.rawValue)"
            )
        }
        if size > settings.log.segmentBytes {
            throw ProduceRefusal(
                .recordListTooLarge,
                "the batch has \(size.rawValue) bytes, and segment.bytes is "
                    + "\(settings.log.segmentBytes.rawValue)"
            )
        }
    }

    private static func checkHeader(
        of batch: RecordBatchView,
        for settings: TopicSettings,
        version: Int16
    ) throws(ProduceRefusal) {
        try checkSize(batch.sizeInBytes, settings)
        if version < 7, batch.codec == .zstd {
            throw ProduceRefusal(
                .unsupportedCompressionType,
                "zstd came with version 7 of Produce, and this is version \(version)"
            )
        }
        guard batch.baseOffset == .zero else {
            throw ProduceRefusal(
                .invalidRecord,
                "the base offset of a producer's batch is 0, not \(batch.baseOffset.rawValue)"
            )
        }
        guard !batch.isTransactional else {
            throw ProduceRefusal(
                .unsupportedForMessageFormat,
                "transactions are not served yet; take the producer's transactional.id away"
            )
        }
        guard batch.producerID < 0 || batch.baseSequence >= 0 else {
            throw ProduceRefusal(
                .invalidRecord,
                "a batch of producer \(batch.producerID) has the sequence \(batch.baseSequence)"
            )
        }
    }
}

extension TopicSettings {
    /// The times that a record may carry.
    fileprivate func timestamps(at now: Timestamp) -> ClosedRange<Timestamp> {
        let before = timestampBeforeMax.map { now.rawValue &- $0.wholeMilliseconds }
        let after = timestampAfterMax.map { now.rawValue &+ $0.wholeMilliseconds }
        let earliest = before ?? .min
        return Timestamp(rawValue: earliest)...Timestamp(rawValue: max(earliest, after ?? .max))
    }
}
