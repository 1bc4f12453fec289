import BrokerModel
import EventLoop
import Partitions

/// Asks the storage loop to make, change and delete topics and to delete records, and says who
/// asked when the answer comes.
/// Confined to the Kafka loop.
final class TopicChanges {
    enum Kind {
        case creation, deletion, addition
        /// Of these keys; `isCheck` changes nothing.
        case alteration(keys: [String], isCheck: Bool)
    }

    struct Change {
        let kind: Kind
        let topic: TopicName
        let connection: UInt64
        /// Later ones have higher numbers.
        var number: UInt64 = 0
    }

    struct Deletion {
        let partition: TopicPartition
        let connection: UInt64
        let number: UInt64
    }

    typealias Outcome = Result<TopicEntry, TopicError>

    /// Called once for each change, after the catalog shows it.
    var changed: (Change, Outcome) -> Void = { _, _ in }
    /// Called once for each deletion of records.
    var recordsDeleted: (Deletion, FrontDeletions.Outcome) -> Void = { _, _ in }

    private let shard: Mailbox<PartitionShardMessage>
    private let replies: Mailbox<TopicReply>
    private let deletionReplies: Mailbox<RecordDeletionReply>
    private var pending: [UInt64: Change] = [:]
    private var pendingDeletions: [UInt64: Deletion] = [:]
    /// Of the change that was asked for last.
    private(set) var lastToken: UInt64 = 0

    init(loop: EventLoop, shard: Mailbox<PartitionShardMessage>) {
        self.shard = shard
        let inbox = ChangesInbox()
        replies = loop.makeMailbox { inbox.changes?.receive($0) }
        deletionReplies = loop.makeMailbox { inbox.changes?.receive($0) }
        inbox.changes = self
    }

    /// Whether so much waits for the storage loop that who asks for more has to wait too: one that
    /// does not wait for its answers could ask for ever.
    var isFull: Bool {
        pending.count + pendingDeletions.count >= KafkaServerLimits.topicChangesPendingMax
    }

    func create(_ plan: TopicCreationPlan, for connection: UInt64) {
        let change = Change(kind: .creation, topic: plan.name, connection: connection)
        shard.post(
            .createTopic(
                TopicCreation(
                    name: plan.name,
                    partitions: plan.partitions,
                    overrides: plan.overrides,
                    token: remember(change),
                    replyTo: replies
                )
            )
        )
    }

    func delete(_ topic: TopicName, for connection: UInt64) {
        let change = Change(kind: .deletion, topic: topic, connection: connection)
        shard.post(
            .deleteTopic(
                TopicDeletion(name: topic, token: remember(change), replyTo: replies)
            )
        )
    }

    func alter(_ plan: TopicAlterationPlan, for connection: UInt64) {
        let kind = Kind.alteration(
            keys: plan.changes.keys.sorted(),
            isCheck: plan.validatesOnly
        )
        let change = Change(kind: kind, topic: plan.name, connection: connection)
        shard.post(
            .alterTopic(
                TopicAlteration(
                    name: plan.name,
                    changes: plan.changes,
                    validateOnly: plan.validatesOnly,
                    token: remember(change),
                    replyTo: replies
                )
            )
        )
    }

    func add(_ plan: PartitionAdditionPlan, for connection: UInt64) {
        let change = Change(kind: .addition, topic: plan.name, connection: connection)
        shard.post(
            .addPartitions(
                PartitionAddition(
                    name: plan.name,
                    total: plan.total,
                    token: remember(change),
                    replyTo: replies
                )
            )
        )
    }

    func deleteRecords(_ plan: RecordDeletionPlan, for connection: UInt64) {
        lastToken &+= 1
        pendingDeletions[lastToken] = Deletion(
            partition: plan.partition,
            connection: connection,
            number: lastToken
        )
        shard.post(
            .deleteRecords(
                RecordDeletion(
                    partition: plan.handle,
                    before: plan.before,
                    token: lastToken,
                    replyTo: deletionReplies
                )
            )
        )
    }

    private func remember(_ change: Change) -> UInt64 {
        lastToken &+= 1
        pending[lastToken] = change
        pending[lastToken]?.number = lastToken
        return lastToken
    }

    private func receive(_ replies: [TopicReply]) {
        for reply in replies {
            guard let change = pending.removeValue(forKey: reply.token) else { continue }
            changed(change, reply.outcome)
        }
    }

    private func receive(_ replies: [RecordDeletionReply]) {
        for reply in replies {
            guard let deletion = pendingDeletions.removeValue(forKey: reply.token) else { continue }
            recordsDeleted(deletion, reply.outcome)
        }
    }
}

/// Lets the mailbox's closure find the changes that are made after it. The loop forgets the closure
/// when it ends.
private final class ChangesInbox {
    var changes: TopicChanges?
}

/// A topic as the storage loop is asked for it.
struct TopicCreationPlan: Equatable {
    let name: TopicName
    let partitions: Int32
    var overrides: [String: String] = [:]
}

/// The request about topics at the front of a connection's input, while the log works on it.
struct FrontTopics {
    /// Answered then with whatever has come.
    let deadline: MonotonicTime
    /// The last change that was asked for before it: an answer to that, or to an earlier one, comes
    /// too late for the request that wanted it, and is none to this one.
    let after: UInt64
    var waiting: Set<TopicName> = []
    var outcomes: [TopicName: TopicChanges.Outcome] = [:]
}
