import BrokerModel

/// A batch without records. It brings a reader past offsets that hold none: Kafka's compaction
/// leaves such batches, so every client goes on behind them.
public enum EmptyBatch {
    public static let size = ByteCount(RecordFormatLimits.headerBytes)

    /// Covers the offsets from `first` on up to `end`, or as many of them as one batch can. Gives
    /// the offset behind it.
    public static func write(
        from first: Offset,
        upTo end: Offset,
        leaderEpoch: LeaderEpoch,
        into output: inout ByteWriter
    ) -> Offset {
        precondition(first < end, "a batch covers an offset at least")
        let delta = min(end - first - 1, Int(Int32.max) - 1)
        let header = BatchHeader(
            baseTimestamp: .none,
            maxTimestamp: .none,
            recordCount: 0,
            lastOffsetDelta: Int32(truncatingIfNeeded: delta)
        )
        output.writeUpTo(size.rawValue) { batch in
            let written = header.write(codec: .none, recordBytes: 0, to: batch)
            RecordBatchEditor.assign(baseOffset: first, leaderEpoch: leaderEpoch, in: batch)
            return written
        }
        return first + (delta + 1)
    }
}
