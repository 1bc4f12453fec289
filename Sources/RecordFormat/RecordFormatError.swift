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
    /// A codec of Kafka's that this build cannot read yet.
    case codecNotSupported(CompressionCodec)
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
    /// The batch being built would outgrow what the format can describe.
    case batchTooLarge
}
