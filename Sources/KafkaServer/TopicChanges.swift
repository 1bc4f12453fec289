import BrokerModel
import EventLoop
import Partitions

/// Asks the storage loop to make and delete topics, and says who asked when the answer comes.
/// Confined to the Kafka loop.
final class TopicChanges {
    enum Kind { case creation, deletion }

    struct Change {
        let kind: Kind
        let topic: TopicName
        let connection: UInt64
    }

    typealias Outcome = Result<TopicEntry, TopicError>

    /// Called once for each change, after the catalog shows it.
    var changed: (Change, Outcome) -> Void = { _, _ in }

    private let shard: Mailbox<PartitionShardMessage>
    private let replies: Mailbox<TopicReply>
    private var pending: [UInt64: Change] = [:]
    private var lastToken: UInt64 = 0

    init(loop: EventLoop, shard: Mailbox<PartitionShardMessage>) {
        self.shard = shard
        let inbox = ChangesInbox()
        replies = loop.makeMailbox { inbox.changes?.receive($0) }
        inbox.changes = self
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

    private func remember(_ change: Change) -> UInt64 {
        lastToken &+= 1
        pending[lastToken] = change
        return lastToken
    }

    private func receive(_ replies: [TopicReply]) {
        for reply in replies {
            guard let change = pending.removeValue(forKey: reply.token) else { continue }
            changed(change, reply.outcome)
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
    var waiting: Set<TopicName>
    var outcomes: [TopicName: TopicChanges.Outcome] = [:]
}
