import BrokerModel
import RecordFormat

/// P2: offsets never move, repeat or get a hole that is not known, and what a reader may have seen
/// stays what it was.
enum StableOffsets {
    static func check(
        _ history: PartitionHistory,
        stored: UnsafeRawBufferPointer,
        highWatermark: Offset
    ) throws(Violation) {
        try checkOrder(stored, of: history, upTo: highWatermark)
        guard highWatermark >= history.seen else {
            throw Violation(
                promise: .p2,
                what: "seen up to \(history.seen.rawValue), but the log ends at "
                    + "\(highWatermark.rawValue)"
            )
        }
        // Past what was seen only what was really appended may stand, whole and from the front.
        guard let size = history.size(upTo: highWatermark),
            let start = history.size(upTo: history.logStart), size - start == stored.count,
            history.agrees(with: stored, upTo: size)
        else {
            throw Violation(promise: .p2, what: "the log holds what nobody appended there")
        }
    }

    /// After an unclean start, readers that saw the old tail must be able to notice.
    static func checkEpochRose(
        _ history: PartitionHistory,
        to epoch: LeaderEpoch
    ) throws(Violation) {
        guard epoch > history.leaderEpoch else {
            throw Violation(
                promise: .p2,
                what: "leader epoch \(epoch.rawValue) after an unclean start, and "
                    + "\(history.leaderEpoch.rawValue) before"
            )
        }
    }

    private static func checkOrder(
        _ stored: UnsafeRawBufferPointer,
        of history: PartitionHistory,
        upTo end: Offset
    ) throws(Violation) {
        var next = history.logStart
        var epoch = LeaderEpoch.none
        var position = 0
        do {
            while position < stored.count {
                let rest = UnsafeRawBufferPointer(rebasing: stored[position...])
                guard let batch = try RecordBatchView.first(in: rest) else { break }
                try batch.check(from: .producer)
                if batch.baseOffset > next { next = history.endOfGap(at: next) }
                guard batch.baseOffset == next, batch.leaderEpoch >= epoch else {
                    throw Violation(
                        promise: .p2,
                        what: "a batch at \(batch.baseOffset.rawValue) of epoch "
                            + "\(batch.leaderEpoch.rawValue) where \(next.rawValue) was due"
                    )
                }
                next = batch.nextOffset
                epoch = batch.leaderEpoch
                position += batch.sizeInBytes.rawValue
            }
        } catch let violation as Violation {
            throw violation
        } catch {
            throw Violation(promise: .p2, what: "byte \(position) is no batch: \(error)")
        }
        guard position == stored.count, next == end || history.endOfGap(at: next) == end else {
            throw Violation(
                promise: .p2,
                what: "the batches end at \(next.rawValue), the log at \(end.rawValue)"
            )
        }
    }
}
