import BrokerModel
import CommitLog
import EventLoop
import HeadwaterTesting
import Ingest
import MQTTWire
import Partitions
import RecordFormat
import Testing

/// A lane whose log is played by the test: it keeps what it is asked to append, and answers when
/// the test says so. Topics are real ones, on a simulated disk.
final class LaneBench {
    let loop: EventLoop
    let lane: IngestLane
    let pool: MemoryPool
    let catalog = TopicCatalog()
    let store: PartitionStore
    var requests: [AppendRequest] = []
    /// What all of them held.
    var sent: [SentRecord] = []
    var creations: [TopicCreation] = []
    var acknowledged: [AckToken] = []
    var stored: [AckToken] = []
    var failures: [CommitLogError] = []
    var settled: [LiveTicket] = []
    var settledFailures: [CommitLogError] = []
    var reports: [IngestReport] = []
    private(set) var roomReturned = 0
    private var ids: UInt64 = 0
    private let paused: PausedLoop

    init(
        pool: ByteCount = .mebibytes(4),
        settings: IngestSettings = IngestSettings(),
        routes: [Route] = Route.everything,
        topics: [(String, Int32)] = [("mqtt", 1)]
    ) throws {
        let spare = MemoryPool(name: "spare", capacity: .mebibytes(1))
        loop = try EventLoop(settings: EventLoopSettings(input: spare, output: spare))
        paused = PausedLoop(loop)
        self.pool = MemoryPool(name: "ingest", capacity: pool)
        let identity = PartitionStoreIdentity(nodeID: 1, clusterID: .zero, directoryID: .zero)
        store = try PartitionStore.open(
            path: "/data",
            fileSystem: SimulatedFileSystem(),
            newIdentity: { identity }
        )
        let log = LogInbox()
        let shard: Mailbox<PartitionShardMessage> = loop.makeMailbox { log.bench?.take($0) }
        lane = IngestLane(
            settings: settings,
            pool: self.pool,
            loop: loop,
            shard: shard,
            catalog: catalog
        )
        lane.routes = RouteTable(routes)
        log.bench = self
        for (name, partitions) in topics { try make(name, partitions) }
        lane.acknowledged = { [unowned self] tokens, error in
            acknowledged += tokens
            if let error { failures.append(error) } else { stored += tokens }
        }
        lane.settled = { [unowned self] tickets, error in
            if let error { settledFailures.append(error) } else { settled += tickets }
        }
        lane.roomReturned = { [unowned self] in roomReturned += 1 }
        lane.report = { [unowned self] in reports.append($0) }
    }

    private func take(_ messages: [PartitionShardMessage]) {
        for message in messages {
            switch message {
            case .append(let request):
                requests.append(request)
                // Now: an answer gives the batch back to the lane.
                sent += (try? request.records()) ?? []
            case .createTopic(let creation): creations.append(creation)
            default: break
            }
        }
    }

    /// Runs the loop until the condition holds.
    func run(until condition: @escaping () -> Bool) { paused.run(until: condition) }

    func publish(
        _ topic: String,
        _ payload: String,
        ticket: UInt32?,
        client: String = "",
        receipt: UInt64? = nil
    ) -> IngestOutcome {
        let token = ticket.map { AckToken(connection: 7, ticket: $0, bytes: 1) }
        return withBytes(topic, payload, client) { topic, payload, client in
            lane.publish(
                PublishPacket(
                    topic: topic,
                    payload: payload,
                    qos: receipt != nil
                        ? .exactlyOnce : ticket == nil ? .atMostOnce : .atLeastOnce,
                    packetIdentifier: receipt == nil ? 0 : 9
                ),
                from: PublishOrigin(clientIdentifier: client, receipt: receipt),
                at: Timestamp(milliseconds: 1_000),
                token: token
            )
        }
    }

    func reply(_ request: AppendRequest, _ outcome: Result<Offset, CommitLogError>) {
        request.replyTo.post(
            AppendReply(partition: request.partition, batch: request.batch, outcome: outcome)
        )
    }

    // MARK: Topics

    @discardableResult
    func make(
        _ name: String,
        _ partitions: Int32,
        _ overrides: [String: String] = [:]
    ) throws -> TopicEntry {
        ids += 1
        let entry = try store.createTopic(
            try #require(TopicName(name)),
            id: UUIDBytes(high: 7, low: ids),
            partitions: partitions,
            overrides: overrides
        )
        catalog.publish(TopicCatalogSnapshot(of: store))
        return entry
    }

    func delete(_ name: String) throws {
        try store.deleteTopic(try #require(TopicName(name)))
        catalog.publish(TopicCatalogSnapshot(of: store))
    }

    /// Does what a creation asks for.
    func carryOut(_ creation: TopicCreation) throws {
        let entry = try make(
            creation.name.description,
            creation.partitions,
            creation.overrides
        )
        answer(creation, .success(entry))
    }

    func answer(_ creation: TopicCreation, _ outcome: Result<TopicEntry, TopicError>) {
        creation.replyTo.post(TopicReply(token: creation.token, outcome: outcome))
    }

    func topicPartition(_ request: AppendRequest) -> String? {
        for topic in catalog.snapshot.topics {
            for (number, entry) in topic.partitions.enumerated()
            where entry?.handle == request.partition { return "\(topic.name)-\(number)" }
        }
        return nil
    }
}

/// One record of a batch that was sealed.
struct SentRecord: Equatable {
    var key: String?
    var value: String
    var headers: [String] = []
}

extension AppendRequest {
    /// What the batch holds; headers as `name=value`.
    func records() throws -> [SentRecord] {
        let bytes = Array(batch.bytes.bytes)
        var found: [SentRecord] = []
        try bytes.withUnsafeBytes { bytes in
            let first = try RecordBatchView.first(in: bytes)
            let batch = try #require(first)
            try batch.check(from: .producer)
            var decompressor = RecordDecompressor()
            var cursor = try batch.records(decompressor: &decompressor, limit: .mebibytes(1))
            while let record = try cursor.next() {
                var sent = SentRecord(
                    key: record.key.map(text),
                    value: record.value.map(text) ?? ""
                )
                var headers = record.headers
                while let header = headers.next() {
                    sent.headers.append(text(header.name) + "=" + (header.value.map(text) ?? ""))
                }
                found.append(sent)
            }
        }
        return found
    }
}

private func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes, as: UTF8.self)
}

func withBytes<Result>(
    _ a: String,
    _ b: String,
    _ c: String,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result
) -> Result {
    Array(a.utf8).withUnsafeBytes { a in
        Array(b.utf8).withUnsafeBytes { b in
            Array(c.utf8).withUnsafeBytes { c in body(a, b, c) }
        }
    }
}

private final class LogInbox {
    weak var bench: LaneBench?
}
