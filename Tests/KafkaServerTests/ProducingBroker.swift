import BrokerModel
import CommitLog
import EventLoop
import HeadwaterTesting
import KafkaServer
import KafkaSessions
import KafkaWire
import Partitions
import Posix
import RecordFormat
import Testing

/// A Kafka service and a storage loop over a simulated disk. The storage loop runs only once the
/// test wants it to, so that a test can see what waits for it.
final class ProducingBroker {
    struct Topic {
        var partitions: Int32 = 1
        var overrides: [String: String] = [:]
    }

    let fileSystem: SimulatedFileSystem
    /// Of groups, when one of the topics is theirs.
    let groupReport: GroupRestoreReport?
    let groupLag: PublishedGroupLag
    let catalog = TopicCatalog()
    let memory: MemoryPool
    let counters: KafkaServerCounters
    let reports = Reports()
    private let store: PartitionStore
    private let shard: Mailbox<PartitionShardMessage>
    private let kafkaLoop: Mailbox<Stop>
    private let storageLoop: EventLoop
    private let kafka: SystemThread
    private var storage: SystemThread?
    private let address: SocketAddress
    private var hasStopped = false

    private enum Stop { case atOnce, clean }

    init(
        _ topics: [String: Topic] = ["t": Topic()],
        settings: KafkaServerSettings = KafkaServerSettings(),
        creation: TopicCreationSettings = TopicCreationSettings(),
        memory: ByteCount = .mebibytes(8),
        groupMemory: ByteCount = .mebibytes(4),
        handshakeTimeout: Duration? = nil,
        fileSystem: SimulatedFileSystem = SimulatedFileSystem(),
        storing: Bool = true
    ) throws {
        self.fileSystem = fileSystem
        self.memory = MemoryPool(name: "produce", capacity: memory)
        let none = MemoryPool(name: "none", capacity: .zero)
        storageLoop = try EventLoop(settings: EventLoopSettings(input: none, output: none))
        let keeper = PartitionShard(
            loop: storageLoop,
            settings: PartitionShardSettings(),
            catalog: catalog
        )
        shard = keeper.mailbox
        store = try PartitionStore.open(
            path: "/data",
            fileSystem: fileSystem,
            creation: creation
        ) { PartitionStoreIdentity(nodeID: 7, clusterID: .zero, directoryID: .zero) }
        try Self.make(topics, in: store)
        let loop = try EventLoop(
            settings: EventLoopSettings(
                input: MemoryPool(name: "input", capacity: .mebibytes(16)),
                output: MemoryPool(name: "output", capacity: .mebibytes(16))
            )
        )
        let service = KafkaService(
            loop: loop,
            catalog: catalog,
            identity: TestBroker.identity,
            settings: settings,
            fetchMemory: MemoryPool(name: "fetch", capacity: .mebibytes(8)),
            produceMemory: self.memory,
            groupMemory: MemoryPool(name: "groups", capacity: groupMemory),
            shard: keeper.mailbox
        )
        service.configuration.creation = creation
        counters = service.counters
        let reports = reports
        service.report = { reports.add($0) }
        groupLag = service.groupLag
        let groups = Self.groupPartition(of: store)
        groupReport = groups.map { service.keepGroups(in: $0) }
        keeper.signals = [service.highWatermarkSignal]
        keeper.open(store)
        var limits = ConnectionLimits()
        limits.handshakeTimeout = handshakeTimeout
        address = try loop.listen(at: SocketAddress("127.0.0.1:0"), limits: limits) {
            service.accept($0)
        }.address
        kafkaLoop = Self.stops(of: service, on: loop)
        kafka = try SystemThread.start(named: "kafka", handing: loop) { $0.run() }
        if storing { try startStoring() }
    }

    private static func stops(of service: KafkaService, on loop: EventLoop) -> Mailbox<Stop> {
        loop.makeMailbox { [loop] (stops: [Stop]) in
            for stop in stops { stop == .clean ? service.stop() : loop.stop() }
        }
    }

    private static func make(_ topics: [String: Topic], in store: PartitionStore) throws {
        for (number, topic) in topics.sorted(by: { $0.key < $1.key }).enumerated() {
            let name = try #require(TopicName(topic.key))
            guard TopicCatalogSnapshot(of: store).topic(named: name) == nil else { continue }
            try store.createTopic(
                name,
                id: UUIDBytes(high: 1, low: UInt64(number)),
                partitions: topic.value.partitions,
                overrides: topic.value.overrides
            )
        }
    }

    private static func groupPartition(of store: PartitionStore) -> PartitionEntry? {
        let topics = TopicCatalogSnapshot(of: store)
        guard let name = TopicName(GroupRecord.topic) else { return nil }
        return topics.topic(named: name)?.partition(0)
    }

    /// Lets the storage loop take what has come, and go on.
    func startStoring() throws {
        guard storage == nil else { return }
        // Handed over for good: this thread only joins the other.
        nonisolated(unsafe) let loop = storageLoop
        storage = try SystemThread.start(named: "storage") { loop.run() }
    }

    /// Tells the Kafka loop to end as a broker's does. Others see to it that the log answers.
    func beginCleanStop() { kafkaLoop.post(.clean) }

