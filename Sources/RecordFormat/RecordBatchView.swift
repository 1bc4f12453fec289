import BrokerModel

/// One record batch in somebody else's bytes, which must outlive the view.
///
/// Its frame is whole; `check` says whether the rest can be believed.
public struct RecordBatchView {
    /// Where a batch comes from: a compacted log may have lost records, a producer may not.
    public enum Origin { case producer, log }

    /// The batch from its base offset to its last record.
    public let bytes: UnsafeRawBufferPointer

    /// Nil when `input` ends before the first batch does; what follows the batch is ignored.
    public static func first(
        in input: UnsafeRawBufferPointer
    ) throws(RecordFormatError) -> RecordBatchView? {
        guard let length = batchLength(in: input) else { return nil }
        if input.count > HeaderField.magic {
            // Older formats have their magic in the same place, and may be shorter than our header.
            let magic = input.loadUnaligned(fromByteOffset: HeaderField.magic, as: Int8.self)
            guard magic == 2 else { throw .magicNotSupported(magic) }
        }
        guard length >= RecordFormatLimits.batchLengthMin else {
            throw .batchLengthTooSmall(length)
        }
        let size = RecordFormatLimits.frameBytes &+ Int(length)
        guard input.count >= size else { return nil }
        return RecordBatchView(bytes: UnsafeRawBufferPointer(rebasing: input[..<size]))
    }

    /// The size that the first batch of `input` claims; nil while its length is not there.
    /// Unchecked: for stepping over a batch whose header cannot be believed otherwise.
    public static func claimedSize(in input: UnsafeRawBufferPointer) -> ByteCount? {
        batchLength(in: input).map { ByteCount(RecordFormatLimits.frameBytes &+ Int($0)) }
    }

    public var sizeInBytes: ByteCount { ByteCount(bytes.count) }
    public var baseOffset: Offset { Offset(field(HeaderField.baseOffset)) }
    public var lastOffset: Offset { baseOffset + Int(lastOffsetDelta) }
    /// The first offset after the batch.
    public var nextOffset: Offset { baseOffset + (Int(lastOffsetDelta) &+ 1) }
    public var leaderEpoch: LeaderEpoch { LeaderEpoch(field(HeaderField.leaderEpoch)) }
    public var magic: Int8 { field(HeaderField.magic) }
    public var crc: UInt32 { field(HeaderField.crc) }
    public var attributes: UInt16 { field(HeaderField.attributes) }
    public var lastOffsetDelta: Int32 { field(HeaderField.lastOffsetDelta) }
    /// What the records' timestamps are counted from; in a compacted batch the delete horizon.
    public var baseTimestamp: Timestamp { Timestamp(rawValue: field(HeaderField.baseTimestamp)) }
    public var maxTimestamp: Timestamp { Timestamp(rawValue: field(HeaderField.maxTimestamp)) }
    public var producerID: Int64 { field(HeaderField.producerID) }
    public var producerEpoch: Int16 { field(HeaderField.producerEpoch) }
    public var baseSequence: Int32 { field(HeaderField.baseSequence) }
    public var recordCount: Int32 { field(HeaderField.recordCount) }

    /// Nil for a number that no codec has.
    public var codec: CompressionCodec? { CompressionCodec(rawValue: codecNumber) }
    public var timestampType: TimestampType {
        attributes & 1 << 3 == 0 ? .createTime : .logAppendTime
    }
    public var isTransactional: Bool { attributes & 1 << 4 != 0 }
    public var isControl: Bool { attributes & 1 << 5 != 0 }
    /// True when the base timestamp is the time after which tombstones may go (KIP-534).
    public var hasDeleteHorizon: Bool { attributes & 1 << 6 != 0 }

    public var crcIsValid: Bool { computedCRC == crc }

    /// The records as they are stored: compressed where a codec is set.
    public var recordBytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[RecordFormatLimits.headerBytes...])
    }

    /// Checks the checksum and what it covers in the header. The records themselves are checked by
    /// whoever reads them.
    public func check(from origin: Origin) throws(RecordFormatError) {
        let computed = computedCRC
        guard computed == crc else { throw .crcMismatch(stored: crc, computed: computed) }
        guard codec != nil else { throw .codecUnknown(codecNumber) }
        let (count, delta) = (Int64(recordCount), Int64(lastOffsetDelta))
        let countsAgree =
            switch origin {
            case .producer: count > 0 && count == delta + 1
            case .log: count >= 0 && delta >= 0 && count <= delta + 1
            }
        guard countsAgree else {
            throw .countsDisagree(recordCount: recordCount, lastOffsetDelta: lastOffsetDelta)
        }
        switch origin {
        case .producer: break  // The log sets the base offset.
        case .log:
            guard baseOffset.rawValue >= 0, baseOffset.rawValue < Int64.max - delta else {
                throw .offsetOutOfRange(baseOffset)
            }
        }
    }

    var codecNumber: UInt8 { UInt8(truncatingIfNeeded: attributes & 0b111) }

    private var computedCRC: UInt32 {
        Checksum.crc32c(UnsafeRawBufferPointer(rebasing: bytes[HeaderField.attributes...]))
    }

    private static func batchLength(in input: UnsafeRawBufferPointer) -> Int32? {
        guard input.count >= RecordFormatLimits.frameBytes else { return nil }
        return Int32(
            bigEndian: input.loadUnaligned(fromByteOffset: HeaderField.batchLength, as: Int32.self)
        )
    }

    private func field<T: FixedWidthInteger>(_ position: Int) -> T {
        T(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: T.self))
    }
}
