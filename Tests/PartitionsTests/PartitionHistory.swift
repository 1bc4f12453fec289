import BrokerModel
import RecordFormat

/// What a test knows of one partition from outside: everything that was handed to it, up to where
/// that was acknowledged, and up to where a reader may have seen it.
final class PartitionHistory {
    /// Where a batch ended, in offsets and in bytes of the log.
    struct End {
        let offset: Offset
        let bytes: Int
    }

    private var bytes = ByteWriter(capacity: 64 << 10)
    private var ends: [End] = [End(offset: .zero, bytes: 0)]
    private(set) var acknowledged = Offset.zero
    private(set) var seen = Offset.zero
    /// The highest leader epoch that the partition has shown.
    var leaderEpoch = LeaderEpoch.none

    var nextOffset: Offset { ends[ends.count - 1].offset }

    /// Notes batches that carry their offsets. After a failed append only some of them do.
    func noteAppended(_ batches: UnsafeRawBufferPointer) throws(Violation) {
        var position = 0
        while position < batches.count {
            let rest = UnsafeRawBufferPointer(rebasing: batches[position...])
            let batch = try wholeBatch(rest)
            guard batch.baseOffset == nextOffset else { return }
            bytes.writeBytes(batch.bytes)
            ends.append(End(offset: batch.nextOffset, bytes: bytes.count))
            position += batch.sizeInBytes.rawValue
        }
    }

    func noteAcknowledged(_ highWatermark: Offset) {
        acknowledged = max(acknowledged, highWatermark)
        noteSeen(highWatermark)
    }

    func noteSeen(_ highWatermark: Offset) { seen = max(seen, highWatermark) }

    /// Forgets what did not survive: from here on the log goes on at `offset`.
    func cut(to offset: Offset) {
        while nextOffset > offset { ends.removeLast() }
        bytes.truncate(to: ends[ends.count - 1].bytes)
    }

    /// How many bytes hold the records below `offset`; nil when no batch ends there.
    func size(upTo offset: Offset) -> Int? {
        var (low, high) = (0, ends.count)
        while low < high {
            let middle = (low + high) / 2
            if ends[middle].offset < offset { low = middle + 1 } else { high = middle }
        }
        return low < ends.count && ends[low].offset == offset ? ends[low].bytes : nil
    }

    /// True when `other` begins with the same `count` bytes. By checksum: that is done in C.
    func agrees(with other: UnsafeRawBufferPointer, upTo count: Int) -> Bool {
        guard other.count >= count, bytes.count >= count else { return false }
        return Checksum.crc32c(UnsafeRawBufferPointer(rebasing: other[..<count]))
            == Checksum.crc32c(UnsafeRawBufferPointer(rebasing: bytes.bytes[..<count]))
    }

    private func wholeBatch(
        _ bytes: UnsafeRawBufferPointer
    ) throws(Violation) -> RecordBatchView {
        do {
            if let batch = try RecordBatchView.first(in: bytes) { return batch }
        } catch {}
        throw Violation(promise: .other, what: "the test built something that is no batch")
    }
}
