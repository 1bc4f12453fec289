import BrokerModel
import CommitLog
import EventLoop
import Partitions

/// What operators should know of.
package enum IngestReport: Sendable {
    case topicCreated(TopicName, partitions: Int)
    case creationFailed(TopicName, TopicError)
    /// A publish would have needed one topic more.
    case topicsFull(most: Int, mqttTopic: String)
    /// A publish that wants an acknowledgement matches no route.
    case unrouted(mqttTopic: String)
}

/// Asks the storage loop for the topics that routes write to, each once.
final class TopicCreations {
    /// After a failure the next question waits so long: what failed, such as a full disk, will fail
    /// again at once.
    private static let pause = Duration.seconds(1)

    var answered: (RouteTopic, Result<TopicEntry, TopicError>) -> Void = { _, _ in }
    var isIdle: Bool { asked.isEmpty }

    private unowned let loop: EventLoop
    private let shard: Mailbox<PartitionShardMessage>
    private let replies: Mailbox<TopicReply>
    private let settings: IngestSettings
    private var asked: [UInt64: RouteTopic] = [:]
    private var nextToken: UInt64 = 0
    private var notBefore: MonotonicTime

    init(loop: EventLoop, shard: Mailbox<PartitionShardMessage>, settings: IngestSettings) {
        self.loop = loop
        self.shard = shard
        self.settings = settings
        notBefore = loop.now
        let inbox = Inbox()
        replies = loop.makeMailbox { inbox.creations?.receive($0) }
        inbox.creations = self
    }

    func ask(_ topic: RouteTopic, _ route: Route) {
        let token = nextToken
        nextToken &+= 1
        asked[token] = topic
        let creation = TopicCreation(
            name: topic.name,
            partitions: route.partitions ?? Int32(clamping: settings.partitionsDefault),
            overrides: route.overrides,
            token: token,
            replyTo: replies
        )
        guard notBefore > loop.now else { return shard.post(.createTopic(creation)) }
        loop.schedule(at: notBefore) { [shard] in shard.post(.createTopic(creation)) }
    }

    private func receive(_ replies: [TopicReply]) {
        for reply in replies {
            guard let topic = asked.removeValue(forKey: reply.token) else { continue }
            switch reply.outcome {
            case .success, .failure(.exists): break
            case .failure: notBefore = loop.now + Self.pause
            }
            answered(topic, reply.outcome)
        }
    }
}

/// Lets the mailbox's closure find what is made after it; the loop forgets it when it ends.
private final class Inbox {
    weak var creations: TopicCreations?
}

extension TopicError {
    /// What publishers are told whose records waited for the topic.
    func asCommitLogError(_ topic: TopicName) -> CommitLogError {
        switch self {
        case .storage(.partition(_, let error)): error
        case .storage, .exists, .unknown, .badPartitionCount, .badSetting, .tooManyPartitions,
            .isInternal:
            .unusable(path: topic.description, why: "\(self)")
        }
    }
}
