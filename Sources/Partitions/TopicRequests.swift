import BrokerModel
import CommitLog
import EventLoop

/// Asks the storage loop for a new topic, and where to answer.
public struct TopicCreation: Sendable {
    public let name: TopicName
    public let partitions: Int32
    /// The settings in which it differs from the broker's defaults, as given.
    public let overrides: [String: String]
    public let token: UInt64
    public let replyTo: Mailbox<TopicReply>

    public init(
        name: TopicName,
        partitions: Int32,
        overrides: [String: String] = [:],
        token: UInt64,
        replyTo: Mailbox<TopicReply>
    ) {
        self.name = name
        self.partitions = partitions
        self.overrides = overrides
        self.token = token
        self.replyTo = replyTo
    }
}

/// Asks the storage loop to delete a topic with everything in it.
public struct TopicDeletion: Sendable {
    public let name: TopicName
    public let token: UInt64
    public let replyTo: Mailbox<TopicReply>

    public init(name: TopicName, token: UInt64, replyTo: Mailbox<TopicReply>) {
        self.name = name
        self.token = token
        self.replyTo = replyTo
    }
}

/// What became of a topic, posted after the catalog shows it: the new topic, or the one that was
/// deleted.
public struct TopicReply: Sendable {
    public let token: UInt64
    public let outcome: Result<TopicEntry, TopicError>

    public init(token: UInt64, outcome: Result<TopicEntry, TopicError>) {
        self.token = token
        self.outcome = outcome
    }
}

/// Why a topic was not created, or not deleted.
public enum TopicError: Error, Sendable {
    case exists(TopicEntry)
    case unknown
    case badPartitionCount
    case badSetting(TopicSettingsError)
    /// With these there would be more partitions than `partitions.max`.
    case tooManyPartitions(most: Int)
    /// Only the broker itself writes and makes topics that begin with `__`.
    case isInternal
    case storage(PartitionStoreError)
}

extension TopicError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .exists(let entry): "the topic \(entry.name) exists already"
        case .unknown: "there is no such topic"
        case .badPartitionCount: "a topic has at least one partition"
        case .badSetting(let error): error.description
        case .tooManyPartitions(let most):
            "the broker would have more than \(most) partitions; delete topics or raise "
                + "partitions.max"
        case .isInternal: "names that begin with '__' are the broker's own"
        case .storage(let error): error.description
        }
    }
}

/// How topics come to be.
public struct TopicCreationSettings: Equatable, Sendable {
    /// Of a topic whose maker does not say.
    public var partitionCount = 1
    /// Whether a topic is made when somebody first writes to it.
    public var createsOnFirstUse = true
    /// Of all topics together, the broker's own not counted.
    public var partitionsMax = 1_000
    /// How much of the metadata log a start may have to read.
    public var metadataBytesMax = ByteCount.mebibytes(1)

    public init() {}

    public static var keys: [ConfigurationKey<TopicCreationSettings>] {
        let defaults = TopicCreationSettings()
        return [
            .init(
                "num.partitions",
                \.partitionCount,
                of: defaults,
                in: 1...10_000,
                "How many partitions a topic gets whose maker does not say."
            ),
            .init(
                "auto.create.topics.enable",
                \.createsOnFirstUse,
                of: defaults,
                allowed: "true | false",
                "Whether a topic is made when a Kafka client first asks for it."
            ),
            .init(
                "partitions.max",
                \.partitionsMax,
                of: defaults,
                in: 1...100_000,
                "No topic is made that would give the broker more partitions than this."
            ),
            .init(
                "metadata.log.max.record.bytes.between.snapshots",
                \.metadataBytesMax,
                of: defaults,
                in: .kibibytes(1) ... .gibibytes(1),
                "After so many bytes of changes to topics the present state is written to a file, "
                    + "so that no start reads a long history."
            ),
        ]
    }
}
