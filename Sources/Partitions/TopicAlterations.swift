import BrokerModel
import CommitLog
import EventLoop

/// Asks the storage loop to change settings of a topic that is there, and where to answer.
public struct TopicAlteration: Sendable {
    public let name: TopicName
    /// By key; without a value the broker's default counts again.
    public let changes: [String: String?]
    /// Whether nothing is to be changed: the answer says what would become of it.
    public let validateOnly: Bool
    public let token: UInt64
    public let replyTo: Mailbox<TopicReply>

    public init(
        name: TopicName,
        changes: [String: String?],
        validateOnly: Bool = false,
        token: UInt64,
        replyTo: Mailbox<TopicReply>
    ) {
        self.name = name
        self.changes = changes
        self.validateOnly = validateOnly
        self.token = token
        self.replyTo = replyTo
    }
}

/// Asks the storage loop for more partitions of a topic, and where to answer.
public struct PartitionAddition: Sendable {
    public let name: TopicName
    /// How many it is to have then.
    public let total: Int32
    public let token: UInt64
    public let replyTo: Mailbox<TopicReply>

    public init(name: TopicName, total: Int32, token: UInt64, replyTo: Mailbox<TopicReply>) {
        self.name = name
        self.total = total
        self.token = token
        self.replyTo = replyTo
    }
}

/// Asks the storage loop to delete a partition's oldest records, and where to answer.
public struct RecordDeletion: Sendable {
    public let partition: PartitionHandle
    /// The first offset that stays; -1 deletes all that a consumer could read.
    public let before: Offset
    public let token: UInt64
    public let replyTo: Mailbox<RecordDeletionReply>

    public init(
        partition: PartitionHandle,
        before: Offset,
        token: UInt64,
        replyTo: Mailbox<RecordDeletionReply>
    ) {
        self.partition = partition
        self.before = before
        self.token = token
        self.replyTo = replyTo
    }
}

/// The first offset that is left, once that is durable; or why nothing was deleted.
public struct RecordDeletionReply: Sendable {
    public let token: UInt64
    public let partition: PartitionHandle
    public let outcome: Result<Offset, RecordDeletionError>

    public init(
        token: UInt64,
        partition: PartitionHandle,
        outcome: Result<Offset, RecordDeletionError>
    ) {
        self.token = token
        self.partition = partition
        self.outcome = outcome
    }
}

/// Why records were not deleted.
public enum RecordDeletionError: Error, Sendable {
    case unknown
    case outOfRange(Offset, highWatermark: Offset)
    /// A client that deletes what the broker keeps for itself would break it.
    case isInternal
    /// The topic's `cleanup.policy` does not delete: its log is its last value of each key.
    case notDeletable
    case storage(CommitLogError)
}

extension RecordDeletionError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknown: "there is no such partition"
        case .outOfRange(let offset, let highWatermark):
            "offset \(offset.rawValue) is not one from 0 to the high watermark, "
                + "\(highWatermark.rawValue)"
        case .isInternal: "records of the broker's own topics cannot be deleted"
        case .notDeletable: "the topic's cleanup.policy does not include delete"
        case .storage(let error): error.description
        }
    }
}
