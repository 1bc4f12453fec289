import BrokerModel

/// Changes the fields of a batch that belong to the log, in place. The batch begins at the front of
/// the bytes, and its frame is known to be whole.
public enum RecordBatchEditor {
    /// Gives the batch its place in the log. Both fields lie outside its checksum.
    public static func assign(
        baseOffset: Offset,
        leaderEpoch: LeaderEpoch,
        in batch: UnsafeMutableRawBufferPointer
    ) {
        precondition(batch.count >= RecordFormatLimits.headerBytes, "only a whole batch is edited")
        store(baseOffset.rawValue, at: HeaderField.baseOffset, in: batch)
        store(leaderEpoch.rawValue, at: HeaderField.leaderEpoch, in: batch)
    }

    /// Gives all records of the batch one time, that of their append (KIP-32), and the batch a new
    /// checksum.
    public static func setLogAppendTime(_ time: Timestamp, in batch: UnsafeMutableRawBufferPointer)
    {
        let bytes = whole(batch)
        // The low byte of the two, as the fields are big-endian.
        bytes[HeaderField.attributes + 1] |= TimestampType.logAppendTime.rawValue << 3
        setMaxTimestamp(time, in: bytes)
    }

    /// Corrects the largest time of the records, as Kafka does where a producer had it wrong, and
    /// the checksum with it.
    public static func setMaxTimestamp(_ time: Timestamp, in batch: UnsafeMutableRawBufferPointer) {
        let bytes = whole(batch)
        store(time.rawValue, at: HeaderField.maxTimestamp, in: bytes)
        let covered = UnsafeRawBufferPointer(rebasing: bytes[HeaderField.attributes...])
        store(Checksum.crc32c(covered), at: HeaderField.crc, in: bytes)
    }

    /// The first batch of `bytes`, without what follows it.
    private static func whole(
        _ bytes: UnsafeMutableRawBufferPointer
    ) -> UnsafeMutableRawBufferPointer {
        let size = RecordBatchView.claimedSize(in: UnsafeRawBufferPointer(bytes))?.rawValue ?? 0
        precondition(
            size >= RecordFormatLimits.headerBytes && size <= bytes.count,
            "only a whole batch is edited"
        )
        return UnsafeMutableRawBufferPointer(rebasing: bytes[..<size])
    }

    private static func store<T: FixedWidthInteger>(
        _ value: T,
        at position: Int,
        in batch: UnsafeMutableRawBufferPointer
    ) {
        batch.storeBytes(of: value.bigEndian, toByteOffset: position, as: T.self)
    }
}
