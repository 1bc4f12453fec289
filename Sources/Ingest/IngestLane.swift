import BrokerModel
import CommitLog
import EventLoop
import MQTTWire
import Partitions
import RecordFormat

/// What became of a publish at the door.
public enum IngestOutcome: Equatable, Sendable {
    /// In a batch. Its token, if it has one, comes back by `acknowledged`.
    case accepted(LiveDelivery)
    case noRoute
    /// No batch can hold the record.
    case tooLarge
    /// Its topic would be one more than routes may create.
    case topicsFull
}

/// One loop's way into the log. Confined to that loop.
public final class IngestLane {
    /// Gets tokens in the order of their publishes once their records are durable as their topics
    /// say, or have failed.
    public var acknowledged: (ArraySlice<AckToken>, CommitLogError?) -> Void = { _, _ in }
    /// Gets the tickets of `LiveDelivery.afterSync` in order, once their records are durable as
    /// their topics say, or have failed.
    public var settled: (ArraySlice<LiveTicket>, CommitLogError?) -> Void = { _, _ in }
    /// Asked before a batch leaves that holds QoS 2 publishes. After a false the batch, and those
    /// behind it, wait for `releaseHeld`.
    public var receiptsLeaving: (LeavingReceipts) -> Bool = { _ in true }
    /// Called after the tokens of such a batch.
    public var receiptsSettled: (PartitionHandle) -> Void = { _ in }
    /// Called when nothing of this lane waits for the log any more.
    public var becameIdle: () -> Void = {}
    /// True while the ingest pool is full. Whoever publishes asks first and stops reading: the lane
    /// takes what comes all the same, for it cannot be given back.
    public internal(set) var isFull = false
    /// Called when the pool has room again after it was full.
    public var roomReturned: () -> Void = {}
    public var counters: IngestCounters { router.counters }
    /// Called with what operators should know of.
    package var report: (IngestReport) -> Void = { _ in }

    /// Set before the loop runs.
    package var routes: RouteTable {
        get { router.table }
        set { router.table = newValue }
    }

    let settings: IngestSettings
    let pool: MemoryPool
    let shard: Mailbox<PartitionShardMessage>
    let router: Router
    let creations: TopicCreations
    private let replies: Mailbox<AppendReply>
    private var headers = PublishHeaders()
    private let sealer = BatchSealer()
    private let queues: PartitionQueues
    /// Queues with records that are not sealed, and some that had them a moment ago.
    private var listed: [PartitionQueue] = []
    private var batchesInFlight = 0
    /// Tokens that are due without an answer of the log: topics whose durability is `memory`.
    private var due: [AckToken] = []
    private var told: [AckToken] = []
    /// Tokens whose partition cannot be written.
    private var undeliverable: [AckToken] = []
    private var undeliverableTickets: [LiveTicket] = []
    private var nextTicket: UInt64 = 0
    private(set) var isFlushing = false
    /// Queues with batches that wait for `releaseHeld`.
    private var holding: [PartitionQueue] = []

    /// `loop` is the loop that this lane lives on, and that runs its replies.
    public init(
        settings: IngestSettings,
        pool: MemoryPool,
        loop: EventLoop,
        shard: Mailbox<PartitionShardMessage>,
        catalog: TopicCatalog
    ) {
        self.settings = settings
        self.pool = pool
        self.shard = shard
        queues = PartitionQueues(settings: settings)
        router = Router(settings: settings, catalog: catalog)
        creations = TopicCreations(loop: loop, shard: shard, settings: settings)
        let inbox = LaneInbox()
        replies = loop.makeMailbox { inbox.lane?.receive($0) }
        inbox.lane = self
        router.create = { [unowned self] in creations.ask($0, $1) }
        router.release = { [unowned queues] in queues.detach($0) }
        creations.answered = { [unowned self] in answered($0, $1) }
    }

