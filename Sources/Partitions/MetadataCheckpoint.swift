import BrokerModel
import CommitLog
import RecordFormat

/// What the records of the metadata log come to, in a file beside it, so that no start reads years
/// of history: Kafka's snapshot of a metadata log (KIP-630). Record batches, the first of which is
/// a control batch that opens the file, and the last one that closes it; a file without that, or
/// with a byte changed, is no checkpoint.
struct MetadataCheckpoint {
    /// Where the log goes on behind it.
    let end: Offset
    let epoch: LeaderEpoch

    private static let suffix = ".checkpoint"
    /// Kafka's ending of a snapshot that is being written.
    static let unfinishedSuffix = ".part"
    private static let recordsPerBatch = 1_000
    private static let bytesMax = ByteCount.mebibytes(256)

    init(end: Offset, epoch: LeaderEpoch) {
        self.end = end
        self.epoch = epoch
    }

    /// Nil when the file is none.
    init?(fileName: String) {
        guard fileName.hasSuffix(Self.suffix) else { return nil }
        let parts = fileName.dropLast(Self.suffix.utf8.count).split(separator: "-")
        guard parts.count == 2, parts[0].utf8.count == 20, parts[1].utf8.count == 10,
            let end = Int64(parts[0]), let epoch = Int32(parts[1]), end >= 0, epoch >= 0
        else { return nil }
        self.init(end: Offset(end), epoch: LeaderEpoch(epoch))
    }

    var fileName: String {
        func padded(_ number: Int64, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        }
        return padded(end.rawValue, 20) + "-" + padded(Int64(epoch.rawValue), 10) + Self.suffix
    }

    // MARK: Writing

    /// Durable, under its name, when it returns.
    func write(
        _ records: [ClusterMetadataRecord],
        in folder: String,
        _ fileSystem: any FileSystem,
        now: Timestamp
    ) throws(CommitLogError) {
        var bytes = ByteWriter()
        do throws(RecordFormatError) {
            try encode(records, now: now, into: &bytes)
        } catch {
            throw .malformedBatch(at: FilePosition(bytes.count))
        }
        let target = folder + "/" + fileName
        do throws(FileSystemError) {
            let file = try fileSystem.openOrCreate(target + Self.unfinishedSuffix)
            try file.truncate(to: .zero)
            try file.write(bytes.bytes, at: .zero)
            try file.sync()
            try fileSystem.rename(target + Self.unfinishedSuffix, to: target)
            try fileSystem.syncDirectory(folder)
        } catch {
            throw .fileSystem(error)
        }
    }

    private func encode(
        _ records: [ClusterMetadataRecord],
        now: Timestamp,
        into output: inout ByteWriter
    ) throws(RecordFormatError) {
        var next = Offset.zero
        var batch = RecordBatchBuilder()
        var value = ByteWriter()
        func seal(asControl isControl: Bool) {
            let start = output.count
            let count = batch.recordCount
            batch.sealUncompressed(into: &output)
            let bytes = UnsafeMutableRawBufferPointer(rebasing: output.mutableBytes[start...])
            RecordBatchEditor.assign(baseOffset: next, leaderEpoch: epoch, in: bytes)
            if isControl { RecordBatchEditor.makeControlBatch(bytes) }
            next = next + count
            batch.removeAll()
        }
        try batch.appendControl(.header, at: now)
        seal(asControl: true)
        for record in records {
            value.removeAll()
            record.write(to: &value)
            try batch.append(timestamp: now, key: nil, value: value.bytes)
            if batch.recordCount == Self.recordsPerBatch { seal(asControl: false) }
        }
        if !batch.isEmpty { seal(asControl: false) }
        try batch.appendControl(.footer, at: now)
        seal(asControl: true)
    }

    // MARK: Reading

    /// Nil when it is not whole.
    func read(
        in folder: String,
        _ fileSystem: any FileSystem
    ) throws(CommitLogError) -> ClusterMetadata? {
        var bytes = ByteWriter()
        do throws(FileSystemError) {
            let file = try fileSystem.open(folder + "/" + fileName, .read)
            let size = try file.size()
            guard size <= Self.bytesMax else { return nil }
            try bytes.writeUpTo(size.rawValue) { buffer throws(FileSystemError) in
                try file.read(at: .zero, into: buffer)
            }
        } catch {
            throw .fileSystem(error)
        }
        return Self.decode(bytes.bytes)
    }

    private static func decode(_ bytes: UnsafeRawBufferPointer) -> ClusterMetadata? {
        var metadata = ClusterMetadata()
        var decompressor = RecordDecompressor()
        var position = 0
        var last: ControlRecord?
        do throws(RecordFormatError) {
            while position < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
                guard let batch = try RecordBatchView.first(in: rest) else { return nil }
                try batch.check(from: .log)
                position += batch.sizeInBytes.rawValue
                if batch.isControl {
                    var records = try batch.records(
                        decompressor: &decompressor,
                        limit: .kibibytes(64)
                    )
                    let record = try records.next().flatMap { ControlRecord($0.key) }
                    // One opens the file, the other closes it, and nothing stands outside.
                    guard record == (last == nil ? .header : .footer), last != .footer else {
                        return nil
                    }
                    last = record
                } else {
                    guard last == .header else { return nil }
                    try metadata.apply(batch, &decompressor)
                }
            }
        } catch {
            return nil
        }
        return last == .footer ? metadata : nil
    }
}

/// What opens and closes a snapshot, by Kafka's types of control records.
private enum ControlRecord: Int16 {
    case header = 3
    case footer = 4

    /// A version, then the type.
    init?(_ key: UnsafeRawBufferPointer?) {
        guard let key else { return nil }
        var reader = ByteReader(key)
        guard let version: Int16 = reader.readInteger(), version >= 0,
            let type: Int16 = reader.readInteger()
        else { return nil }
        self.init(rawValue: type)
    }
}

extension RecordBatchBuilder {
    /// SnapshotHeaderRecord and SnapshotFooterRecord, both of version 0.
    fileprivate mutating func appendControl(
        _ record: ControlRecord,
        at now: Timestamp
    ) throws(RecordFormatError) {
        var key = ByteWriter()
        key.writeInteger(Int16(0))
        key.writeInteger(record.rawValue)
        var value = ByteWriter()
        value.writeInteger(Int16(0))
        if record == .header { value.writeInteger(now.rawValue) }
        value.writeUnsignedVarint(0)  // Tagged fields
        try append(timestamp: now, key: key.bytes, value: value.bytes)
    }
}
