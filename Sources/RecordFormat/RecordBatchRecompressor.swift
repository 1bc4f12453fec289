import BrokerModel

/// Writes a batch anew with its records in another codec. All else stays: offsets, times, producer
/// id, epoch and sequence.
public struct RecordBatchRecompressor: ~Copyable {
    private var decompressor = RecordDecompressor()
    private var compressor = RecordCompressor()

    /// What it took in and wrote out so far, in plain bytes: the measure of the work.
    public var bytesMade: Int { decompressor.bytesMade &+ compressor.bytesTaken }

    public init() {}

    /// Appends the batch to `output`. Its records may take `limit` bytes once decompressed.
    public mutating func recompress(
        _ batch: RecordBatchView,
        to codec: CompressionCodec,
        levels: CompressionLevels,
        limit: ByteCount,
        into output: inout ByteWriter
    ) throws(RecordFormatError) {
        guard let stored = batch.codec else { throw .codecUnknown(batch.codecNumber) }
        defer { decompressor.trim() }
        let records = try decompressor.decompress(batch.recordBytes, codec: stored, limit: limit)
        let start = output.count
        output.writeBytes(
            UnsafeRawBufferPointer(rebasing: batch.bytes[..<RecordFormatLimits.headerBytes])
        )
        try compressor.compress(records, codec: codec, levels: levels, into: &output)
        let made = UnsafeMutableRawBufferPointer(rebasing: output.mutableBytes[start...])
        guard made.count <= RecordFormatLimits.batchBytesMax else { throw .batchTooLarge }
        var changes = RecordBatchEditor.Changes()
        changes.attributes = batch.attributes & ~0b111 | UInt16(codec.rawValue)
        RecordBatchEditor.finish(changes, in: made)
    }
}
