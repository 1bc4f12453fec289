import BrokerModel
import Partitions
import RecordFormat

/// One partition's open batch on this loop, and what waits for the log's answer about those before.
final class PartitionQueue {
    /// Whom a batch's answer concerns.
    struct Waiters {
        var tokens: [AckToken] = []
        var tickets: [LiveTicket] = []
        /// Of the first QoS 2 publish in the batch.
        var firstReceipt: UInt64?

        var isEmpty: Bool { tokens.isEmpty && tickets.isEmpty }

        @inline(__always)
        mutating func add(_ waiter: RecordWaiter) {
            if let token = waiter.token { tokens.append(token) }
            if let ticket = waiter.ticket { tickets.append(ticket) }
            if let receipt = waiter.receipt, firstReceipt == nil { firstReceipt = receipt }
        }
    }

    /// A batch on its way to the log: whom to tell, and the room that it holds in the pool.
    struct Sent {
        let batch: SealedBatch
        var waiters: Waiters
        var reserved: ByteCount
    }

    /// What a record takes at most beyond its key, value and headers: its own lengths, its token.
    static let recordOverhead = 64

    let partition: PartitionHandle
    /// Whose partition this is, and its number there; nil for topics that no route writes to.
    private(set) var topic: RouteTopic?
    /// Kept when the topic has gone.
    private(set) var topicID: UUIDBytes?
    private(set) var isDetached = false
    let number: Int
    private(set) var batchBytesMax: ByteCount
    private(set) var recordBytesMax: ByteCount
    var builder: RecordBatchBuilder
    var waiters = Waiters()
    var reservation = PoolReservation()
    /// Whether the lane knows that it holds records.
    var isListed = false
    /// Sealed, and not yet sent; they stand among those in flight.
    var held: [AppendRequest] = []
    /// Oldest first. A handful at most: `ingest.batches.in.flight` and what full batches add.
    private(set) var inFlight: [Sent] = []
    private var spareWaiters = Waiters()

    init(
        _ partition: PartitionHandle,
        of topic: RouteTopic?,
        number: Int,
        settings: IngestSettings,
        memoryKept: ByteCount
    ) {
        self.partition = partition
        self.topic = topic
        topicID = topic?.id
        self.number = number
        recordBytesMax = settings.recordBytesMax
        batchBytesMax = settings.batchBytesMax
        builder = RecordBatchBuilder(memoryKept: memoryKept)
        if let topic { fit(topic.segmentBytes, settings) }
    }

    /// What stands in the open batch of QoS 2 publishes.
    var leavingReceipts: LeavingReceipts? {
        waiters.firstReceipt.map {
            LeavingReceipts(
                partition: partition,
                topicID: topicID,
                number: Int32(truncatingIfNeeded: number),
                firstReceipt: $0
            )
        }
    }

    var isIdle: Bool { builder.isEmpty && inFlight.isEmpty }

    func attach(to topic: RouteTopic) {
        self.topic = topic
        topicID = topic.id
        isDetached = false
    }

    /// What one segment of its topic holds is what it may send at most.
    func fit(_ segmentBytes: ByteCount, _ settings: IngestSettings) {
        recordBytesMax = min(settings.recordBytesMax, segmentBytes)
        batchBytesMax = min(settings.batchBytesMax, segmentBytes)
    }

    func fit(recordBytes: ByteCount) { recordBytesMax = recordBytes }

    /// The topic is gone, or changes this queue for another: it finishes what it has.
    func detach() {
        topic = nil
        isDetached = true
    }

    /// Moves the sealed batch's books to those that wait for an answer.
    func close(_ batch: SealedBatch) {
        inFlight.append(
            Sent(batch: batch, waiters: waiters, reserved: ByteCount(reservation.reserved))
        )
        waiters = spareWaiters
        spareWaiters = Waiters()
        reservation = PoolReservation()
    }

    /// The books of the batch that was answered. Found by the batch itself: what one batch became
    /// must never speak for another's tokens.
    func take(_ batch: SealedBatch) -> Sent? {
        guard let index = inFlight.firstIndex(where: { $0.batch === batch }) else { return nil }
        return inFlight.remove(at: index)
    }

    /// Takes back the arrays for their memory.
    func recycle(_ finished: inout Waiters) {
        finished.tokens.removeAll(keepingCapacity: true)
        finished.tickets.removeAll(keepingCapacity: true)
        finished.firstReceipt = nil
        swap(&spareWaiters, &finished)
    }
}

/// A batch with QoS 2 publishes that is about to leave.
public struct LeavingReceipts {
    public let partition: PartitionHandle
    /// Nil for a topic that no route writes to.
    public let topicID: UUIDBytes?
    /// Of the partition in its topic.
    public let number: Int32
    public let firstReceipt: UInt64
}

/// Whom one record's fate concerns.
struct RecordWaiter {
    var token: AckToken?
    var ticket: LiveTicket?
    /// Of a QoS 2 publish.
    var receipt: UInt64?
}
