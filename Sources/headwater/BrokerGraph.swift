import BrokerModel
import CommitLog
import EventLoop
import Foundation
import Ingest
import KafkaServer
import Logging
import MQTTServer
import Partitions
import Posix

/// The whole broker: builds the modules, joins them, starts their threads and stops them in order.
///
/// Ports are bound before the data directory is touched, so that a busy port leaves no trace.
/// Listeners close first, the log seals last.
struct BrokerGraph {
    private let settings: BrokerSettings
    private let log: BrokerLog
    private let endings: Signals
    private let pools: MemoryPools
    private let storageLoop: EventLoop
    private let mqttLoop: EventLoop
    private let kafkaLoop: EventLoop
    private let shard: PartitionShard
    private let lane: IngestLane
    private let mqtt: MQTTServer
    private let kafka: KafkaService
    private let catalog = TopicCatalog()
    private let vitals: BrokerVitals

    init(settings: BrokerSettings, log: Logger) throws {
        // Inherited by every thread: a signal ends the broker in order, never in the middle.
        endings = Self.signalsThatStop()
        endings.union(.pipe).block()
        self.log = BrokerLog(log)
        let settings = Self.fit(settings, log: self.log)
        self.settings = settings
        pools = MemoryPools(ceiling: settings.memoryCeiling)
        storageLoop = try self.log.makeLoop("storage", input: pools.storage, output: pools.storage)
        mqttLoop = try self.log.makeLoop("mqtt", input: pools.mqttInput, output: pools.mqttOutput)
        kafkaLoop = try self.log.makeLoop(
            "kafka",
            input: pools.kafkaInput,
            output: pools.kafkaOutput
        )
        shard = PartitionShard(loop: storageLoop, settings: settings.shard, catalog: catalog)
        lane = IngestLane(
            settings: settings.fittingIngest,
            pool: pools.ingest,
            loop: mqttLoop,
            shard: shard.mailbox,
            catalog: catalog
        )
        mqtt = MQTTServer(
            loop: mqttLoop,
            lane: lane,
            settings: settings.mqtt,
            memory: pools.sessions,
            deliveries: pools.deliveries,
            seed: .random(in: 0 ... .max)
        )
        kafka = KafkaService(
            loop: kafkaLoop,
            catalog: catalog,
            settings: settings.kafka,
            fetchMemory: pools.fetch,
            produceMemory: pools.produce,
            groupMemory: pools.groups,
            shard: shard.mailbox
        )
        kafka.configuration = settings.kafkaConfiguration
        vitals = BrokerVitals(
            pools: pools,
            loops: [
                .init("mqtt", mqttLoop), .init("kafka", kafkaLoop), .init("storage", storageLoop),
            ],
            catalog: catalog,
            shard: shard.counters,
            mqtt: mqtt.counters,
            kafka: kafka.counters,
            kafkaReaders: kafka.readerCounters,
            groups: kafka.groupCounters,
            groupLag: kafka.groupLag,
            ingest: lane.counters,
            bounds: settings.health
        )
        shard.signals = [kafka.highWatermarkSignal]
        shard.cleaningMemory = pools.fetch
        joinReports()
    }

    private func joinReports() {
        shard.report = { [log, vitals] report in
            if case .partitionFailed(let name, let error) = report { vitals.failed(name, error) }
            log.storage(report)
        }
        lane.report = { [log] in log.ingest($0) }
        mqtt.report = { [log, vitals] report in
            vitals.refusals.add(report.kind)
            log.refused("mqtt", report.peer, report.kind, report.reason)
        }
        mqtt.reportDropped = { [log] in log.dropped($0) }
        kafka.report = { [log = self.log] in log.kafka($0) }
    }

    /// Serves until a signal comes, and returns once everything is safely on disk.
    func run(insecure: Bool) throws {
        let addresses = try ListenerAddresses(settings, insecure: insecure)
        let bound = try bind(addresses)
        let admin = try AdminFace(addresses.http, settings: settings.admin, vitals: vitals)
        let store = try DataDirectory(path: settings.dataDirectory, log: log).open(
            nodeID: settings.nodeID,
            settings: settings.topics,
            creation: settings.creation,
            shard: settings.shard
        )
        try store.makeTopics(
            of: settings.ingest.routes,
            partitions: Int32(clamping: settings.creation.partitionCount)
        )
        warnOfOtherNodeID(in: store)
        let advertised = addresses.advertised(bound: bound.kafka)
        kafka.identity = KafkaBrokerIdentity(
            nodeID: store.identity.nodeID,
            clusterID: store.identity.clusterID,
            advertisedHost: advertised.host,
            advertisedPort: advertised.port
        )
        describeData(of: store)
        KeptSessions(
            store: store,
            catalog: catalog,
            log: log,
            sessionBytesMax: pools.sessions.capacity
        ).restore(into: mqtt)
        KeptGroups(store: store, log: log).restore(into: kafka)
        shard.open(store)
        let ready = Readiness(
            bound: bound,
            http: admin?.address,
            advertised: advertised,
            store: store
        )
        vitals.opened(.init(ready), offline: store.offline)
        try runThreads(ready: ready)
        admin?.stop()
    }

