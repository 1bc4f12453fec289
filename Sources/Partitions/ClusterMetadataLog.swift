import BrokerModel
import CommitLog
import RecordFormat

/// The log in which every change of a topic is a record. One batch is one change, so that a crash
/// leaves it whole or takes it away.
final class ClusterMetadataLog {
    static let partition = TopicPartition(topic: topicName, partition: 0)
    /// The id that Kafka gives this topic everywhere.
    static let topicID = UUIDBytes(high: 0, low: 1)

    let log: PartitionLog
    /// What all its records come to.
    private(set) var state = ClusterMetadata()
    private let fileSystem: any FileSystem
    /// How much a start would read behind the checkpoint.
    private var bytesSinceCheckpoint = ByteCount.zero
    /// How much that may be, where all that there is does not take more.
    private let bytesMax: ByteCount
    private var batch = RecordBatchBuilder()
    private var bytes = ByteWriter()
    private var value = ByteWriter()

    /// Reads all of the log: the newest checkpoint that is whole, and what came after it.
    init(
        _ log: PartitionLog,
        _ fileSystem: any FileSystem,
        bytesMax: ByteCount
    ) throws(CommitLogError) {
        self.log = log
        self.bytesMax = bytesMax
        self.fileSystem = fileSystem
        try replay(from: try loadCheckpoint())
    }

    /// Durable when it returns. After a failure the log takes nothing more; see
    /// `PartitionStore.writableMetadata`.
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
        for record in records { state.apply(record) }
        bytesSinceCheckpoint += ByteCount(bytes.count)
    }

    // MARK: Checkpoints

    /// About what a record takes.
    private static let recordBytes = 64

    /// Whether reading what came since takes longer than reading all that there is. A record of
    /// another version's must not be lost, and so neither must the log that holds it.
    var isCheckpointDue: Bool {
        bytesSinceCheckpoint >= max(bytesMax, ByteCount(2 * Self.recordBytes * state.size))
            && !state.hasOthers && log.failure == nil
    }

    /// Writes the state to a checkpoint, and takes the log in front of it away. Each step is
    /// durable before the next. `remembered` are the removed topics that have to be known still.
    /// Returns the files that are of no use any more.
    func checkpoint(
        remembering remembered: Set<UUIDBytes>,
        node: Int32,
        now: Timestamp
    ) throws(CommitLogError) -> [String] {
        // However it ends: the next attempt comes after as much again.
        bytesSinceCheckpoint = .zero
        var state = state
        state.forgetRemoved(but: remembered)
        let checkpoint = MetadataCheckpoint(end: log.logEndOffset, epoch: log.leaderEpoch)
        try checkpoint.write(state.records(node: node), in: log.folder, fileSystem, now: now)
        self.state = state
        try log.seal()
        var useless = try log.deleteRecords(before: checkpoint.end)
        for name in try checkpointFiles() where name != checkpoint.fileName {
            useless.append(log.folder + "/" + name)
        }
        return useless
    }

    /// Those that are whole and those that are not.
    private func checkpointFiles() throws(CommitLogError) -> [String] {
        do throws(FileSystemError) {
            return try fileSystem.list(log.folder).map(\.name).filter { name in
                let suffix = MetadataCheckpoint.unfinishedSuffix
                let finished =
                    name.hasSuffix(suffix) ? String(name.dropLast(suffix.utf8.count)) : name
                return MetadataCheckpoint(fileName: finished) != nil
            }
        } catch {
            throw .fileSystem(error)
        }
    }

    /// Returns where the log goes on behind it.
    private func loadCheckpoint() throws(CommitLogError) -> Offset {
        let found = try checkpointFiles().compactMap { MetadataCheckpoint(fileName: $0) }
        for checkpoint in found.sorted(by: { $0.end > $1.end }) {
            guard let state = try checkpoint.read(in: log.folder, fileSystem) else { continue }
            self.state = state
            return checkpoint.end
        }
        return .zero
    }

    /// Reads what came after the checkpoint.
    private func replay(from start: Offset) throws(CommitLogError) {
        // Without a checkpoint for what was taken away, nobody knows the state.
        guard start >= log.reader.logStartOffset, start <= log.highWatermark else {
            throw .unusable(
                path: log.folder,
                why: "it begins at \(log.reader.logStartOffset.rawValue) and ends at "
                    + "\(log.highWatermark.rawValue), and its checkpoint, if any, at "
                    + "\(start.rawValue)"
            )
        }
        var next = start
        while next < log.highWatermark {
            bytes.removeAll()
            let result = try log.reader.read(
                from: next,
                maxBytes: .mebibytes(1),
                minOneBatch: true,
                into: &bytes
            )
            guard result.nextOffset > next else { break }
            bytesSinceCheckpoint += result.bytesRead
            next = result.nextOffset
            try apply(bytes.bytes)
        }
        bytes.release()
    }

    private func apply(_ batches: UnsafeRawBufferPointer) throws(CommitLogError) {
        var position = 0
        var decompressor = RecordDecompressor()
        do throws(RecordFormatError) {
            while position < batches.count {
                let rest = UnsafeRawBufferPointer(rebasing: batches[position...])
                guard let batch = try RecordBatchView.first(in: rest) else { return }
                try state.apply(batch, &decompressor)
                position += batch.sizeInBytes.rawValue
            }
        } catch {
            throw .damaged(path: log.folder, at: FilePosition(position))
        }
    }

    private static let topicName: TopicName = {
        guard let name = TopicName("__cluster_metadata") else {
            preconditionFailure("the name is a legal one")
        }
        return name
    }()
}
