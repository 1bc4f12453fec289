import RecordFormat

/// Makes any batch one of an idempotent producer.
public enum IdempotentBatch {
    /// Writes the producer's fields into a whole batch, and the checksum that belongs to them.
    public static func stamp(
        _ batch: UnsafeMutableRawBufferPointer,
        producerID: Int64,
        epoch: Int16,
        sequence: Int32
    ) {
        batch.storeBytes(of: producerID.bigEndian, toByteOffset: 43, as: Int64.self)
        batch.storeBytes(of: epoch.bigEndian, toByteOffset: 51, as: Int16.self)
        batch.storeBytes(of: sequence.bigEndian, toByteOffset: 53, as: Int32.self)
        let crc = Checksum.crc32c(UnsafeRawBufferPointer(rebasing: batch[21...]))
        batch.storeBytes(of: crc.bigEndian, toByteOffset: 17, as: UInt32.self)
    }
}