    /// For Kafka's DescribeLogDirs.
    private func describeData(of store: PartitionStore) {
        kafka.configuration.dataDirectory = URL(filePath: store.path).standardizedFileURL.path(
            percentEncoded: false
        )
        kafka.configuration.dataSpace = { [vitals] in
            vitals.diskSpace.map { space in
                .init(total: ByteCount(space.totalBytes), usable: ByteCount(space.availableBytes))
            }
        }
    }

    private func warnOfOtherNodeID(in store: PartitionStore) {
        let kept = Int(store.identity.nodeID)
        guard let place = settings.nodeIDPlace, settings.nodeID != kept else { return }
        log.warning(
            "node.id is not taken over: a data folder keeps the id that it was made with",
            ["configured": "\(settings.nodeID)", "kept": "\(kept)", "place": place]
        )
    }

    private func runThreads(ready: Readiness) throws {
        let stopMQTT = mqttLoop.makeMailbox { [mqtt] (_: [Stop]) in mqtt.stop() }
        let stopKafka = kafkaLoop.makeMailbox { [kafka] (_: [Stop]) in kafka.stop() }
        let storage = try Self.start("storage", storageLoop)
        let readers = try Self.start("kafka", kafkaLoop)
        let writers = try Self.start("mqtt", mqttLoop)
        let watch = BrokerWatch(vitals: vitals, log: log)
        watch.begin { ready.announce(to: log) }
        let signal = try watch.serve(until: endings)
        watch.stopping()
        log.info("stopping", ["signal": signal.map(Self.name) ?? "none"])
        stopMQTT.post(Stop())
        stopKafka.post(Stop())
        writers.join()
        readers.join()
        shard.mailbox.post(.stop)
        storage.join()
        log.releaseRest()
        log.info(
            "stopped",
            [
                "mqtt_received": "\(mqtt.counters.received.count)",
                "mqtt_refused": "\(mqtt.counters.refused.count)",
                "kafka_requests": "\(kafka.counters.requests.count)",
            ]
        )
    }

    private static func fit(_ settings: BrokerSettings, log: BrokerLog) -> BrokerSettings {
        var settings = settings
        let granted = try? SystemProcess.raiseDescriptorLimit(to: 1 << 20)
        if let granted, settings.fitConnections(descriptors: granted) {
            log.warning(
                "fewer connections than configured; raise the limit of open files (ulimit -n)",
                [
                    "open_files": "\(granted)", "mqtt": "\(settings.mqtt.connectionsMax)",
                    "kafka": "\(settings.kafkaConnectionsMax)",
                ]
            )
        }
        return settings
    }

    private struct Stop: Sendable {}

    /// Under nohup the signal of a closed terminal is ignored and stays so; anywhere else it ends
    /// the broker as cleanly as the others.
    private static func signalsThatStop() -> Signals {
        SystemProcess.ignoresHangUp
            ? [.interrupt, .terminate] : [.interrupt, .terminate, .hangUp]
    }

    private static func name(_ signal: Signals) -> String {
        switch signal {
        case .terminate: "SIGTERM"
        case .hangUp: "SIGHUP"
        default: "SIGINT"
        }
    }

    /// Hands a loop to a thread of its own. Everything confined to it was built on this thread,
    /// which does not touch it again until `join`.
    private static func start(
        _ name: String,
        _ loop: EventLoop
    ) throws(PosixError) -> SystemThread {
        nonisolated(unsafe) let loop = loop
        return try SystemThread.start(named: "headwater-\(name)") { loop.run() }
    }

    private func bind(
        _ addresses: ListenerAddresses
    ) throws -> (mqtt: SocketAddress, kafka: SocketAddress) {
        var limits = ConnectionLimits()
        limits.connectionsMax = settings.kafkaConnectionsMax
        limits.packetTimeout = settings.kafkaRequestTimeout
        limits.handshakeTimeout = settings.kafka.handshakeTimeout
        // One answer may hold a whole fetch; a second one waits until the first has left.
        limits.outputBytesMax = settings.kafka.fetchBytesMax + .mebibytes(1)
        do throws(EventLoopError) {
            let mqttBound = try mqtt.listen(at: addresses.mqtt)
            let listener = try kafkaLoop.listen(at: addresses.kafka, limits: limits) { [kafka] in
                kafka.accept($0)
            }
            return (mqttBound, listener.address)
        } catch {
            throw ListenerAddresses.failure(error)
        }
    }
}
