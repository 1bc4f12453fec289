import BrokerModel
import Partitions
import RecordFormat

/// Compresses finished batches, and keeps a few of those that came back for their memory.
final class BatchSealer {
    private static let sparesMax = 8
    /// A batch that has grown past this gives its memory back instead of waiting for reuse.
    private static let spareBytesMax = 1 << 20

    private var compressor = ZstdCompressor()
    private var spares: [SealedBatch] = []

    func seal(_ builder: inout RecordBatchBuilder) -> SealedBatch {
        let batch = spares.popLast() ?? SealedBatch()
        batch.recordCount = builder.recordCount
        builder.seal(compressor: &compressor, into: &batch.bytes)
        return batch
    }

    func recycle(_ batch: SealedBatch) {
        guard spares.count < Self.sparesMax, batch.bytes.capacity <= Self.spareBytesMax else {
            return
        }
        batch.bytes.removeAll()
        spares.append(batch)
    }
}
