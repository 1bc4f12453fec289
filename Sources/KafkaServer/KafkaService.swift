import BrokerModel
import CommitLog
import EventLoop
import KafkaSessions
import KafkaWire
import Partitions

/// All Kafka connections of one loop, and what they share. Confined to that loop.
public final class KafkaService {
    public let counters = KafkaServerCounters()
    /// Called on the loop with what operators should know of.
    public var report: (KafkaReport) -> Void = { _ in }
    /// For the storage loops, which raise it: long polls are woken by it.
    public let highWatermarkSignal: HighWatermarkSignal

    let loop: EventLoop
    let catalog: TopicCatalog
    /// Set before the loop runs.
    public var identity: KafkaBrokerIdentity
    let settings: KafkaServerSettings
    /// Pays for record bytes from the moment they are read until they are sent.
    let fetchMemory: MemoryPool

    let produceLane: ProduceLane
    let produceTargets: ProduceTargets
    /// Defaults of topics, and what the broker tells of its own settings. Set before the loop runs.
    public var configuration = KafkaBrokerConfiguration()
    let topicChanges: TopicChanges
    let producerIDs: ProducerIDs
    let groupOffsets: GroupOffsets
    let groups: GroupCoordinator
    private var produceCheck: ProduceCheck
    /// Connections whose Produce waits for memory.
    private var produceWaiters: [UInt64] = []
    /// Those whose request about groups waits until less of them is on its way to the log.
    var journalWaiters: [UInt64] = []

    private(set) var handlers: [UInt64: KafkaConnectionHandler] = [:]
    var idleTimer: TimerID?
    private var produceTimer: TimerID?
    private(set) var isStopping = false
    /// Waits for the disk in this loop's stead.
    let readers: ReaderPool
    let readerMailbox: Mailbox<ReaderAnswer>
    var turns = FetchTurns()

    private var waiters = FetchWaiters()
    private var isSignalArmed = false
    private var fetchSessions: FetchSessionCache
    /// Those whose output leaves at the end of this iteration, with a timer to look after it.
    private var unsettled: [KafkaConnectionHandler] = []

    public init(
        loop: EventLoop,
        catalog: TopicCatalog,
        identity: KafkaBrokerIdentity = .unknown,
        settings: KafkaServerSettings,
        fetchMemory: MemoryPool,
        produceMemory: MemoryPool,
        groupMemory: MemoryPool,
        shard: Mailbox<PartitionShardMessage>
    ) {
        self.loop = loop
        self.catalog = catalog
        self.identity = identity
        self.settings = settings
        self.fetchMemory = fetchMemory
        produceLane = ProduceLane(
            loop: loop,
            catalog: catalog,
            shard: shard,
            memory: produceMemory
        )
        produceTargets = ProduceTargets(catalog)
        fetchSessions = FetchSessionCache(slots: settings.fetchSessionsMax)
        produceCheck = ProduceCheck(
            decompressedBytesMax: ByteCount(
                produceMemory.capacity.rawValue * KafkaServerLimits.decompressedShare
            )
        )
        topicChanges = TopicChanges(loop: loop, shard: shard)
        producerIDs = ProducerIDs(loop: loop, shard: shard)
        let journal = GroupJournal(loop: loop, shard: shard)
        groups = GroupCoordinator(
            loop: loop,
            settings: settings.groups,
            memory: groupMemory,
            journal: journal,
            seed: .random(in: 0 ... .max)
        )
        groupOffsets = GroupOffsets(
            loop: loop,
            catalog: catalog,
            settings: settings.offsets,
            memory: groupMemory,
            journal: journal,
            counters: counters
        )
        let inbox = Inbox()
        let mailbox: Mailbox<HighWatermarkAdvance> = loop.makeMailbox { _ in
            inbox.service?.highWatermarksAdvanced()
        }
        highWatermarkSignal = HighWatermarkSignal(mailbox: mailbox)
        readerMailbox = loop.makeMailbox { inbox.service?.arrived($0) }
        readers = ReaderPool(threads: settings.readerThreads, queueMax: settings.readerQueueMax)
        inbox.service = self
        joinProduces()
        joinOffsets()
        joinGroups()
    }

