import BrokerModel

/// Why bytes are not a batch, or a batch not one that we serve.
public enum RecordFormatError: Error, Equatable, Sendable {
    /// A format older than KIP-98, or none.
    case magicNotSupported(Int8)
    /// Below what a header takes.
    case batchLengthTooSmall(Int32)
    case crcMismatch(stored: UInt32, computed: UInt32)
    /// Record count and last offset delta contradict each other, or one is negative.
    case countsDisagree(recordCount: Int32, lastOffsetDelta: Int32)
    /// The offsets of the batch leave the range of offsets.
    case offsetOutOfRange(Offset)
    case codecUnknown(UInt8)
    /// The compressed bytes are damaged.
    case decompressionFailed
    /// The records would take more memory than the reader allows.
    case decompressedTooLarge(limit: ByteCount)
    /// A record's length, or the length of one of its parts, is wrong. Counted from 0 in the batch.
    case recordMalformed(index: Int)
    /// A record's offset is not above the one before it, or lies past the batch's last.
    case offsetDeltaOutOfOrder(index: Int)
    /// Bytes stand behind the last record.
    case bytesAfterLastRecord(Int)
    /// The header's max timestamp is not the largest of the records, which is `computed`.
    case maxTimestampWrong(stored: Timestamp, computed: Timestamp)
    /// A record's own time is too far from the broker's.
    case timestampOutOfRange(index: Int, Timestamp)
    /// A record without a key, for a topic whose records need one.
    case keyMissing(index: Int)
    /// A producer marked its batch as something that is not for it to send.
    case attributeNotAllowed(BatchAttribute)
    /// The batch being built would outgrow what the format can describe.
    case batchTooLarge
}

/// What a batch's attributes can say that a producer must not, or may not always.
public enum BatchAttribute: Sendable {
    case control
    case transactional
    case logAppendTime
    case deleteHorizon
}
