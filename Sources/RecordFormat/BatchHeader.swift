import BrokerModel

/// The header of a batch that nobody's log has taken yet.
struct BatchHeader {
    let baseTimestamp: Timestamp
    let maxTimestamp: Timestamp
    let recordCount: Int32
    let lastOffsetDelta: Int32

    /// Writes the header before the `recordBytes` bytes of records that already stand in `batch`,
    /// with their checksum. Gives the size of the batch.
    func write(
        codec: CompressionCodec,
        recordBytes: Int,
        to batch: UnsafeMutableRawBufferPointer
    ) -> Int {
        let size = RecordFormatLimits.headerBytes &+ recordBytes
        let length = Int32(truncatingIfNeeded: size &- RecordFormatLimits.frameBytes)
        Self.store(Int64(0), at: HeaderField.baseOffset, in: batch)
        Self.store(length, at: HeaderField.batchLength, in: batch)
        Self.store(LeaderEpoch.none.rawValue, at: HeaderField.leaderEpoch, in: batch)
        Self.store(Int8(2), at: HeaderField.magic, in: batch)
        Self.store(UInt16(codec.rawValue), at: HeaderField.attributes, in: batch)
        Self.store(lastOffsetDelta, at: HeaderField.lastOffsetDelta, in: batch)
        Self.store(baseTimestamp.rawValue, at: HeaderField.baseTimestamp, in: batch)
        Self.store(maxTimestamp.rawValue, at: HeaderField.maxTimestamp, in: batch)
        Self.store(Int64(-1), at: HeaderField.producerID, in: batch)
        Self.store(Int16(-1), at: HeaderField.producerEpoch, in: batch)
        Self.store(Int32(-1), at: HeaderField.baseSequence, in: batch)
        Self.store(recordCount, at: HeaderField.recordCount, in: batch)
        let covered = UnsafeRawBufferPointer(rebasing: batch[HeaderField.attributes..<size])
        Self.store(Checksum.crc32c(covered), at: HeaderField.crc, in: batch)
        return size
    }

    @inline(__always)
    private static func store<T: FixedWidthInteger>(
        _ value: T,
        at position: Int,
        in batch: UnsafeMutableRawBufferPointer
    ) {
        batch.storeBytes(of: value.bigEndian, toByteOffset: position, as: T.self)
    }
}
