import BrokerModel
import CommitLog
import EventLoop
import Ingest
import MQTTServer
import Partitions
import Posix
import Synchronization
import Testing

/// The MQTT half of the broker on its two threads, over a disk whose syncs a test can hold back.
final class BrokerBench {
    typealias Task = @Sendable (BrokerScope) -> Void

    let address: SocketAddress
    let counters: MQTTCounters
    let loopCounters: EventLoopCounters
    let shardCounters: ShardCounters
    let storagePulse: LoopPulse
    let gate: SyncGate
    let pools: BenchPools
    let reader: PartitionReader
    private let tasks: Mailbox<Task>
    private let shard: Mailbox<PartitionShardMessage>
    private let network: SystemThread
    private let storage: SystemThread
    private var hasStopped = false

    init(
        settings: MQTTServerSettings = MQTTServerSettings(),
        ingest: IngestSettings = IngestSettings(),
        pools: BenchPools = BenchPools()
    ) throws {
        self.pools = pools
        let storageLoop = try EventLoop(
            settings: EventLoopSettings(input: pools.storage, output: pools.storage)
        )
        let loop = try EventLoop(
            settings: EventLoopSettings(input: pools.input, output: pools.output)
        )
        let files = GatedFileSystem()
        gate = files.gate
        let catalog = TopicCatalog()
        let shard = PartitionShard(
            loop: storageLoop,
            settings: PartitionShardSettings(),
            catalog: catalog
        )
        let lane = IngestLane(
            settings: ingest,
            pool: pools.ingest,
            loop: loop,
            shard: shard.mailbox,
            catalog: catalog
        )
        let server = MQTTServer(
            loop: loop,
            lane: lane,
            settings: settings,
            memory: pools.sessions,
            deliveries: pools.deliveries,
            seed: 7
        )
        let store = try PartitionStore.open(
            path: "/data",
            fileSystem: files,
            newIdentity: { PartitionStoreIdentity(nodeID: 1, clusterID: .zero, directoryID: .zero) }
        )
        let topic = try #require(TopicName("mqtt"))
        let made = try store.createTopic(topic, id: UUIDBytes(high: 1, low: 1), partitions: 1)
        let partition = try #require(made.partition(0))
        reader = partition.reader
        shard.open(store)
        address = try server.listen(at: SocketAddress("127.0.0.1:0"))
        counters = server.counters
        loopCounters = loop.counters
        shardCounters = shard.counters
        storagePulse = LoopPulse("storage", of: storageLoop)
        let scope = BrokerScope(loop: loop, lane: lane, server: server)
        tasks = loop.makeMailbox { (messages: [Task]) in
            for message in messages { message(scope) }
        }
        self.shard = shard.mailbox
        storage = try Self.start(storageLoop)
        network = try Self.start(loop)
    }

    deinit { stop() }

    /// What is confined to a loop was built here, and is not touched here again.
    private static func start(_ loop: EventLoop) throws -> SystemThread {
        nonisolated(unsafe) let loop = loop
        return try SystemThread.start(named: "bench") { loop.run() }
    }

    func peer(receiveBufferBytes: Int = 0) throws -> Peer {
        Peer(
            try ClientSocket(
                to: address,
                timeout: testDeadline,
                receiveBufferBytes: receiveBufferBytes
            )
        )
    }

    /// A peer that has its CONNACK.
    func connected(_ name: String, receiveBufferBytes: Int = 0) throws -> Peer {
        let peer = try peer(receiveBufferBytes: receiveBufferBytes)
        try peer.connect(name)
        return peer
    }

    /// Runs `body` on the loop's thread.
    func perform(_ task: @escaping Task) { tasks.post(task) }

    /// Runs `body` on the loop's thread and brings its answer back.
    func ask<Answer: Sendable>(
        _ body: @escaping @Sendable (BrokerScope) -> Answer
    ) throws -> Answer {
        let answer = Answered<Answer>()
        tasks.post { answer.set(body($0)) }
        return try #require(answer.wait())
    }

    /// Asks the loop again and again; false when the condition does not hold in time.
    func eventually(_ condition: @escaping @Sendable (BrokerScope) -> Bool) throws -> Bool {
        let end = SystemClock.monotonicNanoseconds + testDeadline.nanoseconds
        while SystemClock.monotonicNanoseconds < end {
            if try ask(condition) { return true }
        }
        return false
    }

    /// Stops the network loop first, then the log, as the broker does.
    func stop() {
        guard !hasStopped else { return }
        hasStopped = true
        gate.open()
        tasks.post { $0.server.stop() }
        network.join()
        shard.post(.stop)
        storage.join()
    }
}

/// What lives on the network loop's thread.
final class BrokerScope {
    let loop: EventLoop
    let lane: IngestLane
    let server: MQTTServer

    init(loop: EventLoop, lane: IngestLane, server: MQTTServer) {
        self.loop = loop
        self.lane = lane
        self.server = server
    }
}

struct BenchPools: Sendable {
    let ingest: MemoryPool
    let input = MemoryPool(name: "input", capacity: .mebibytes(16))
    let output: MemoryPool
    let sessions = MemoryPool(name: "sessions", capacity: .mebibytes(8))
    let deliveries: MemoryPool
    let storage = MemoryPool(name: "storage", capacity: .zero)

    init(
        ingest: ByteCount = .mebibytes(32),
        output: ByteCount = .mebibytes(32),
        deliveries: ByteCount = .mebibytes(8)
    ) {
        self.deliveries = MemoryPool(name: "deliveries", capacity: deliveries)
        self.ingest = MemoryPool(name: "ingest", capacity: ingest)
        self.output = MemoryPool(name: "output", capacity: output)
    }
}

/// An answer from another thread.
private final class Answered<Answer: Sendable>: Sendable {
    private let answer = Mutex<Answer?>(nil)
    private let waiter = Waiter()

    func set(_ value: Answer) {
        answer.withLock { $0 = value }
        waiter.wake()
    }

    func wait() -> Answer? {
        _ = waiter.wait { answer.withLock { $0 != nil } }
        return answer.withLock { $0 }
    }
}
