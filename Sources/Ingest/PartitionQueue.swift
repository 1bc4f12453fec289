import BrokerModel
import Partitions
import RecordFormat

/// One partition's open batch on this loop, and what waits for the log's answer about those before.
final class PartitionQueue {
    /// A batch on its way to the log: whom to tell, and the room that it holds in the pool.
    struct Sent {
        let batch: SealedBatch
        var tokens: [AckToken]
        var reserved: ByteCount
        let hasReceipts: Bool
    }

    /// Room is taken from the pool in steps of this size, so that a record rarely touches it.
    static let reservationStep = 64 << 10
    /// What a record takes at most beyond its key, value and headers: its own lengths, its token.
    static let recordOverhead = 64

    let partition: PartitionHandle
    var builder = RecordBatchBuilder()
    var tokens: [AckToken] = []
    /// Of the first QoS 2 publish in the open batch.
    var firstReceipt: UInt64?
    /// Sealed, and not yet sent; they stand among those in flight.
    var held: [AppendRequest] = []
    /// Oldest first. A handful at most: `ingest.batches.in.flight` and what full batches add.
    private(set) var inFlight: [Sent] = []
    private var reserved = 0
    private var used = 0
    private var spareTokens: [AckToken] = []

    init(_ partition: PartitionHandle) {
        self.partition = partition
    }

    /// Takes room for a record of about `size` bytes. False when the pool is full now.
    func reserve(_ size: Int, from pool: MemoryPool) -> Bool {
        let needed = used &+ size &+ Self.recordOverhead
        used = needed
        guard needed > reserved else { return true }
        let step = ByteCount(max(Self.reservationStep, needed - reserved))
        reserved += step.rawValue
        if pool.reserve(step) { return true }
        pool.overdraw(step)
        return false
    }

    /// Moves the sealed batch's books to those that wait for an answer.
    func close(_ batch: SealedBatch) {
        inFlight.append(
            Sent(
                batch: batch,
                tokens: tokens,
                reserved: ByteCount(reserved),
                hasReceipts: firstReceipt != nil
            )
        )
        firstReceipt = nil
        tokens = spareTokens
        spareTokens = []
        reserved = 0
        used = 0
    }

    /// The books of the batch that was answered. Found by the batch itself: what one batch became
    /// must never speak for another's tokens.
    func take(_ batch: SealedBatch) -> Sent? {
        guard let index = inFlight.firstIndex(where: { $0.batch === batch }) else { return nil }
        return inFlight.remove(at: index)
    }

    /// Takes back a token array for its memory.
    func recycle(_ finished: [AckToken]) {
        spareTokens = finished
        spareTokens.removeAll(keepingCapacity: true)
    }
}
