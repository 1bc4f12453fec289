import BrokerModel
import EventLoop
import Partitions

/// Gives producers their ids, out of blocks that the storage loop has made durable: so no id is
/// ever given twice, and most requests wait for nobody. Confined to the Kafka loop.
final class ProducerIDs {
    /// Called for each connection that waited, once it need not any more. False when there is no
    /// block for it.
    var settled: (UInt64, Bool) -> Void = { _, _ in }

    private let shard: Mailbox<PartitionShardMessage>
    private let replies: Mailbox<ProducerIDReply>
    private var block: Range<Int64> = 0..<0
    private var isAsking = false
    private var waiting: Set<UInt64> = []

    init(loop: EventLoop, shard: Mailbox<PartitionShardMessage>) {
        self.shard = shard
        let inbox = ProducerIDInbox()
        replies = loop.makeMailbox { inbox.ids?.receive($0) }
        inbox.ids = self
    }

    /// Nil when the connection has to wait for the next block.
    func take(for connection: UInt64) -> Int64? {
        if let id = block.first {
            block = block.dropFirst()
            return id
        }
        waiting.insert(connection)
        if !isAsking {
            isAsking = true
            shard.post(.allocateProducerIDs(ProducerIDRequest(replyTo: replies)))
        }
        return nil
    }

    private func receive(_ replies: [ProducerIDReply]) {
        for reply in replies {
            isAsking = false
            var hasIDs = false
            if case .success(let new) = reply.outcome {
                block = new
                hasIDs = true
            }
            let connections = waiting
            waiting.removeAll(keepingCapacity: true)
            for connection in connections { settled(connection, hasIDs) }
        }
    }
}

/// Lets the mailbox's closure find the ids that are made after it. The loop forgets the closure
/// when it ends.
private final class ProducerIDInbox {
    var ids: ProducerIDs?
}