    /// Encodes one publish, its topic alias resolved, into its partition's batch.
    public func publish(
        _ packet: PublishPacket,
        from origin: PublishOrigin,
        at time: Timestamp,
        token: AckToken?
    ) -> IngestOutcome {
        let plan: RoutePlan
        switch router.plan(packet, from: origin) {
        case .to(let found): plan = found
        case .noRoute:
            if token != nil { report(.unrouted(mqttTopic: Self.text(packet.topic))) }
            return .noRoute
        case .topicsFull:
            report(
                .topicsFull(most: settings.routeTopicsMax, mqttTopic: Self.text(packet.topic))
            )
            return .topicsFull
        }
        headers.encode(packet, from: origin)
        if plan.headerCount > 0 { headers.append(plan.headers, count: plan.headerCount) }
        let record = EncodedRecord(
            key: plan.key,
            value: packet.payload,
            headers: headers.bytes,
            headerCount: headers.count
        )
        let ticket = plan.isLiveSynced ? makeTicket() : nil
        let waiter = RecordWaiter(token: token, ticket: ticket, receipt: origin.receipt)
        let isStored = plan.target._withUnsafeGuaranteedRef { topic in
            topic.handles.isEmpty
                ? wait(record, in: topic, at: time, waiter)
                : add(record, plan.keyHash, to: topic, at: time, waiter)
        }
        guard isStored else { return .tooLarge }
        return .accepted(ticket.map { .afterSync($0) } ?? .early)
    }

    /// Appends a record to a topic of the broker's own. False when no batch can hold it.
    public func append(
        to partition: PartitionHandle,
        key: UnsafeRawBufferPointer?,
        value: UnsafeRawBufferPointer?,
        at time: Timestamp,
        token: AckToken?
    ) -> Bool {
        let record = EncodedRecord(
            key: key,
            value: value,
            headers: UnsafeRawBufferPointer(start: nil, count: 0),
            headerCount: 0
        )
        let queue = queues.queue(of: partition)
        guard fits(record, queue.recordBytesMax) else { return false }
        return write(record, to: queue, at: time, RecordWaiter(token: token))
    }

    /// Lets the log forget what it holds of a topic of the broker's own before `offset`.
    public func deleteSegments(of partition: PartitionHandle, before offset: Offset) {
        shard.post(.deleteSegments(partition, before: offset))
    }

    /// Sends what this burst brought, unless enough is on its way: then the next reply sends it.
    public func burstEnded() {
        router.refresh()
        reportDue()
        // What a batch with receipts calls for joins the list while it is walked.
        var kept = 0
        var index = 0
        while index < listed.count {
            let queue = listed[index]
            if !queue.builder.isEmpty,
                isFlushing || queue.inFlight.count < settings.batchesInFlightMax
            {
                seal(queue)
            }
            if queue.builder.isEmpty {
                queue.isListed = false
                if queue.isDetached { queues.dismiss(queue) }
            } else {
                listed.swapAt(kept, index)
                kept += 1
            }
            index += 1
        }
        listed.removeLast(listed.count - kept)
    }

    /// Sends what waits for a partition, however much is on its way.
    public func send(to partition: PartitionHandle) {
        guard let queue = queues[partition], !queue.builder.isEmpty else { return }
        seal(queue)
    }

    /// Sends everything, however much is on its way: the lane's last act before its loop stops.
    public func flush() {
        isFlushing = true
        burstEnded()
    }

    public var isIdle: Bool {
        batchesInFlight == 0 && creations.isIdle && due.isEmpty && undeliverable.isEmpty
            && listed.allSatisfy { $0.builder.isEmpty }
    }

    private static func text(_ topic: UnsafeRawBufferPointer) -> String {
        String(decoding: topic.prefix(256), as: UTF8.self)
    }

    private func makeTicket() -> LiveTicket {
        nextTicket &+= 1
        return LiveTicket(rawValue: nextTicket)
    }
}

// Records.
extension IngestLane {
    func fits(_ record: EncodedRecord, _ recordBytesMax: ByteCount) -> Bool {
        record.size &+ RecordFormatLimits.headerBytes <= recordBytesMax.rawValue
    }

    func add(
        _ record: EncodedRecord,
        _ keyHash: UInt32?,
        to topic: RouteTopic,
        at time: Timestamp,
        _ waiter: RecordWaiter
    ) -> Bool {
        var number = 0
        if topic.handles.count > 1 {
            if let key = record.key {
                number = Murmur2.partition(
                    ofHash: keyHash ?? Murmur2.hash(key),
                    among: topic.handles.count
                )
            } else {
                number = topic.keylessPartition()
            }
        }
        guard let queue = topic.queues[number] ?? queues.attach(topic, number) else {
            return fail(waiter)
        }
        guard fits(record, queue.recordBytesMax) else { return false }
        // A receipt's release must not stand in the log before its record does, whatever it is worth.
        guard topic.acknowledgesAtOnce, waiter.receipt == nil, let token = waiter.token else {
            return write(record, to: queue, at: time, waiter)
        }
        var rest = waiter
        rest.token = nil
        guard write(record, to: queue, at: time, rest) else { return false }
        due.append(token)
        return true
    }