    private func joinProduces() {
        loop.burstEnded = { [produceLane, groupOffsets] in
            produceLane.burstEnded()
            groupOffsets.burstEnded()
        }
        produceLane.memoryReturned = { [unowned self] in produceMemoryReturned() }
        produceLane.appendFailed = { [counters] in counters.appendsFailed.add() }
        producerIDs.settled = { [unowned self] connection, hasIDs in
            handlers[connection]?.producerIDsArrived(hasIDs)
        }
        topicChanges.changed = { [unowned self] change, outcome in
            let handler = handlers[change.connection]
            if case .success(let topic) = outcome { noteChange(change, of: topic, by: handler) }
            handler?.topicChanged(change, outcome)
        }
        topicChanges.recordsDeleted = { [unowned self] deletion, outcome in
            let handler = handlers[deletion.connection]
            if case .success(let offset) = outcome {
                noteDeletion(deletion.partition, before: offset, by: handler)
            }
            handler?.recordsDeleted(deletion, outcome)
        }
    }

    deinit { readers.stop() }

    /// What the reader threads were asked.
    public var readerCounters: ReaderPoolCounters { readers.counters }

    /// The handler of an accepted connection, for `EventLoop.listen`.
    public func accept(_ connection: Connection) -> any ConnectionHandler {
        let handler = KafkaConnectionHandler(connection, service: self)
        handlers[connection.id] = handler
        watchIdleConnections()
        return handler
    }

    /// Sends what producers brought to the log, takes no more, and ends the loop once the log has
    /// answered. It is not waited for for long: what it stores later is there, though its producers
    /// do not hear of it.
    public func stop() {
        guard !isStopping else { return }
        isStopping = true
        produceLane.flush()
        groupOffsets.journal.flush()
        stopOnceAnswered(before: loop.now + KafkaServerLimits.stopWaitMax)
    }

    private func stopOnceAnswered(before deadline: MonotonicTime) {
        let isIdle = produceLane.isIdle && groupOffsets.journal.isIdle
        guard !isIdle, loop.now < deadline else { return loop.stop() }
        loop.schedule(at: loop.now + .milliseconds(1)) { [weak self] in
            self?.stopOnceAnswered(before: deadline)
        }
    }

    /// Looks at those long polls again that wait for what the signal names.
    private func highWatermarksAdvanced() {
        guard !waiters.isEmpty else {
            isSignalArmed = false
            return highWatermarkSignal.disarm()
        }
        let advanced = waiters.advanced(highWatermarkSignal.take(), now: loop.now)
        for connection in advanced.ready { handlers[connection]?.lookAgain() }
        for (connection, time) in advanced.later { handlers[connection]?.lookAgain(at: time) }
    }

    /// How many fetches wait, for records or for memory.
    public var waitingFetches: Int { waiters.count }

    // MARK: For the handlers

    func park(_ waiter: FetchWaiter, of handler: KafkaConnectionHandler) {
        waiters.park(waiter)
        handler.lookAgain(at: waiter.deadline)
        guard !waiter.needsMemory else { return }
        guard !isSignalArmed || !waiter.isFresh else { return }
        highWatermarkSignal.arm()
        isSignalArmed = true
        // What became visible between the reading and the arming is announced to nobody.
        if waiter.watched.contains(where: \.hasAdvanced) {
            handler.lookAgain(at: max(waiter.earliest, loop.now))
        }
    }

    /// Whoever waits for a partition of a topic that was deleted is told so now.
    func endFetches(of topic: TopicEntry) {
        guard !waiters.isEmpty else { return }
        for connection in waiters.watching(topic.partitions.lazy.compactMap { $0?.handle }) {
            handlers[connection]?.endFetchWait()
        }
    }

    func unpark(_ connection: UInt64) {
        guard !waiters.isEmpty else { return }
        waiters.remove(connection)
    }

    func forget(_ connection: UInt64) {
        unpark(connection)
        produceWaiters.removeAll { $0 == connection }
        journalWaiters.removeAll { $0 == connection }
        handlers[connection] = nil
        turns.remove(connection)
    }

    /// Whether this connection's fetch may read in this iteration; if not, it is shown again.
    func mayRead(_ handler: KafkaConnectionHandler) -> Bool {
        let answer = turns.mayRead(
            handler.connection.id,
            isLight: handler.lastFetchBytes <= KafkaServerLimits.lightFetchBytesMax,
            now: loop.now
        )
        if answer.mustSchedule { scheduleTurns() }
        if !answer.now { counters.fetchesDeferred.add() }
        return answer.now
    }

    private func scheduleTurns() {
        loop.schedule(at: loop.now + .nanoseconds(1)) { [weak self] in
            guard let self else { return }
            for connection in turns.callNext(now: loop.now) { handlers[connection]?.lookAgain() }
            if turns.count > 0 { scheduleTurns() }
        }
    }

