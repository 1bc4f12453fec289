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

    /// Marks the batch as one of control records, and gives it a new checksum.
    public static func makeControlBatch(_ batch: UnsafeMutableRawBufferPointer) {
        let bytes = whole(batch)
        bytes[HeaderField.attributes + 1] |= 1 << 5
        storeChecksum(in: bytes)
    }

    /// Corrects the largest time of the records, as Kafka does where a producer had it wrong, and
    /// the checksum with it.
    public static func setMaxTimestamp(_ time: Timestamp, in batch: UnsafeMutableRawBufferPointer) {
        let bytes = whole(batch)
        store(time.rawValue, at: HeaderField.maxTimestamp, in: bytes)
        storeChecksum(in: bytes)
    }

    /// Writes the same batch with its records compressed. False, and nothing written, where that is
    /// no smaller. The batch is one of our own, uncompressed.
    public static func compress(
        _ batch: UnsafeRawBufferPointer,
        with compressor: inout ZstdCompressor,
        into output: inout ByteWriter
    ) -> Bool {
        let header = batch.prefix(RecordFormatLimits.headerBytes)
        let records = UnsafeRawBufferPointer(rebasing: batch.dropFirst(header.count))
        var isSmaller = false
        output.writeUpTo(batch.count) { room in
            let end = UnsafeMutableRawBufferPointer(rebasing: room[header.count..<batch.count - 1])
            guard let size = compressor.compress(records, into: end) else { return 0 }
            isSmaller = true
            let compressed = UnsafeMutableRawBufferPointer(rebasing: room[..<(header.count + size)])
            compressed.copyMemory(from: UnsafeRawBufferPointer(rebasing: header))
            let length = Int32(
                truncatingIfNeeded: compressed.count &- RecordFormatLimits.frameBytes
            )
            store(length, at: HeaderField.batchLength, in: compressed)
            compressed[HeaderField.attributes + 1] |= UInt8(CompressionCodec.zstd.rawValue)
            storeChecksum(in: compressed)
            return compressed.count
        }
        return isSmaller
    }

    /// Fields that differ from those of the batch whose header was copied.
    struct Changes {
        var attributes: UInt16?
        var baseTimestamp: Timestamp?
        var maxTimestamp: Timestamp?
        var recordCount: Int32?
    }

    /// Ends a batch of which `bytes` has a copied header and other records: sets what changed, the
    /// length and the checksum.
    static func finish(_ changes: Changes, in bytes: UnsafeMutableRawBufferPointer) {
        precondition(bytes.count >= RecordFormatLimits.headerBytes, "a header was copied")
        let length = Int32(truncatingIfNeeded: bytes.count &- RecordFormatLimits.frameBytes)
        store(length, at: HeaderField.batchLength, in: bytes)
        if let attributes = changes.attributes {
            store(attributes, at: HeaderField.attributes, in: bytes)
        }
        if let time = changes.baseTimestamp {
            store(time.rawValue, at: HeaderField.baseTimestamp, in: bytes)
        }
        if let time = changes.maxTimestamp {
            store(time.rawValue, at: HeaderField.maxTimestamp, in: bytes)
        }
        if let count = changes.recordCount {
            store(count, at: HeaderField.recordCount, in: bytes)
        }
        storeChecksum(in: bytes)
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

    private static func storeChecksum(in batch: UnsafeMutableRawBufferPointer) {
        let covered = UnsafeRawBufferPointer(rebasing: batch[HeaderField.attributes...])
        store(Checksum.crc32c(covered), at: HeaderField.crc, in: batch)
    }

    private static func store<T: FixedWidthInteger>(
        _ value: T,
        at position: Int,
        in batch: UnsafeMutableRawBufferPointer
    ) {
        batch.storeBytes(of: value.bigEndian, toByteOffset: position, as: T.self)
    }
}
