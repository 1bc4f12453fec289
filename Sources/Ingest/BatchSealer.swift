import BrokerModel
import Partitions
import RecordFormat

/// Compresses finished batches or leaves that to the storage loop, and keeps a few of those that
/// came back for their memory.
final class BatchSealer {
    private static let sparesMax = 8
    /// A batch that has grown past this gives its memory back instead of waiting for reuse.
    private static let spareBytesMax = 1 << 20

    /// Below this a batch is compressed faster than it would be copied, handed over and waited for.
    private static let sharedBytesMin = ByteCount.kibibytes(64)
    /// Of so many large batches one is compressed on this loop, and the others on the storage loop:
    /// docs/decisions/0027 has the measurement.
    private static let shares = 3

    private var compressor = ZstdCompressor()
    private var spares: [SealedBatch] = []
    private var largeBatches = 0

    func seal(_ builder: inout RecordBatchBuilder) -> SealedBatch {
        let batch = spares.popLast() ?? SealedBatch()
        batch.recordCount = builder.recordCount
        if isShared(builder.uncompressedBytes) {
            builder.sealUncompressed(into: &batch.bytes)
            batch.awaitsCompression = true
        } else {
            builder.seal(compressor: &compressor, into: &batch.bytes)
        }
        return batch
    }

    private func isShared(_ size: ByteCount) -> Bool {
        guard size >= Self.sharedBytesMin else { return false }
        largeBatches &+= 1
        return largeBatches % Self.shares != 0
    }

    func recycle(_ batch: SealedBatch) {
        guard spares.count < Self.sparesMax, batch.bytes.capacity <= Self.spareBytesMax else {
            return
        }
        batch.bytes.removeAll()
        spares.append(batch)
    }
}
