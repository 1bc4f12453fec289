import BrokerModel
import CommitLog
import EventLoop
import Ingest
import MQTTServer
import MQTTSessions
import Partitions
import Posix
import Testing

/// The MQTT half of the broker with its sessions kept, on one thread, over any file system.
final class KeepingBroker {
    let address: SocketAddress
    let reader: PartitionReader
    /// What the start found.
    let recovered: SessionRecovery
    let recordsScanned: Int
    private let stopping: Mailbox<Bool>
    private let thread: SystemThread
    private var hasStopped = false

    init(_ fileSystem: any FileSystem) throws {
        let pools = BenchPools()
        let loop = try EventLoop(
            settings: EventLoopSettings(input: pools.input, output: pools.output)
        )
        let catalog = TopicCatalog()
        let shard = PartitionShard(
            loop: loop,
            settings: PartitionShardSettings(),
            catalog: catalog
        )
        let lane = IngestLane(
            settings: IngestSettings(),
            pool: pools.ingest,
            loop: loop,
            shard: shard.mailbox,
            catalog: catalog
        )
        let server = MQTTServer(
            loop: loop,
            lane: lane,
            settings: MQTTServerSettings(),
            memory: pools.sessions,
            deliveries: pools.deliveries,
            seed: 7
        )
        let store = try PartitionStore.open(
            path: "/data",
            fileSystem: fileSystem,
            newIdentity: { PartitionStoreIdentity(nodeID: 1, clusterID: .zero, directoryID: .zero) }
        )
        let data = try Self.topic("mqtt", 1, in: store)
        let sessions = try Self.topic(SessionJournalRecord.topic, 2, in: store)
        reader = data.reader
        var restore = SessionRestore()
        recovered = restore.run(sessions.reader, in: TopicCatalogSnapshot(of: store))
        recordsScanned = restore.report.recordsScanned
        // A machine without power serves nobody.
        if let error = restore.report.damaged.first?.error { throw error }
        server.keepSessions(in: sessions, of: catalog, recovered: recovered)
        shard.open(store)
        address = try server.listen(at: SocketAddress("127.0.0.1:0"))
        // The server's stop ends the loop once the log has answered; the log's own is not needed.
        stopping = loop.makeMailbox { _ in server.stop() }
        nonisolated(unsafe) let confined = (loop, shard)
        thread = try SystemThread.start(named: "broker") {
            confined.0.run()
            withExtendedLifetime(confined.1) {}
        }
    }

    deinit { stop() }

    /// What the start found, for a failure's message.
    var summary: String {
        let sessions = recovered.sessions.map { "\($0): \($1.receipts)" }
        return "\(reader.highWatermark.rawValue) records, sessions \(sessions), places "
            + "\(recovered.places.map(\.offset.rawValue)), scanned \(recordsScanned)"
    }

    private static func topic(
        _ name: String,
        _ id: UInt64,
        in store: PartitionStore
    ) throws -> PartitionEntry {
        let name = try #require(TopicName(name))
        let known = TopicCatalogSnapshot(of: store).topic(named: name)
        let topic =
            try known ?? store.createTopic(name, id: .init(high: id, low: id), partitions: 1)
        // Offline, because power failed while it was opened.
        guard let partition = topic.partition(0) else { throw CommitLogError.closed }
        return partition
    }

    func stop() {
        guard !hasStopped else { return }
        hasStopped = true
        stopping.post(true)
        thread.join()
    }

    func peer() throws -> Peer { Peer(try ClientSocket(to: address, timeout: testDeadline)) }
}
