import BrokerModel

/// What a partition knows of one producer: its epoch, and the batches that it may send again.
struct ProducerState {
    /// A batch that was appended.
    struct Batch: Equatable {
        var lastSequence = ProducerSequence.none
        var lastOffset = Offset(-1)
        var lastOffsetDelta: Int32 = 0
        var timestamp = Timestamp.none

        var firstSequence: Int32 { ProducerSequence.goBack(lastSequence, by: lastOffsetDelta) }
        var firstOffset: Offset { Offset(lastOffset.rawValue &- Int64(lastOffsetDelta)) }
    }

    /// As many as a producer may have in flight (KIP-98).
    static let batchesMax = 5

    private(set) var epoch: Int16
    /// Of the last batch or marker.
    private(set) var lastTimestamp = Timestamp.none
    var coordinatorEpoch: Int32 = -1
    /// Where its open transaction begins.
    var transactionStart: Offset?
    /// When an expiry pass first found it idle; nil while it was used since the last pass.
    var idleSince: MonotonicTime?
    /// Oldest first, all of this epoch.
    private var batches = InlineArray<5, Batch>(repeating: Batch())
    private(set) var batchCount = 0

    init(epoch: Int16) { self.epoch = epoch }

    /// Oldest first.
    func batch(_ index: Int) -> Batch { batches[index] }

    var last: Batch? { batchCount > 0 ? batches[batchCount &- 1] : nil }

    func batch(first: Int32, last: Int32) -> Batch? {
        for index in 0..<batchCount
        where batches[index].lastSequence == last && batches[index].firstSequence == first {
            return batches[index]
        }
        return nil
    }

    /// Takes a batch for the producer's last. A batch of another epoch forgets those before it.
    mutating func note(_ batch: Batch, epoch: Int16) {
        begin(epoch)
        if batchCount == Self.batchesMax {
            for index in 1..<Self.batchesMax { batches[index &- 1] = batches[index] }
            batchCount &-= 1
        }
        batches[batchCount] = batch
        batchCount &+= 1
        lastTimestamp = batch.timestamp
        idleSince = nil
    }

    /// Takes a marker that ends a transaction.
    mutating func noteMarker(epoch: Int16, at timestamp: Timestamp) {
        begin(epoch)
        transactionStart = nil
        lastTimestamp = timestamp
        idleSince = nil
    }

    private mutating func begin(_ epoch: Int16) {
        guard epoch != self.epoch else { return }
        self.epoch = epoch
        batchCount = 0
    }
}

/// What became of one batch of an append that looks at producers.
public enum BatchOutcome: Equatable, Sendable {
    /// Appended, at this offset.
    case appended(Offset)
    /// It was appended before, at this offset, and is stored once. Its time is that of its latest
    /// record.
    case duplicate(of: Offset, time: Timestamp)
    case refused(ProducerFault)
}

/// Why a batch of an idempotent producer was not appended.
public enum ProducerFault: Error, Equatable, Sendable {
    /// Something is missing before it, or its sequence is used.
    case outOfOrder(producerID: Int64, sequence: Int32, last: Int32)
    /// A producer's new epoch begins at sequence 0.
    case newEpochNotAtZero(producerID: Int64, sequence: Int32, epoch: Int16, last: Int16)
    /// Another one with the same id has a later epoch.
    case epochTooOld(producerID: Int64, epoch: Int16, last: Int16)
}

extension ProducerFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .outOfOrder(let id, let sequence, let last):
            "producer \(id) sent sequence \(sequence), and its last one here is \(last)"
        case .newEpochNotAtZero(let id, let sequence, let epoch, let last):
            "producer \(id) begins epoch \(epoch) with sequence \(sequence) and not 0; its epoch "
                + "here is \(last)"
        case .epochTooOld(let id, let epoch, let last):
            "producer \(id) has epoch \(epoch), and \(last) was seen here"
        }
    }
}

/// One producer as an operator sees it.
public struct ProducerStateEntry: Equatable, Sendable {
    public let producerID: Int64
    public let epoch: Int16
    /// -1 when it has sent nothing in this epoch.
    public let lastSequence: Int32
    public let lastTimestamp: Timestamp
    /// -1 when no transaction of it has ended here.
    public let coordinatorEpoch: Int32
    /// -1 when it has none open.
    public let transactionStart: Offset
}
