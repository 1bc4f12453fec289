import BrokerModel
import CommitLog
import EventLoop
import KafkaWire
import Partitions
import RecordFormat

/// The Kafka loop's way into the log. Confined to that loop.
///
/// Batches that come in one burst are sent together at its end, unless enough is on its way: then
/// the next answer sends them. So a busy disk makes large writes, and an idle one makes no producer
/// wait.
final class ProduceLane {
    /// Pays for records from their arrival until the log has answered for them.
    let memory: MemoryPool
    /// Called when memory came back.
    var memoryReturned: () -> Void = {}
    /// Called when the log refuses, or fails, what was sent to a partition.
    var appendFailed: () -> Void = {}

    private let catalog: TopicCatalog
    /// Of the catalog, when the queues of deleted partitions were forgotten.
    private var generation = Int.min
    private var appendsInFlight = 0
    private let shard: Mailbox<PartitionShardMessage>
    private let replies: Mailbox<AppendReply>
    private var queues: [PartitionHandle: ProduceQueue] = [:]
    private var lastUsed: ProduceQueue?
    /// Those with something to send.
    private var filled: [ProduceQueue] = []
    /// Whose answers became complete in this round of replies.
    private var answered: [KafkaConnectionHandler] = []
    private var spareBatches: [SealedBatch] = []
    private var spareRequests: [PendingProduce] = []

    init(
        loop: EventLoop,
        catalog: TopicCatalog,
        shard: Mailbox<PartitionShardMessage>,
        memory: MemoryPool
    ) {
        self.catalog = catalog
        self.shard = shard
        self.memory = memory
        let inbox = LaneInbox()
        replies = loop.makeMailbox { inbox.lane?.receive($0) }
        inbox.lane = self
    }

    func makeRequest() -> PendingProduce { spareRequests.popLast() ?? PendingProduce() }

    /// Copies one batch that was checked; its answer comes to the ticket's request.
    func append(
        _ batch: CheckedBatch,
        to partition: PartitionEntry,
        for request: PendingProduce,
        topic: Int,
        index: Int
    ) {
        let queue = queue(of: partition)
        if let open = queue.open,
            open.bytes.count &+ batch.bytes.count > KafkaServerLimits.appendBytesMax
        {
            send(queue)
        }
        let sealed = queue.open ?? openBatch(in: queue)
        let start = sealed.bytes.count
        sealed.bytes.writeBytes(batch.bytes)
        batch.stamp.apply(
            to: UnsafeMutableRawBufferPointer(rebasing: sealed.bytes.mutableBytes[start...])
        )
        queue.tickets.append(
            ProduceQueue.Ticket(
                request: request,
                topic: topic,
                partition: index,
                firstRecord: sealed.recordCount
            )
        )
        sealed.recordCount &+= batch.recordCount
        if batch.hasProducerID { sealed.hasProducerIDs = true }
        if request.wantsAnswer { queue.needsSync = true }
        request.partitionsLeft &+= 1
    }

    /// Sends what this burst brought.
    func burstEnded() {
        guard !filled.isEmpty else { return }
        filled.removeAll { queue in
            guard queue.open != nil else { return true }
            guard queue.inFlight.count < KafkaServerLimits.appendsInFlightMax else { return false }
            send(queue)
            return true
        }
    }

    /// Whether the log has answered for all that was sent to it.
    var isIdle: Bool { appendsInFlight == 0 }
    /// Partitions that are remembered because somebody produced to them.
    var queueCount: Int { queues.count }

    /// Sends everything, however much is on its way.
    func flush() {
        for queue in filled where queue.open != nil { send(queue) }
        filled.removeAll()
    }

    private func queue(of partition: PartitionEntry) -> ProduceQueue {
        if let lastUsed, lastUsed.handle == partition.handle { return lastUsed }
        if let known = queues[partition.handle] {
            lastUsed = known
            return known
        }
        forgetDeleted()
        let queue = ProduceQueue(partition)
        queues[partition.handle] = queue
        lastUsed = queue
        return queue
    }

    /// Handles are never used again, so nothing more will come for a deleted partition. Those of
    /// which something is on its way stay until the log has answered.
    private func forgetDeleted() {
        guard catalog.generation != generation else { return }
        generation = catalog.generation
        var live: Set<PartitionHandle> = []
        for topic in catalog.snapshot.topics {
            for case let partition? in topic.partitions { live.insert(partition.handle) }
        }
        queues = queues.filter { live.contains($0.key) || !$0.value.isIdle }
    }

