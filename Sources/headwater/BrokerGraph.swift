import BrokerModel
import CommitLog
import EventLoop
import Ingest
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
    private let pools: MemoryPools
    private let storageLoop: EventLoop
    private let mqttLoop: EventLoop
    private let shard: PartitionShard
    private let lane: IngestLane
    private let mqtt: MQTTServer

    init(settings: BrokerSettings, log: Logger) throws {
        // Inherited by every thread: a signal ends the broker in order, never in the middle.
        Self.endings.union(.pipe).block()
        _ = try? SystemProcess.raiseDescriptorLimit(to: 1 << 20)
        self.settings = settings
        self.log = BrokerLog(log)
        pools = MemoryPools(ceiling: settings.memoryCeiling)
        storageLoop = try self.log.makeLoop("storage", input: pools.storage, output: pools.storage)
        mqttLoop = try self.log.makeLoop("mqtt", input: pools.mqttInput, output: pools.mqttOutput)
        shard = PartitionShard(loop: storageLoop, settings: settings.shard)
        lane = IngestLane(
            settings: settings.ingest,
            pool: pools.ingest,
            loop: mqttLoop,
            shard: shard.mailbox
        )
        mqtt = MQTTServer(
            loop: mqttLoop,
            lane: lane,
            settings: settings.mqtt,
            memory: pools.sessions,
            seed: .random(in: 0 ... .max)
        )
        shard.report = { [log = self.log] in log.storage($0) }
        mqtt.report = { [log = self.log] in log.refused("mqtt", $0.peer, $0.kind, $0.reason) }
    }

    /// Serves until a signal comes, and returns once everything is safely on disk.
    func run(insecure: Bool) throws {
        let mqttAddress = try address(settings.mqttListener, "mqtt.listener", insecure: insecure)
        let mqttBound = try listening { () throws(EventLoopError) in
            try mqtt.listen(at: mqttAddress)
        }
        let store = try DataDirectory(path: settings.dataDirectory, log: log)
            .open(nodeID: settings.nodeID, settings: settings.log)
        let topic = try store.defaultTopic()
        lane.routes = RouteTable(everythingTo: topic)
        shard.open(store)

        let stopMQTT = mqttLoop.makeMailbox { [mqtt] (_: [Stop]) in mqtt.stop() }
        let storage = try Self.start("storage", storageLoop)
        let network = try Self.start("mqtt", mqttLoop)
        announce(store, mqttBound)
        let signal = try Self.endings.wait()
        log.info("stopping", ["signal": signal == .terminate ? "SIGTERM" : "SIGINT"])
        stopMQTT.post(Stop())
        network.join()
        shard.mailbox.post(.stop)
        storage.join()
        log.info("stopped", ["data": "\(settings.dataDirectory)"])
    }

    private struct Stop: Sendable {}
    private static let endings: Signals = [.interrupt, .terminate]

    /// Hands a loop to a thread of its own. Everything confined to it was built on this thread,
    /// which does not touch it again until `join`.
    private static func start(_ name: String, _ loop: EventLoop) throws(PosixError) -> SystemThread
    {
        nonisolated(unsafe) let loop = loop
        return try SystemThread.start(named: "headwater-\(name)") { loop.run() }
    }

    private func address(_ text: String, _ key: String, insecure: Bool) throws -> SocketAddress {
        let address = try resolved(text, flag: key)
        guard address.isLoopback || insecure else {
            throw Failure.refusedUnsafe(
                "\(key) \(text) can be reached from other machines, and there is no authentication "
                    + "yet; listen on 127.0.0.1, or add --insecure on a network that you trust"
            )
        }
        return address
    }

    private func listening(
        _ listen: () throws(EventLoopError) -> SocketAddress
    ) throws -> SocketAddress {
        do {
            return try listen()
        } catch EventLoopError.addressInUse(let address) {
            throw Failure.portBusy(
                "\(address) is in use; stop the program that listens there, or choose another "
                    + "port with --mqtt or --kafka"
            )
        } catch {
            throw Failure.configuration("\(error)")
        }
    }

    private func announce(_ store: PartitionStore, _ mqtt: SocketAddress) {
        let lines = [
            "MQTT  listening on \(mqtt)",
            "data in \(store.path)",
            "ready",
        ]
        try? StandardStream.output.write(lines.joined(separator: "\n") + "\n")
        log.info(
            "ready",
            [
                "mqtt": "\(mqtt)", "data": "\(store.path)", "node": "\(store.identity.nodeID)",
                "cluster": "\(store.identity.clusterID)",
            ]
        )
    }
}
