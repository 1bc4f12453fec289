import BrokerModel
import CommitLog
import KafkaWire
import Partitions
import RecordFormat

/// A producer's batch that the log may take, in the request's own bytes.
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
    private var validator = RecordBatchValidator()
    private let decompressedBytesMax: ByteCount

    /// In all batches so far.
    var bytesDecompressed: Int { validator.bytesDecompressed }

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
            bytes: batch.bytes,
            recordCount: Int(batch.recordCount),
            stamp: stamp,
            hasProducerID: batch.producerID >= 0
        )
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

    private static func checkHeader(
        of batch: RecordBatchView,
        for settings: TopicSettings,
        version: Int16
    ) throws(ProduceRefusal) {
        if batch.sizeInBytes > settings.messageBytesMax {
            throw ProduceRefusal(
                .messageTooLarge,
                "the batch has \(batch.bytes.count) bytes, and max.message.bytes is "
                    + "\(settings.messageBytesMax.rawValue)"
            )
        }
        if batch.sizeInBytes > settings.log.segmentBytes {
            throw ProduceRefusal(
                .recordListTooLarge,
                "the batch has \(batch.bytes.count) bytes, and segment.bytes is "
                    + "\(settings.log.segmentBytes.rawValue)"
            )
        }
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
