import BrokerModel
import CommitLog
import Partitions
import RecordFormat

/// One partition's open batches on this loop, and what waits for the log's answer about earlier
/// ones.
///
/// The batches of all producers that came in one burst travel together, one behind the other: to
/// the log they are one write.
final class ProduceQueue {
    /// Which partition of which request a batch belongs to.
    struct Ticket {
        let request: PendingProduce
        let topic: Int
        let partition: Int
        /// How many records lie before the batch's own.
        let firstRecord: Int
    }

    /// Batches on their way to the log, and whom to tell.
    struct Sent {
        let batches: SealedBatch
        var tickets: [Ticket]
    }

    let handle: PartitionHandle
    let reader: PartitionReader
    /// Nil between two bursts.
    var open: SealedBatch?
    var tickets: [Ticket] = []
    /// Whether somebody waits for the open batches to be durable.
    var needsSync = false
    /// Oldest first, a handful at most.
    private(set) var inFlight: [Sent] = []
    private var spareTickets: [Ticket] = []

    init(_ partition: PartitionEntry) {
        handle = partition.handle
        reader = partition.reader
    }

    var isIdle: Bool { open == nil && inFlight.isEmpty }

    /// Moves the open batches to those that wait for an answer.
    func close() -> AppendedBatches? {
        guard let batches = open else { return nil }
        inFlight.append(Sent(batches: batches, tickets: tickets))
        let sealed = AppendedBatches(batches: batches, needsSync: needsSync)
        open = nil
        needsSync = false
        tickets = spareTickets
        spareTickets = []
        return sealed
    }

    func take(_ batches: SealedBatch) -> Sent? {
        guard let index = inFlight.firstIndex(where: { $0.batches === batches }) else { return nil }
        return inFlight.remove(at: index)
    }

    /// Takes back an array for its memory.
    func recycle(_ finished: [Ticket]) {
        spareTickets = finished
        spareTickets.removeAll(keepingCapacity: true)
    }
}

/// What goes to the log.
struct AppendedBatches {
    let batches: SealedBatch
    let needsSync: Bool
}