    /// The partition is offline: whoever waits is told when the burst ends.
    func fail(_ waiter: RecordWaiter) -> Bool {
        if let token = waiter.token { undeliverable.append(token) } else { counters.dropped.add() }
        if let ticket = waiter.ticket { undeliverableTickets.append(ticket) }
        return true
    }

    private func write(
        _ record: EncodedRecord,
        to queue: PartitionQueue,
        at time: Timestamp,
        _ waiter: RecordWaiter
    ) -> Bool {
        let size = record.size
        if !queue.builder.isEmpty,
            queue.builder.uncompressedBytes + ByteCount(size) > queue.batchBytesMax
        {
            seal(queue)
        }
        do throws(RecordFormatError) {
            try queue.builder.append(
                timestamp: time,
                key: record.key,
                value: record.value,
                headerCount: record.headerCount,
                headerBytes: record.headers
            )
        } catch {
            return false
        }
        if !queue.reservation.reserve(size &+ PartitionQueue.recordOverhead, from: pool) {
            isFull = true
        }
        queue.waiters.add(waiter)
        if !queue.isListed {
            queue.isListed = true
            listed.append(queue)
        }
        if queue.builder.uncompressedBytes >= queue.batchBytesMax { seal(queue) }
        return true
    }

    private func seal(_ queue: PartitionQueue) {
        var mayLeave = queue.held.isEmpty
        if let receipts = queue.leavingReceipts, !receiptsLeaving(receipts) { mayLeave = false }
        let batch = sealer.seal(&queue.builder)
        let needsSync = !queue.waiters.isEmpty
        queue.close(batch)
        queue.topic?.sealed(queue.number)
        batchesInFlight += 1
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
}

// Answers.
extension IngestLane {
    private func receive(_ replies: [AppendReply]) {
        for reply in replies {
            guard let queue = queues[reply.partition] else { continue }
            settle(reply, of: queue)
        }
        roomMayHaveReturned()
    }

    private func settle(_ reply: AppendReply, of queue: PartitionQueue) {
        guard var finished = queue.take(reply.batch) else { return }
        batchesInFlight -= 1
        pool.release(finished.reserved)
        var failure: CommitLogError?
        if case .failure(let error) = reply.outcome {
            failure = error
            counters.dropped.add(reply.batch.recordCount - finished.waiters.tokens.count)
        }
        tell(finished.waiters.tokens, finished.waiters.tickets, failure)
        if finished.waiters.firstReceipt != nil { receiptsSettled(queue.partition) }
        sealer.recycle(reply.batch)
        queue.recycle(&finished.waiters)
        queues.dismiss(queue)
    }

    func tell(_ tokens: [AckToken], _ tickets: [LiveTicket], _ error: CommitLogError?) {
        if !tokens.isEmpty { acknowledged(tokens[...], error) }
        if !tickets.isEmpty { settled(tickets[...], error) }
    }

    /// What is due without an answer of the log.
    private func reportDue() {
        if !due.isEmpty {
            // Traded for a spare, so that neither gives its memory back.
            swap(&due, &told)
            acknowledged(told[...], nil)
            told.removeAll(keepingCapacity: true)
        }
        guard !undeliverable.isEmpty || !undeliverableTickets.isEmpty else { return }
        let (tokens, tickets) = (undeliverable, undeliverableTickets)
        (undeliverable, undeliverableTickets) = ([], [])
        tell(tokens, tickets, .unusable(path: "the partition", why: "it is offline"))
    }

    func roomMayHaveReturned() {
        if isFull {
            isFull = false
            roomReturned()
        }
        if isIdle { becameIdle() }
    }
}

/// Lets the mailbox's closure find the lane that is made after it. The loop forgets the closure
/// when it ends. Not weak: a weak reference slows down every count of the lane's own references.
private final class LaneInbox {
    var lane: IngestLane?
}
