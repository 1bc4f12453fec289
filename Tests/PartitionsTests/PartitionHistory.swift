import BrokerModel
import CommitLog
import RecordFormat

/// What a test knows of one partition from outside: everything that was handed to it, up to where
/// that was acknowledged, and up to where a reader may have seen it.
final class PartitionHistory {
    /// Where a batch ended, in offsets and in bytes of the log.
    struct End {
        let offset: Offset
        let bytes: Int
        var maxTimestamp = Timestamp.none
    }

    private var bytes = ByteWriter(capacity: 64 << 10)
    private var ends: [End] = [End(offset: .zero, bytes: 0)]
    /// Up to here nothing may be lost. In a topic that is not durable only a clean stop says so.
    private(set) var acknowledged = Offset.zero
    private(set) var seen = Offset.zero
    /// The furthest that the log was seen to start.
    var logStart = Offset.zero
    /// Below here retention was free to delete.
    private(set) var expendable = Offset.zero
    /// Who produces to it with an id.
    var producers: [SimulatedProducer] = []
    var isDurable: Bool
    /// The highest leader epoch that the partition has shown.
    var leaderEpoch = LeaderEpoch.none

    init(isDurable: Bool = true) { self.isDurable = isDurable }

    var nextOffset: Offset { ends[ends.count - 1].offset }

    /// Notes batches that carry their offsets. After a failed append only some of them do.
    func noteAppended(_ batches: UnsafeRawBufferPointer) throws(Violation) {
        var position = 0
        while position < batches.count {
            let rest = UnsafeRawBufferPointer(rebasing: batches[position...])
            let batch = try wholeBatch(rest)
            guard batch.baseOffset == nextOffset else { return }
            bytes.writeBytes(batch.bytes)
            ends.append(
                End(
                    offset: batch.nextOffset,
                    bytes: bytes.count,
                    maxTimestamp: batch.maxTimestamp
                )
            )
            position += batch.sizeInBytes.rawValue
        }
    }

    func noteAcknowledged(_ highWatermark: Offset, byCleanStop: Bool = false) {
        noteSeen(highWatermark)
        guard isDurable || byCleanStop else { return }
        acknowledged = max(acknowledged, highWatermark)
        for producer in producers { producer.acknowledge(below: highWatermark) }
    }

    func noteLogStart(_ offset: Offset) { logStart = max(logStart, offset) }

    /// Retention looks at the log now: what is too old, or too much, it may delete.
    func noteRetention(_ policy: RetentionPolicy, now: Timestamp) {
        let total = ends[ends.count - 1].bytes
        var start = expendable
        var hasOnlyOld = true
        for end in ends.dropFirst() {
            if let time = policy.time {
                let age = now.rawValue - end.maxTimestamp.rawValue
                hasOnlyOld = hasOnlyOld && age > time.wholeMilliseconds
            } else {
                hasOnlyOld = false
            }
            let isTooMuch = policy.bytes.map { total - end.bytes >= $0.rawValue } ?? false
            guard hasOnlyOld || isTooMuch else { break }
            start = max(start, end.offset)
        }
        expendable = start
    }

    /// Records below `offset` are deleted now, or will have been.
    func noteDeletion(before offset: Offset) { expendable = max(expendable, offset) }

    /// Where a batch ends that is not past `offset`.
    func boundary(_ choice: Int, upTo offset: Offset) -> Offset {
        let known = ends.prefix { $0.offset <= offset }
        return known[choice % known.count].offset
    }

    func noteSeen(_ highWatermark: Offset) { seen = max(seen, highWatermark) }

    /// Forgets what did not survive: from here on the log goes on at `offset`.
    func cut(to offset: Offset) {
        while nextOffset > offset { ends.removeLast() }
        bytes.truncate(to: ends[ends.count - 1].bytes)
    }

    /// The log goes on at `offset`, and holds nothing from its end up to there.
    func skip(to offset: Offset) {
        guard offset > nextOffset else { return }
        ends.append(End(offset: offset, bytes: bytes.count))
    }

    /// Where the log goes on after `offset` when nothing is stored there.
    func endOfGap(at offset: Offset) -> Offset {
        guard let size = size(upTo: offset) else { return offset }
        return ends.last { $0.bytes == size }?.offset ?? offset
    }

    /// Where the log ends that holds `count` bytes from its start on, if they are its own.
    func end(ofBytes count: Int) -> Offset? {
        guard let start = size(upTo: logStart) else { return nil }
        return ends.first { $0.bytes == start + count && $0.offset >= logStart }?.offset
    }

    /// How many bytes hold the records below `offset`, which may lie in a gap.
    func bytes(below offset: Offset) -> Int { ends.last { $0.offset <= offset }?.bytes ?? 0 }

    /// How many bytes hold the records below `offset`; nil when no batch ends there.
    func size(upTo offset: Offset) -> Int? {
        var (low, high) = (0, ends.count)
        while low < high {
            let middle = (low + high) / 2
            if ends[middle].offset < offset { low = middle + 1 } else { high = middle }
        }
        return low < ends.count && ends[low].offset == offset ? ends[low].bytes : nil
    }

    /// True when `other`, which begins at the log's start, has the bytes of the log up to `end`. By
    /// checksum: that is done in C.
    func agrees(with other: UnsafeRawBufferPointer, upTo end: Int) -> Bool {
        guard let start = size(upTo: logStart) else { return false }
        guard end > start else { return true }  // Nothing of it is kept.
        guard other.count >= end - start, bytes.count >= end else { return false }
        return Checksum.crc32c(UnsafeRawBufferPointer(rebasing: other[..<(end - start)]))
            == Checksum.crc32c(UnsafeRawBufferPointer(rebasing: bytes.bytes[start..<end]))
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
