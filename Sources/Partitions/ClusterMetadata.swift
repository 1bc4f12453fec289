import BrokerModel
import CommitLog
import RecordFormat

/// Which topics there are, as the records of `__cluster_metadata` say.
struct ClusterMetadata {
    struct Topic {
        let name: TopicName
        let id: UUIDBytes
        var partitionCount = 0
        var overrides: [String: String] = [:]
    }

    private(set) var topics: [TopicName: Topic] = [:]
    /// Topics that were there once: a folder of theirs is what a deletion has left.
    private(set) var removed: Set<UUIDBytes> = []
    /// The first producer id that was not yet given away; nil when none ever was.
    private(set) var nextProducerID: Int64?
    private var names: [UUIDBytes: TopicName] = [:]

    init() {}

    mutating func apply(_ record: ClusterMetadataRecord) {
        switch record {
        case .topic(let text, let id):
            guard let name = TopicName(text) else { return }
            topics[name] = Topic(name: name, id: id)
            names[id] = name
        case .partition(let number, let id, _):
            guard number >= 0, let name = names[id] else { return }
            let count = topics[name]?.partitionCount ?? 0
            topics[name]?.partitionCount = max(count, Int(number) + 1)
        case .topicSetting(let text, let setting, let value):
            guard let name = TopicName(text) else { return }
            topics[name]?.overrides[setting] = value
        case .removeTopic(let id):
            removed.insert(id)
            guard let name = names.removeValue(forKey: id) else { return }
            topics[name] = nil
        case .producerIDs(_, let next): nextProducerID = max(next, nextProducerID ?? 0)
        case .other: break
        }
    }
}

/// The log in which every change of a topic is a record. One batch is one change, so that a crash
/// leaves it whole or takes it away.
final class ClusterMetadataLog {
    static let partition = TopicPartition(topic: topicName, partition: 0)
    /// The id that Kafka gives this topic everywhere.
    static let topicID = UUIDBytes(high: 0, low: 1)

    let log: PartitionLog
    private var batch = RecordBatchBuilder()
    private var bytes = ByteWriter()
    private var value = ByteWriter()

    init(_ log: PartitionLog) { self.log = log }

    /// Durable when it returns. After a failure nothing more can be changed until a restart.
    func append(
        _ records: [ClusterMetadataRecord],
        now: Timestamp
    ) throws(CommitLogError) {
        batch.removeAll()
        for record in records {
            value.removeAll()
            record.write(to: &value)
            do throws(RecordFormatError) {
                try batch.append(timestamp: now, key: nil, value: value.bytes)
            } catch {
                throw .batchTooLarge(batch.uncompressedBytes, most: .mebibytes(64))
            }
        }
        bytes.removeAll()
        batch.sealUncompressed(into: &bytes)
        try log.append(bytes.mutableBytes, now: now)
        try log.sync()
    }

    /// Reads all of it.
    func replay() throws(CommitLogError) -> ClusterMetadata {
        var metadata = ClusterMetadata()
        var next = log.reader.logStartOffset
        while next < log.highWatermark {
            bytes.removeAll()
            let result = try log.reader.read(
                from: next,
                maxBytes: .mebibytes(1),
                minOneBatch: true,
                into: &bytes
            )
            guard result.nextOffset > next else { break }
            next = result.nextOffset
            try Self.apply(bytes.bytes, to: &metadata, folder: log.folder)
        }
        bytes.release()
        return metadata
    }

    private static func apply(
        _ batches: UnsafeRawBufferPointer,
        to metadata: inout ClusterMetadata,
        folder: String
    ) throws(CommitLogError) {
        var position = 0
        var decompressor = RecordDecompressor()
        do throws(RecordFormatError) {
            while position < batches.count {
                let rest = UnsafeRawBufferPointer(rebasing: batches[position...])
                guard let batch = try RecordBatchView.first(in: rest) else { return }
                var records = try batch.records(
                    decompressor: &decompressor,
                    limit: .mebibytes(64)
                )
                while let record = try records.next() {
                    guard let value = record.value, let change = ClusterMetadataRecord(value)
                    else { continue }
                    metadata.apply(change)
                }
                position += batch.sizeInBytes.rawValue
            }
        } catch {
            throw .damaged(path: folder, at: FilePosition(position))
        }
    }

    private static let topicName: TopicName = {
        guard let name = TopicName("__cluster_metadata") else {
            preconditionFailure("the name is a legal one")
        }
        return name
    }()
}
