import AdminServer
import BrokerModel
import CommitLog
import EventLoop
import Ingest
import KafkaServer
import KafkaSessions
import MQTTServer
import Partitions
import Posix
import Synchronization

/// All that the outside may know of the running broker: the modules' counters, and what the main
/// thread finds out once a tick. Readable from any thread.
final class BrokerVitals: Sendable {
    /// One event loop as the outside sees it.
    struct Loop: Sendable {
        let name: String
        let counters: EventLoopCounters
        let pulse: LoopPulse
    }

    /// What is known once the data folder is open.
    struct Opened: Sendable {
        let dataFolder: String
        let nodeID: Int32
        let clusterID: String
        let disk: StorageCounters
        let openSegments: OpenSegments
        let producers: ProducerLimit
        let listeners: [String: String]
    }

    private struct State {
        var phase = HealthFacts.Phase.starting
        var opened: Opened?
        /// Partitions that take nothing more, and why. Bounded by the partitions there are.
        var failed: [TopicPartition: String] = [:]
        var stall = StallWatch()
        var ingestStall = Duration.zero
        var diskSpace: DiskSpace?
    }

    let pools: MemoryPools
    let loops: [Loop]
    let catalog: TopicCatalog
    let shard: ShardCounters
    let mqtt: MQTTCounters
    let kafka: KafkaServerCounters
    let kafkaReaders: ReaderPoolCounters
    let groups: GroupCounters
    let groupLag: PublishedGroupLag
    let ingest: IngestCounters
    let refusals = RefusalCounts()
    let started = MonotonicTime.current
    private let bounds: HealthBounds
    private let state = Mutex(State())

    init(
        pools: MemoryPools,
        loops: [Loop],
        catalog: TopicCatalog,
        shard: ShardCounters,
        mqtt: MQTTCounters,
        kafka: KafkaServerCounters,
        kafkaReaders: ReaderPoolCounters,
        groups: GroupCounters,
        groupLag: PublishedGroupLag,
        ingest: IngestCounters,
        bounds: HealthBounds
    ) {
        self.pools = pools
        self.loops = loops
        self.catalog = catalog
        self.shard = shard
        self.mqtt = mqtt
        self.kafka = kafka
        self.kafkaReaders = kafkaReaders
        self.groups = groups
        self.groupLag = groupLag
        self.ingest = ingest
        self.bounds = bounds
    }

    var opened: Opened? { state.withLock { $0.opened } }
    var diskSpace: DiskSpace? { state.withLock { $0.diskSpace } }
    var residentBytes: Int { ProcessResources().residentBytes }

    func connections(of loop: String) -> Int {
        loops.first { $0.name == loop }?.counters.open ?? 0
    }

    var uptime: Duration { MonotonicTime.current - started }

    func opened(_ opened: Opened, offline: [(name: TopicPartition, error: CommitLogError)]) {
        state.withLock { state in
            state.opened = opened
            state.diskSpace = DiskSpace(at: opened.dataFolder)
            for (name, error) in offline { state.failed[name] = "\(error)" }
        }
    }

    func enter(_ phase: HealthFacts.Phase) { state.withLock { $0.phase = phase } }

    func failed(_ partition: TopicPartition, _ error: CommitLogError) {
        // The first failure says why; those after it only say that it failed before.
        state.withLock { $0.failed[partition] = $0.failed[partition] ?? "\(error)" }
    }

    /// Partitions that take nothing more. A topic that was deleted takes its own along.
    var failedPartitions: [(name: TopicPartition, reason: String)] {
        let failed = state.withLock { $0.failed }
        guard !failed.isEmpty else { return [] }
        let topics = catalog.snapshot
        return failed.filter { topics.topic(named: $0.key.topic) != nil }
            .sorted { ($0.key.topic, $0.key.partition) < ($1.key.topic, $1.key.partition) }
            .map { ($0.key, $0.value) }
    }

    /// The main thread's part, once a tick: asks every loop for a sign, and looks at what only
    /// shows over time.
    func tick() {
        let now = MonotonicTime.current
        let isFull = pools.ingest.used >= pools.ingest.capacity
        let stored = shard.batches.count
        // Outside of the lock: a hanging disk may hold this up.
        let space = opened.flatMap { DiskSpace(at: $0.dataFolder) }
        state.withLock { state in
            state.diskSpace = space
            state.ingestStall = state.stall.look(isFull: isFull, progress: stored, now: now)
        }
        for loop in loops { loop.pulse.ping(at: now) }
    }

    var health: HealthReport {
        let now = MonotonicTime.current
        var facts = HealthFacts()
        facts.failedPartitions = failedPartitions.map { ("\($0.name)", $0.reason) }
        facts.diskWork = shard.work.running(at: now)
        facts.loops = loops.map { loop in
            HealthFacts.Loop(
                name: loop.name,
                silence: loop.pulse.silence(at: now),
                isAtDisk: loop.name == "storage" && facts.diskWork != nil
            )
        }
        state.withLock { state in
            facts.phase = state.phase
            facts.ingestStall = state.ingestStall
            facts.dataFolder = state.opened?.dataFolder ?? ""
            facts.diskAvailable = state.diskSpace.map { ByteCount($0.availableBytes) }
        }
        return HealthReport(facts, bounds: bounds)
    }
}

/// Refused clients by reason. Reasons are few; the bound only keeps a mistake of ours small.
final class RefusalCounts: Sendable {
    private let counts = Mutex<[String: Int]>([:])
    private static let reasonsMax = 64

    func add(_ reason: String) {
        counts.withLock { counts in
            let isKnown = counts[reason] != nil || counts.count < Self.reasonsMax
            counts[isKnown ? reason : "(others)", default: 0] += 1
        }
    }

    var all: [(reason: String, count: Int)] {
        counts.withLock { $0 }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}

extension BrokerVitals.Loop {
    init(_ name: String, _ loop: EventLoop) {
        self.init(name: name, counters: loop.counters, pulse: LoopPulse(name, of: loop))
    }
}

extension BrokerVitals.Opened {
    init(_ ready: Readiness) {
        var listeners = ["mqtt": "\(ready.bound.mqtt)", "kafka": "\(ready.bound.kafka)"]
        listeners["http"] = ready.http.map { "\($0)" }
        self.init(
            dataFolder: ready.store.path,
            nodeID: ready.store.identity.nodeID,
            clusterID: "\(ready.store.identity.clusterID)",
            disk: ready.store.counters,
            openSegments: ready.store.openSegments,
            producers: ready.store.producerLimit,
            listeners: listeners
        )
    }
}
