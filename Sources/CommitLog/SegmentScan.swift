import BrokerModel
import RecordFormat

/// What a scan of a segment's data found, from its start to the first thing that is no batch of
/// ours.
struct SegmentScan {
    var indexes: SegmentIndexes
    /// Where the last valid batch ends; a torn or foreign tail begins here.
    var validEnd = FilePosition.zero
    var logEndOffset: Offset
    var latestEpoch = LeaderEpoch.none
    /// The first batch's latest time.
    var firstTimestamp: Timestamp?
    var bytesRead = ByteCount.zero

    private init(baseOffset: Offset) {
        indexes = SegmentIndexes(baseOffset: baseOffset)
        logEndOffset = baseOffset
    }

    /// Reads each byte once. A batch counts only at the very offset that is due, whole, with a
    /// valid checksum and an epoch not below the one before: leftovers of anything else never pass.
    static func run(
        _ file: any File,
        baseOffset: Offset,
        interval: ByteCount,
        producers: ProducerStates
    ) throws(FileSystemError) -> SegmentScan {
        var scan = SegmentScan(baseOffset: baseOffset)
        let size = try file.size().rawValue
        var window = ByteWriter(capacity: min(size, CommitLogLimits.scanBytes))
        while true {
            let used = scan.take(window.bytes, interval: interval, producers)
            window.removeFirst(used)
            let unread = size - scan.bytesRead.rawValue
            guard unread > 0, let wanted = bytesWanted(window.bytes) else { return scan }
            let position = FilePosition(scan.bytesRead.rawValue)
            let before = window.count
            let room = min(unread, max(wanted, CommitLogLimits.scanBytes))
            try window.writeUpTo(room) { buffer throws(FileSystemError) in
                try file.read(at: position, into: buffer)
            }
            guard window.count > before else { return scan }  // Shorter than it said.
            scan.bytesRead += ByteCount(window.count - before)
        }
    }

    /// Takes whole batches from the front; returns how many bytes they were.
    private mutating func take(
        _ bytes: UnsafeRawBufferPointer,
        interval: ByteCount,
        _ producers: ProducerStates
    ) -> Int {
        var used = 0
        while true {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[used...])
            guard let header = BatchHeader(rest), header.sizeInBytes.rawValue <= rest.count,
                header.baseOffset == logEndOffset, header.leaderEpoch >= latestEpoch,
                crcIsValid(rest)
            else { return used }
            indexes.note(header, at: validEnd, interval: interval)
            if let stamp = ProducerStamp(rest) {
                producers.replay(stamp, at: header.baseOffset)
            }
            firstTimestamp = firstTimestamp ?? header.maxTimestamp
            validEnd = validEnd + header.sizeInBytes
            logEndOffset = header.nextOffset
            latestEpoch = header.leaderEpoch
            used += header.sizeInBytes.rawValue
        }
    }

    private func crcIsValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        do throws(RecordFormatError) {
            return try RecordBatchView.first(in: bytes)?.crcIsValid ?? false
        } catch {
            return false
        }
    }

    /// How much more the batch at the front needs; nil when no more bytes can make it a batch.
    private static func bytesWanted(_ front: UnsafeRawBufferPointer) -> Int? {
        guard front.count >= BatchHeader.size else { return BatchHeader.size - front.count }
        guard let header = BatchHeader(front),
            header.sizeInBytes <= CommitLogLimits.batchBytesMax,
            header.sizeInBytes.rawValue > front.count
        else { return nil }
        return header.sizeInBytes.rawValue - front.count
    }
}
