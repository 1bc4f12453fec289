import BrokerModel
import CommitLog
import KafkaSessions
import Partitions
import RecordFormat

/// What an operator should know of a start's reading of `__consumer_offsets`.
public struct GroupRestoreReport: Sendable {
    public var groups = 0
    public var offsets = 0
    public var records = 0
    /// Records of no schema that is known here. They are passed over.
    public var unreadable = 0
    /// Batches that could not be read, and what that read would have brought is not known.
    public var damaged: [CommitLogError] = []

    public init() {}
}

/// Reads `__consumer_offsets-0` whole, on the thread that starts the broker. Nothing in it stops a
/// start: what cannot be read is passed over and reported.
struct GroupRestore: ~Copyable {
    private static let readBytes = ByteCount.mebibytes(1)
    /// A batch that holds more than this was not built here.
    private static let batchBytesMax = ByteCount.mebibytes(256)

    private(set) var report = GroupRestoreReport()
    private var bytes = ByteWriter()
    private var decompressor = RecordDecompressor()

    /// Shows each record in the order of the log.
    mutating func run(_ reader: PartitionReader, _ body: (GroupRecord) -> Void) {
        var offset = reader.logStartOffset
        do throws(CommitLogError) {
            while offset < reader.highWatermark {
                bytes.removeAll()
                let result = try reader.read(
                    from: offset,
                    maxBytes: Self.readBytes,
                    minOneBatch: true,
                    into: &bytes
                )
                guard result.nextOffset > offset else { return }
                walk(from: offset, body)
                offset = result.nextOffset
            }
        } catch {
            report.damaged.append(error)
        }
    }

    private mutating func walk(from offset: Offset, _ body: (GroupRecord) -> Void) {
        let input = bytes.bytes
        var position = 0
        while position < input.count {
            let rest = UnsafeRawBufferPointer(rebasing: input[position...])
            do throws(RecordFormatError) {
                guard let batch = try RecordBatchView.first(in: rest) else { return }
                position += batch.sizeInBytes.rawValue
                try read(batch, from: offset, body)
            } catch {
                report.damaged.append(
                    .unusable(
                        path: "\(GroupRecord.topic)-0",
                        why: "a batch cannot be read: \(error)"
                    )
                )
                guard let size = RecordBatchView.claimedSize(in: rest), size > .zero else { return }
                position = max(position, input.count - rest.count + size.rawValue)
            }
        }
    }

    private mutating func read(
        _ batch: RecordBatchView,
        from offset: Offset,
        _ body: (GroupRecord) -> Void
    ) throws(RecordFormatError) {
        try batch.check(from: .log)
        guard !batch.isControl else { return }
        var cursor = try batch.records(decompressor: &decompressor, limit: Self.batchBytesMax)
        while let record = try cursor.next() {
            guard record.offset >= offset else { continue }
            report.records += 1
            do throws(GroupRecordError) {
                guard let key = record.key else { throw .truncated }
                body(try GroupRecord(key: key, value: record.value))
            } catch {
                report.unreadable += 1
            }
        }
    }

    mutating func count(groups: Int, offsets: Int) {
        report.groups = groups
        report.offsets = offsets
    }
}