    deinit {
        guard !hasStopped else { return }
        kafkaLoop.post(.atOnce)
        kafka.join()
        shard.post(.stop)
        try? startStoring()
        storage?.join()
    }

    func connect() throws -> TestClient { try TestClient(to: address) }

    func topicID(_ topic: String) throws -> UUIDBytes {
        try #require(TopicName(topic).flatMap { catalog.snapshot.topic(named: $0) }).id
    }

    /// All that lies in a partition's first segment.
    func stored(_ topic: String = "t", _ partition: Int32 = 0) -> [UInt8] {
        fileSystem.contents("/data/\(topic)-\(partition)/00000000000000000000.log") ?? []
    }

    /// Ends both loops in order, so that another broker can take the files over.
    func stop() {
        kafkaLoop.post(.clean)
        kafka.join()
        shard.post(.stop)
        try? startStoring()
        storage?.join()
        storage = nil
        hasStopped = true
    }

    /// Waits until `condition` holds, looking again and again.
    func expectEventually(
        sourceLocation: SourceLocation = #_sourceLocation,
        _ condition: () -> Bool
    ) {
        let end = SystemClock.monotonicNanoseconds + testDeadline.nanoseconds
        while SystemClock.monotonicNanoseconds < end {
            if condition() { return }
        }
        Issue.record("the condition did not come true", sourceLocation: sourceLocation)
    }
}

/// Batches as a producer sends them.
enum ProducerBatch {
    static var now: Int64 { SystemClock.wallMilliseconds }

    static func make(
        _ values: [[UInt8]] = [[1]],
        times: [Int64] = [],
        zstd: Bool = false
    ) throws -> [UInt8] {
        var builder = RecordBatchBuilder()
        for (index, value) in values.enumerated() {
            let time = index < times.count ? times[index] : now
            try value.withUnsafeBytes { bytes in
                try builder.append(
                    timestamp: Timestamp(milliseconds: time),
                    key: nil,
                    value: bytes
                )
            }
        }
        var batch = ByteWriter()
        if zstd {
            var compressor = ZstdCompressor()
            builder.seal(compressor: &compressor, into: &batch)
        } else {
            builder.sealUncompressed(into: &batch)
        }
        return [UInt8](batch.bytes)
    }

    /// The batch with other bytes at `position`, and with the checksum that belongs to them.
    static func changed(_ batch: [UInt8], at position: Int, to bytes: [UInt8]) -> [UInt8] {
        var batch = batch
        batch.replaceSubrange(position..<position + bytes.count, with: bytes)
        let crc = batch[21...].withUnsafeBytes { Checksum.crc32c($0) }
        batch.replaceSubrange(17..<21, with: withUnsafeBytes(of: crc.bigEndian) { [UInt8]($0) })
        return batch
    }

    /// What the log holds of a batch: base offset and leader epoch are the log's own.
    static func stored(_ batch: [UInt8], at offset: Int64) -> [UInt8] {
        var batch = batch
        batch.replaceSubrange(0..<8, with: withUnsafeBytes(of: offset.bigEndian) { [UInt8]($0) })
        batch.replaceSubrange(12..<16, with: [0, 0, 0, 0])
        return batch
    }
}

extension TestClient {
    /// Sends one batch for each partition of one topic.
    @discardableResult
    func sendProduce(
        _ batches: [[UInt8]?],
        to topic: String = "t",
        id: UUIDBytes = .zero,
        acks: Int16 = -1,
        partitions: [Int32]? = nil,
        timeout: Int32 = 60_000,
        _ version: Int16 = 9
    ) throws -> Int32 {
        let memory = ByteBlocks(batches)
        let indices = partitions ?? Array(0..<Int32(batches.count))
        let wanted = zip(indices, memory.blocks).map { index, records in
            ProduceRequest.Partition(index: index, records: records)
        }
        let request = ProduceRequest(
            acks: acks,
            timeoutMilliseconds: timeout,
            topics: [.init(name: topic, id: id, partitions: wanted)]
        )
        return try withExtendedLifetime(memory) {
            try send(.produce, version) { request.write(to: &$0, version: version) }
        }
    }

    func receiveProduce(_ id: Int32, _ version: Int16 = 9) throws -> [ProduceResponse.Partition] {
        let response = try receive(.produce, version, id) {
            try ProduceResponse(reading: &$0, version: version)
        }
        return response.topics.flatMap(\.partitions)
    }

    /// Sends one batch, and returns what became of it.
    func produce(
        _ batch: [UInt8]?,
        to topic: String = "t",
        id: UUIDBytes = .zero,
        acks: Int16 = -1,
        partition: Int32 = 0,
        _ version: Int16 = 9
    ) throws -> ProduceResponse.Partition {
        let number = try sendProduce(
            [batch],
            to: topic,
            id: id,
            acks: acks,
            partitions: [partition],
            version
        )
        return try #require(try receiveProduce(number, version).first)
    }
}

/// Owns copies of bytes for as long as a request points at them.
private final class ByteBlocks {
    let blocks: [UnsafeRawBufferPointer?]

    init(_ arrays: [[UInt8]?]) {
        blocks = arrays.map { array in
            guard let array else { return nil }
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: array.count, alignment: 8)
            copy.copyBytes(from: array)
            return UnsafeRawBufferPointer(copy)
        }
    }

    deinit { for block in blocks { block?.deallocate() } }
}
