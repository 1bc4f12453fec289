import BrokerModel
import CommitLog
import EventLoop

/// A finished record batch, or several of Kafka producers one behind the other, on its way to the
/// log and back: built on a network loop, written on the storage loop, returned to its builder for
/// the memory in it.
///
/// Unchecked, because exactly one thread looks into it at any time: posting it hands it over.
/// Others may only know it again by its identity.
public final class SealedBatch: @unchecked Sendable {
    /// One RecordBatch v2. The log sets its base offset and leader epoch.
    public var bytes = ByteWriter()
    public var recordCount = 0
    /// Whether the storage loop compresses it: a network loop with much to do leaves that to it.
    public var awaitsCompression = false
    /// Whether a batch in it may carry a producer id. Then the log looks at each by itself: one
    /// that is refused, or that is stored already, does not fail its neighbours, and `outcomes`
    /// says what became of each.
    public var hasProducerIDs = false
    /// Of the batches in their order, once the log has answered without a failure; empty without
    /// producer ids.
    public var outcomes: [BatchOutcome] = []

    public init() {}
}

/// Asks the storage loop to append one batch, and where to answer.
public struct AppendRequest: Sendable {
    public let partition: PartitionHandle
    public let batch: SealedBatch
    /// False when nobody waits for the sync: such a batch becomes durable with the next that does,
    /// or after `commit.interval`.
    public let needsSync: Bool
    public let replyTo: Mailbox<AppendReply>
    /// When it was made: whoever published into the batch waits from here on.
    let start = MonotonicTime.current

    public init(
        partition: PartitionHandle,
        batch: SealedBatch,
        needsSync: Bool,
        replyTo: Mailbox<AppendReply>
    ) {
        self.partition = partition
        self.batch = batch
        self.needsSync = needsSync
        self.replyTo = replyTo
    }
}

/// What became of a batch. Replies for one partition come in the order of its requests.
public struct AppendReply: Sendable {
    public let partition: PartitionHandle
    public let batch: SealedBatch
    /// The first record's offset, once it is durable as the request asked; or why it is not. With
    /// producer ids the offsets are in the batch's `outcomes`.
    public let outcome: Result<Offset, CommitLogError>

    public init(
        partition: PartitionHandle,
        batch: SealedBatch,
        outcome: Result<Offset, CommitLogError>
    ) {
        self.partition = partition
        self.batch = batch
        self.outcome = outcome
    }
}