    /// The most that one fetch may have of the pool. Large ones come out of one half; what is left
    /// of the other is for small ones, so that consumers who take nothing leave the others some.
    var fetchShare: Int {
        let large = fetchMemory.capacity.rawValue / 2 - fetchMemory.used.rawValue
        return max(large / 2, KafkaServerLimits.fetchReservationMin)
    }

    private func arrived(_ answers: [ReaderAnswer]) {
        for answer in answers {
            if let handler = handlers[answer.connection] {
                handler.arrived(answer)
            } else {
                fetchMemory.release(answer.takeHeld())
            }
        }
        wakeMemoryWaiters()
    }

    /// Calls `settle` once this iteration's output was offered to the socket.
    func settleAfterFlush(_ handler: KafkaConnectionHandler) {
        unsettled.append(handler)
        guard unsettled.count == 1 else { return }
        // A later time than this iteration's, so that it is the next one that runs this.
        loop.schedule(at: loop.now + .nanoseconds(1)) { [weak self] in self?.settle() }
    }

    private func settle() {
        let written = unsettled
        unsettled.removeAll(keepingCapacity: true)
        for handler in written { handler.settle() }
    }

    func releaseFetchMemory(_ size: ByteCount) {
        guard size > .zero else { return }
        fetchMemory.release(size)
        wakeMemoryWaiters()
    }

    private func wakeMemoryWaiters() {
        let free = fetchMemory.capacity - fetchMemory.used
        for connection in waiters.needingMemory(free: max(.zero, free)) {
            handlers[connection]?.lookAgain()
        }
    }
}

// MARK: - Fetch sessions

extension KafkaService {
    func beginFetch(_ request: FetchRequest, version: Int16) -> FetchContext {
        defer { countFetchSessions() }
        return fetchSessions.begin(request, version: version, now: loop.now)
    }

    /// The answer leaves; returns the number of its session, 0 for none.
    func finishFetch(
        _ context: FetchContext,
        _ request: FetchRequest,
        version: Int16,
        telling news: [FetchNews]
    ) -> Int32 {
        defer { countFetchSessions() }
        var random = SystemRandomNumberGenerator()
        return fetchSessions.finish(
            context,
            request,
            version: version,
            telling: news,
            now: loop.now,
            using: &random
        )
    }

    private func countFetchSessions() {
        counters.fetchSessions.set(fetchSessions.count)
        counters.fetchSessionPartitions.set(fetchSessions.partitionCount)
        let counts = fetchSessions.counts
        counters.fetchSessionsOpened.add(counts.opened - counters.fetchSessionsOpened.count)
        counters.fetchSessionsEvicted.add(counts.evicted - counters.fetchSessionsEvicted.count)
        counters.fetchSessionsRefused.add(counts.refused - counters.fetchSessionsRefused.count)
    }
}

// MARK: - Produce

extension KafkaService {
    /// No connection holds more of the pool, so that one slow disk's producer leaves room for the
    /// others; a single request may be larger.
    var produceBytesInFlightMax: Int { produceLane.memory.capacity.rawValue / 4 }

    func check(
        _ records: UnsafeRawBufferPointer?,
        for topic: TopicEntry,
        version: Int16
    ) throws(ProduceRefusal) -> CheckedBatch {
        let batch = try produceCheck.check(
            records,
            for: topic,
            version: version,
            now: loop.wallClock
        )
        counters.bytesProduced.add(batch.bytes.count)
        counters.recordsProduced.add(batch.recordCount)
        return batch
    }

    /// By the batches of all producers, since the start.
    var bytesDecompressed: Int { produceCheck.bytesDecompressed }

    /// One pass over all connections now and then costs less than a timer for each request.
    func watchProduces() {
        guard produceTimer == nil else { return }
        let time = loop.now + KafkaServerLimits.produceWatchInterval
        produceTimer = loop.schedule(at: time) { [weak self] in
            guard let self else { return }
            produceTimer = nil
            let waiting = handlers.values.filter { !$0.produces.isEmpty }
            for handler in waiting { handler.timeOutProduces() }
            if !waiting.isEmpty { watchProduces() }
        }
    }

    func waitForProduceMemory(_ connection: UInt64) {
        counters.produceMemoryWaits.add()
        produceWaiters.append(connection)
    }

    private func produceMemoryReturned() {
        guard !produceWaiters.isEmpty else { return }
        let waiters = produceWaiters
        produceWaiters.removeAll(keepingCapacity: true)
        for connection in waiters { handlers[connection]?.lookAgain() }
    }
}

/// Lets the mailbox's closure find the service that is made after it.
private final class Inbox {
    weak var service: KafkaService?
}
