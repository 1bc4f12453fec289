import BrokerModel
import CommitLog
import EventLoop
import HeadwaterTesting
import KafkaServer
import Partitions
import Posix
import RecordFormat
import Synchronization
import Testing

let testDeadline = Duration.seconds(20)

/// A Kafka service on its own loop and thread, over a store that the test writes to.
final class TestBroker {
    typealias Task = @Sendable (KafkaService, EventLoop) -> Void

    static let identity = KafkaBrokerIdentity(
        nodeID: 7,
        clusterID: UUIDBytes(high: 3, low: 4),
        advertisedHost: "box.example",
        advertisedPort: 9_092
    )

    let fileSystem: SimulatedFileSystem
    let catalog: TopicCatalog
    let pool: MemoryPool
    let counters: KafkaServerCounters
    let reports = Reports()
    private(set) var store: PartitionStore
    private let signal: HighWatermarkSignal
    private let address: SocketAddress
    private let tasks: Mailbox<Task>
    private let thread: SystemThread

    /// Starts with the topics given, one letter each, and how many partitions they have.
    init(
        _ topics: [String: Int32] = ["t": 1],
        fileSystem: SimulatedFileSystem = SimulatedFileSystem(),
        disk: (any FileSystem)? = nil,
        settings: KafkaServerSettings = KafkaServerSettings(),
        log: TopicSettings = TopicSettings(),
        fetchMemory: ByteCount = .mebibytes(8),
        sendBuffer: ByteCount = .zero
    ) throws {
        self.fileSystem = fileSystem
        store = try Self.open(disk ?? fileSystem, log)
        for (name, count) in topics.sorted(by: { $0.key < $1.key }) {
            try Self.create(name, partitions: count, in: store)
        }
        catalog = TopicCatalog(TopicCatalogSnapshot(of: store))
        pool = MemoryPool(name: "fetch", capacity: fetchMemory)
        let loop = try EventLoop(
            settings: EventLoopSettings(
                input: MemoryPool(name: "input", capacity: .mebibytes(16)),
                output: MemoryPool(name: "output", capacity: .mebibytes(16))
            )
        )
        let service = KafkaService(
            loop: loop,
            catalog: catalog,
            identity: Self.identity,
            settings: settings,
            fetchMemory: pool,
            produceMemory: MemoryPool(name: "produce", capacity: .mebibytes(8)),
            groupMemory: MemoryPool(name: "groups", capacity: .mebibytes(4)),
            shard: loop.makeMailbox { _ in }
        )
        // Nobody would answer: the test itself owns the store.
        service.configuration.creation.createsOnFirstUse = false
        let reports = reports
        service.report = { reports.add($0) }
        counters = service.counters
        signal = service.highWatermarkSignal
        tasks = loop.makeMailbox { (messages: [Task]) in
            for message in messages { message(service, loop) }
        }
        var limits = ConnectionLimits()
        limits.sendBufferBytes = sendBuffer
        address = try loop.listen(at: SocketAddress("127.0.0.1:0"), limits: limits) {
            service.accept($0)
        }.address
        thread = try SystemThread.start(named: "kafka", handing: loop) { $0.run() }
    }

    deinit {
        tasks.post { _, loop in loop.stop() }
        thread.join()
    }

    func connect(receiveBufferBytes: Int = 0) throws -> TestClient {
        try TestClient(to: address, receiveBufferBytes: receiveBufferBytes)
    }

    /// Runs `body` on the loop's thread and brings its answer back.
    func ask<Answer: Sendable>(
        _ body: @escaping @Sendable (KafkaService, EventLoop) -> Answer
    ) throws -> Answer {
        let event = try WakeEvent()
        let box = Box<Answer>()
        tasks.post { service, loop in
            let value = body(service, loop)
            box.value.withLock { $0 = value }
            event.signal()
        }
        let epoll = try Epoll()
        try epoll.add(event.descriptor, .input, tag: 0)
        _ = epoll.wait(milliseconds: Int32(testDeadline.wholeMilliseconds))
        return try #require(box.value.withLock { $0 })
    }

    /// Runs `body` while the loop stands still, so that it meets the outcome all at once.
    func atOnce(_ body: () throws -> Void) throws {
        let gate = ThreadSemaphore()
        tasks.post { _, _ in gate.wait() }
        defer { gate.signal() }
        try body()
    }

    /// Asks the loop again and again until `condition` holds.
    func expectEventually(
        sourceLocation: SourceLocation = #_sourceLocation,
        _ condition: @escaping @Sendable (KafkaService) -> Bool
    ) throws {
        let end = SystemClock.monotonicNanoseconds + testDeadline.nanoseconds
        while SystemClock.monotonicNanoseconds < end {
            if try ask({ service, _ in condition(service) }) { return }
        }
        Issue.record("the condition did not come true", sourceLocation: sourceLocation)
    }

    // MARK: The log

    func topicID(_ topic: String) throws -> UUIDBytes {
        try #require(store.partition(handle(topic, 0))).log.topicID
    }

    /// Appends one batch with a record for each value; visible with the next `commit`.
    @discardableResult
    func append(
        _ values: [[UInt8]],
        to topic: String = "t",
        _ partition: Int32 = 0,
        times: [Int64] = []
    ) throws -> [UInt8] {
        var builder = RecordBatchBuilder()
        for (index, value) in values.enumerated() {
            let time = index < times.count ? times[index] : 1_000
            try value.withUnsafeBytes { bytes in
                try builder.append(
                    timestamp: Timestamp(milliseconds: time),
                    key: nil,
                    value: bytes
                )
            }
        }
        var batch = ByteWriter()
        builder.sealUncompressed(into: &batch)
        let now = Timestamp(milliseconds: 1_000)
        try store.append(batch.mutableBytes, to: handle(topic, partition), now: now)
        return [UInt8](batch.bytes)
    }

    /// Syncs, and tells the long polls.
    func commit() {
        signal.raise(store.commit().advanced)
    }

    func addTopic(_ name: String, partitions: Int32) throws {
        try Self.create(name, partitions: partitions, in: store)
        catalog.publish(TopicCatalogSnapshot(of: store))
    }

    private func handle(_ topic: String, _ partition: Int32) throws -> PartitionHandle {
        let name = try #require(TopicName(topic))
        return try #require(
            store.handle(of: TopicPartition(topic: name, partition: partition))
        )
    }

    private static func create(
        _ name: String,
        partitions: Int32,
        in store: PartitionStore
    ) throws {
        let topic = try #require(TopicName(name))
        let id = UUIDBytes(high: 1, low: UInt64(name.utf8.reduce(0) { $0 &* 31 &+ Int($1) }))
        guard store.handle(of: TopicPartition(topic: topic, partition: 0)) == nil else { return }
        try store.createTopic(topic, id: id, partitions: partitions)
    }

    private static func open(
        _ fileSystem: any FileSystem,
        _ settings: TopicSettings
    ) throws -> PartitionStore {
        try PartitionStore.open(path: "/data", fileSystem: fileSystem, settings: settings) {
            PartitionStoreIdentity(
                nodeID: identity.nodeID,
                clusterID: identity.clusterID,
                directoryID: UUIDBytes(high: 5, low: 6)
            )
        }
    }
}

/// What the service reported.
final class Reports: Sendable {
    private let stored = Mutex<[KafkaReport]>([])

    var all: [KafkaReport] { stored.withLock { $0 } }
    func add(_ report: KafkaReport) { stored.withLock { $0.append(report) } }
}

private final class Box<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
}