    private func openBatch(in queue: ProduceQueue) -> SealedBatch {
        let batch = spareBatches.popLast() ?? SealedBatch()
        queue.open = batch
        filled.append(queue)
        return batch
    }

    private func send(_ queue: ProduceQueue) {
        guard let sealed = queue.close() else { return }
        appendsInFlight &+= 1
        shard.post(
            .append(
                AppendRequest(
                    partition: queue.handle,
                    batch: sealed.batches,
                    needsSync: sealed.needsSync,
                    replyTo: replies
                )
            )
        )
    }

    // MARK: Replies

    private func receive(_ replies: [AppendReply]) {
        let before = memory.used
        appendsInFlight &-= replies.count
        for reply in replies {
            guard let queue = queues[reply.partition] else { continue }
            settle(reply, of: queue)
        }
        let handlers = answered
        answered.removeAll(keepingCapacity: true)
        for handler in handlers { handler.producesAnswered() }
        if memory.used < before { memoryReturned() }
    }

    private func settle(_ reply: AppendReply, of queue: ProduceQueue) {
        guard let sent = queue.take(reply.batch) else { return }
        switch reply.outcome {
        case .success where reply.batch.hasProducerIDs:
            let logStart = queue.reader.logStartOffset
            for (ticket, outcome) in zip(sent.tickets, reply.batch.outcomes) {
                settle(ticket) { $0.take(outcome, logStart: logStart) }
            }
        case .success(let baseOffset):
            let logStart = queue.reader.logStartOffset
            for ticket in sent.tickets {
                settle(ticket) { answer in
                    answer.baseOffset = baseOffset + ticket.firstRecord
                    answer.logStartOffset = logStart
                }
            }
        case .failure(let error):
            appendFailed()
            for ticket in sent.tickets {
                settle(ticket) { $0.refuse(ProduceRefusal(error)) }
            }
            forgetIfDeleted(queue, error)
        }
        recycle(reply.batch)
        queue.recycle(sent.tickets)
    }

    private func settle(
        _ ticket: ProduceQueue.Ticket,
        _ change: (inout ProduceResponse.Partition) -> Void
    ) {
        let request = ticket.request
        if !request.hasTimedOut {
            change(&request.response.topics[ticket.topic].partitions[ticket.partition])
        }
        request.partitionsLeft &-= 1
        guard request.partitionsLeft == 0 else { return }
        release(request)
        guard !request.isAnswered, let handler = request.handler else { return recycle(request) }
        guard !handler.hasAnsweredProduces else { return }
        handler.hasAnsweredProduces = true
        answered.append(handler)
    }

    /// Gives back what the request held: the log has answered for it.
    func release(_ request: PendingProduce) {
        memory.release(request.held)
        request.handler?.produceBytesInFlight -= request.held
        request.held = .zero
    }

    /// Handles are never used again, so nothing more will come for a deleted partition.
    private func forgetIfDeleted(_ queue: ProduceQueue, _ error: CommitLogError) {
        guard error == .closed, queue.isIdle else { return }
        queues[queue.handle] = nil
        if lastUsed === queue { lastUsed = nil }
    }

    private func recycle(_ batch: SealedBatch) {
        guard spareBatches.count < KafkaServerLimits.spareAppendsMax,
            batch.bytes.capacity <= KafkaServerLimits.appendBytesMax
        else { return }
        batch.bytes.removeAll()
        batch.recordCount = 0
        batch.hasProducerIDs = false
        batch.outcomes.removeAll(keepingCapacity: true)
        spareBatches.append(batch)
    }

    /// Takes back a request that was answered, for its memory.
    func recycle(_ request: PendingProduce) {
        request.handler = nil
        request.response.topics.removeAll(keepingCapacity: true)
        guard spareRequests.count < KafkaServerLimits.spareProducesMax else { return }
        spareRequests.append(request)
    }
}

/// Lets the mailbox's closure find the lane that is made after it. The loop forgets the closure
/// when it ends.
private final class LaneInbox {
    var lane: ProduceLane?
}
