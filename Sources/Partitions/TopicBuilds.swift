import BrokerModel
import EventLoop

/// The topic that a storage loop is building between its bursts, and the changes that wait for it:
/// topics change one after the other, as they are asked for. Who asks bounds how many wait.
final class TopicBuilds {
    struct Build {
        var partitions: PartitionBuild
        let token: UInt64
        let replyTo: Mailbox<TopicReply>
    }

    /// So many folders are built before records have their turn: on a slow card, a tenth of a
    /// second.
    static let step = 8

    var current: Build?
    private(set) var deferred: [PartitionShardMessage] = []

    func begin(_ partitions: PartitionBuild, _ token: UInt64, replyTo: Mailbox<TopicReply>) {
        current = Build(partitions: partitions, token: token, replyTo: replyTo)
    }

    /// Whether a message waits until the topic is there; then it is kept.
    func defers(_ message: PartitionShardMessage) -> Bool {
        guard current != nil else { return false }
        switch message {
        case .createTopic, .deleteTopic, .alterTopic, .addPartitions:
            deferred.append(message)
            return true
        case .append, .deleteRecords, .deleteSegments, .allocateProducerIDs, .stop: return false
        }
    }

    func takeDeferred() -> [PartitionShardMessage] {
        defer { deferred = [] }
        return deferred
    }

    /// The loop ends. What was built goes at the next start.
    func abandon() {
        current = nil
        deferred = []
    }
}
