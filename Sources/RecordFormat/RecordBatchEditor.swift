import BrokerModel

/// Changes the fields of a batch that lie outside its checksum, in place.
public enum RecordBatchEditor {
    /// Gives the batch that begins at the front of `batch` its place in the log. Its frame is known
    /// to be whole.
    public static func assign(
        baseOffset: Offset,
        leaderEpoch: LeaderEpoch,
        in batch: UnsafeMutableRawBufferPointer
    ) {
        precondition(batch.count >= RecordFormatLimits.headerBytes, "only a whole batch is edited")
        batch.storeBytes(
            of: baseOffset.rawValue.bigEndian,
            toByteOffset: HeaderField.baseOffset,
            as: Int64.self
        )
        batch.storeBytes(
            of: leaderEpoch.rawValue.bigEndian,
            toByteOffset: HeaderField.leaderEpoch,
            as: Int32.self
        )
    }
}
