import BrokerModel
import CommitLog
import EventLoop
import MQTTWire
import Partitions
import RecordFormat

/// What became of a publish at the door.
public enum IngestOutcome: Sendable {
    /// In a batch. Its token, if it has one, comes back by `acknowledged`.
    case accepted
    case noRoute
    /// No batch can hold the record.
    case tooLarge
}

/// One loop's way into the log. Confined to that loop.
public final class IngestLane {
    /// Gets tokens in the order of their publishes once their records are durable, or have failed.
    public var acknowledged: (ArraySlice<AckToken>, CommitLogError?) -> Void = { _, _ in }
    /// Asked before a batch leaves that holds QoS 2 publishes, with the first one's receipt. After
    /// a false the batch, and those behind it, wait for `releaseHeld`.
    public var receiptsLeaving: (PartitionHandle, UInt64) -> Bool = { _, _ in true }
    /// Called after the tokens of such a batch.
    public var receiptsSettled: (PartitionHandle) -> Void = { _ in }
    /// Called when nothing of this lane waits for the log any more.
    public var becameIdle: () -> Void = {}
    /// True while the ingest pool is full. Whoever publishes asks first and stops reading: the lane
    /// takes what comes all the same, for it cannot be given back.
    public private(set) var isFull = false
    /// Called when the pool has room again after it was full.
    public var roomReturned: () -> Void = {}
    /// Records that failed without anybody to tell: QoS 0.
    public let dropped = Counter()

    /// Set before the loop runs.
    public var routes = RouteTable(everythingTo: nil)

    private let settings: IngestSettings
    private let pool: MemoryPool
    private let shard: Mailbox<PartitionShardMessage>
    private let replies: Mailbox<AppendReply>
    private var headers = PublishHeaders()
    private let sealer = BatchSealer()
    private var partitions: [PartitionHandle: PartitionQueue] = [:]
    private var lastUsed: PartitionQueue?
    /// Queues with batches that wait for `releaseHeld`.
    private var holding: [PartitionQueue] = []

    /// `loop` is the loop that this lane lives on, and that runs its replies.
    public init(
        settings: IngestSettings,
        pool: MemoryPool,
        loop: EventLoop,
        shard: Mailbox<PartitionShardMessage>
    ) {
        self.settings = settings
        self.pool = pool
        self.shard = shard
        let inbox = LaneInbox()
        replies = loop.makeMailbox { inbox.lane?.receive($0) }
        inbox.lane = self
    }

    /// Encodes one publish, its topic alias resolved, into its partition's batch.
    public func publish(
        _ packet: PublishPacket,
        from origin: PublishOrigin,
        at time: Timestamp,
        token: AckToken?
    ) -> IngestOutcome {
        let topic = packet.topic
        guard let partition = routes.route(topic) else { return .noRoute }
        headers.encode(packet, from: origin)
        let size =
            topic.count &+ packet.payload.count &+ headers.bytes.count
            &+ PartitionQueue.recordOverhead
        guard size &+ RecordFormatLimits.headerBytes <= settings.recordBytesMax.rawValue else {
            return .tooLarge
        }
        let queue = queue(of: partition)
        if !queue.builder.isEmpty,
            queue.builder.uncompressedBytes + ByteCount(size) > settings.batchBytesMax
        {
            seal(queue)
        }
        do throws(RecordFormatError) {
            try queue.builder.append(
                timestamp: time,
                key: topic,
                value: packet.payload,
                headerCount: headers.count,
                headerBytes: headers.bytes
            )
        } catch {
            return .tooLarge
        }
        if !queue.reserve(size, from: pool) { isFull = true }
        if let token { queue.tokens.append(token) }
        if let receipt = origin.receipt, queue.firstReceipt == nil { queue.firstReceipt = receipt }
        if queue.builder.uncompressedBytes >= settings.batchBytesMax { seal(queue) }
        return .accepted
    }

    /// Appends a record to a topic of the broker's own. False when no batch can hold it.
    public func append(
        to partition: PartitionHandle,
        key: UnsafeRawBufferPointer?,
        value: UnsafeRawBufferPointer?,
        at time: Timestamp,
        token: AckToken?
    ) -> Bool {
        let size = (key?.count ?? 0) &+ (value?.count ?? 0) &+ PartitionQueue.recordOverhead
        guard size &+ RecordFormatLimits.headerBytes <= settings.recordBytesMax.rawValue else {
            return false
        }
        let queue = queue(of: partition)
        if !queue.builder.isEmpty,
            queue.builder.uncompressedBytes + ByteCount(size) > settings.batchBytesMax
        {
            seal(queue)
        }
        do throws(RecordFormatError) {
            try queue.builder.append(
                timestamp: time,
                key: key,
                value: value,
                headerCount: 0,
                headerBytes: UnsafeRawBufferPointer(start: nil, count: 0)
            )
        } catch {
            return false
        }
        if !queue.reserve(size, from: pool) { isFull = true }
        if let token { queue.tokens.append(token) }
        return true
    }

    /// Sends what waits for a partition, however much is on its way.
    public func send(to partition: PartitionHandle) {
        guard let queue = partitions[partition], !queue.builder.isEmpty else { return }
        seal(queue)
    }

    /// Sends what this burst brought, unless enough is on its way: then the next reply sends it.
    public func burstEnded() {
        for queue in partitions.values
        where !queue.builder.isEmpty && queue.inFlight.count < settings.batchesInFlightMax {
            seal(queue)
        }
    }

    /// Sends everything, however much is on its way: the lane's last act before its loop stops.
    public func flush() {
        for queue in partitions.values where !queue.builder.isEmpty { seal(queue) }
    }

    public var isIdle: Bool {
        partitions.values.allSatisfy { $0.builder.isEmpty && $0.inFlight.isEmpty }
    }

    private func queue(of partition: PartitionHandle) -> PartitionQueue {
        if let lastUsed, lastUsed.partition == partition { return lastUsed }
        let queue = partitions[partition] ?? PartitionQueue(partition)
        partitions[partition] = queue
        lastUsed = queue
        return queue
    }

    private func seal(_ queue: PartitionQueue) {
        var mayLeave = queue.held.isEmpty
        if let receipt = queue.firstReceipt, !receiptsLeaving(queue.partition, receipt) {
            mayLeave = false
        }
        let batch = sealer.seal(&queue.builder)
        let needsSync = !queue.tokens.isEmpty
        queue.close(batch)
        let request = AppendRequest(
            partition: queue.partition,
            batch: batch,
            needsSync: needsSync,
            replyTo: replies
        )
        if mayLeave { return shard.post(.append(request)) }
        if queue.held.isEmpty { holding.append(queue) }
        queue.held.append(request)
    }

    /// Sends the batches that had to wait for a record of the broker's own.
    public func releaseHeld() {
        let queues = holding
        holding.removeAll()
        for queue in queues {
            for request in queue.held { shard.post(.append(request)) }
            queue.held.removeAll()
        }
    }

    private func receive(_ replies: [AppendReply]) {
        for reply in replies {
            guard let queue = partitions[reply.partition] else { continue }
            settle(reply, of: queue)
        }
        if isFull {
            isFull = false
            roomReturned()
        }
        if isIdle { becameIdle() }
    }

    private func settle(_ reply: AppendReply, of queue: PartitionQueue) {
        guard let finished = queue.take(reply.batch) else { return }
        pool.release(finished.reserved)
        switch reply.outcome {
        case .success:
            acknowledged(finished.tokens[...], nil)
        case .failure(let error):
            dropped.add(reply.batch.recordCount - finished.tokens.count)
            acknowledged(finished.tokens[...], error)
        }
        if finished.hasReceipts { receiptsSettled(queue.partition) }
        sealer.recycle(reply.batch)
        queue.recycle(finished.tokens)
    }
}

/// Lets the mailbox's closure find the lane that is made after it. The loop forgets the closure
/// when it ends. Not weak: a weak reference slows down every count of the lane's own references.
private final class LaneInbox {
    var lane: IngestLane?
}
