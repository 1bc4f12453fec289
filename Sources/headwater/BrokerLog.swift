import BrokerModel
import CommitLog
import EventLoop
import Ingest
import KafkaServer
import KafkaWire
import Logging
import MQTTServer
import Partitions
import Posix
import Synchronization

/// Turns what the modules report into log lines. Safe from every thread; a peer that repeats its
/// mistake makes one line an interval, with how often it happened.
final class BrokerLog: Sendable {
    private let log: Logger
    private let limiter = Mutex(RepeatLimiter<HeldLine>(intervalMilliseconds: 10_000))

    private struct HeldLine: Sendable {
        let level: Logger.Level
        let message: String
        var fields: [String: String]
    }

    init(_ log: Logger) {
        self.log = log
    }

    func info(_ message: String, _ fields: [String: String] = [:]) {
        log.info("\(message)", metadata: Self.metadata(fields))
    }

    func warning(_ message: String, _ fields: [String: String] = [:]) {
        log.warning("\(message)", metadata: Self.metadata(fields))
    }

    func error(_ message: String, _ fields: [String: String] = [:]) {
        log.error("\(message)", metadata: Self.metadata(fields))
    }

    /// What may come in floods; `kind` is what counts as the same.
    func repeated(
        _ message: String,
        kind: String,
        count: Int = 1,
        level: Logger.Level = .warning,
        _ fields: [String: String]
    ) {
        let line = HeldLine(level: level, message: message, fields: fields)
        let admitted = limiter.withLock {
            $0.admit("\(message) \(kind)", line, count: count, now: Self.milliseconds)
        }
        if let admitted { write(line, count: admitted) }
    }

    /// Writes what a flood left behind when it ended. Called once a tick.
    func releaseHeld() {
        let due = limiter.withLock { $0.due(now: Self.milliseconds) }
        for (line, count) in due { write(line, count: count) }
    }

    /// Writes all that was held back, before the broker's last line.
    func releaseRest() {
        let rest = limiter.withLock { $0.rest() }
        for (line, count) in rest { write(line, count: count) }
    }

    private static var milliseconds: Int64 { SystemClock.monotonicNanoseconds / 1_000_000 }

    private func write(_ line: HeldLine, count: Int) {
        var fields = line.fields
        if count > 1 { fields["count"] = "\(count)" }
        log.log(level: line.level, "\(line.message)", metadata: Self.metadata(fields))
    }

    private static func metadata(_ fields: [String: String]) -> Logger.Metadata {
        fields.mapValues { .string($0) }
    }

    /// A client that was refused or cut off.
    func refused(_ face: String, _ peer: SocketAddress, _ kind: String, _ reason: String) {
        repeated(
            "client refused",
            kind: "\(face) \(kind)",
            ["face": "\(face)", "peer": "\(peer)", "reason": "\(reason)"]
        )
    }

    /// A subscriber at QoS 1 that lets its queue run over.
    func dropped(_ deliveries: DroppedDeliveries) {
        repeated(
            "messages dropped for a subscriber whose queue is full",
            kind: deliveries.clientIdentifier,
            count: deliveries.count,
            ["client": deliveries.clientIdentifier, "peer": "\(deliveries.peer)"]
        )
    }

    func kafka(_ report: KafkaReport) {
        switch report {
        case .disconnected(let peer, let client, let error):
            repeated(
                "client refused",
                kind: "kafka \(error.kind)",
                [
                    "face": "kafka", "peer": "\(peer)", "client": client.clientID,
                    "reason": "\(error)",
                ]
            )
        case .batchRefused(let peer, let client, let topic, let code, let message):
            repeated(
                "a producer's batch was refused",
                kind: "\(code)",
                [
                    "peer": "\(peer)", "client": client.clientID, "topic": topic,
                    "error": "\(code)", "reason": message,
                ]
            )
        case .transactionalIDRefused(let peer, let client, let id):
            repeated(
                "a producer asked for transactions, which are not served yet",
                kind: "transactions",
                ["peer": "\(peer)", "client": client.clientID, "transactional_id": id]
            )
        case .topicCreated(let topic, let partitions, let client):
            repeated(
                "topic created",
                kind: "\(topic)",
                level: .info,
                [
                    "topic": "\(topic)", "partitions": "\(partitions)",
                    "client": client.clientID,
                ]
            )
        case .topicDeleted(let topic, let client):
            repeated(
                "topic deleted",
                kind: "\(topic)",
                level: .info,
                ["topic": "\(topic)", "client": client.clientID]
            )
        case .topicChanged(let topic, let change, let client):
            repeated(
                "topic changed",
                kind: "\(topic)",
                level: .info,
                ["topic": "\(topic)", "change": change, "client": client.clientID]
            )
        case .group(let event): group(event)
        case .readFailed(let partition, let error):
            repeated(
                "partition cannot be read",
                kind: "\(partition)",
                ["partition": "\(partition)", "reason": "\(error)"]
            )
        }
    }

    func ingest(_ report: IngestReport) {
        switch report {
        case .topicCreated(let topic, let partitions):
            info("topic created by a route", ["topic": "\(topic)", "partitions": "\(partitions)"])
        case .creationFailed(let topic, let reason):
            repeated(
                "a route's topic cannot be made; its publishers are disconnected",
                kind: "topic",
                ["topic": "\(topic)", "reason": "\(reason)"]
            )
        case .topicsFull(let most, let topic):
            repeated(
                "routes may create no more topics; further ones are refused",
                kind: "topics",
                ["route.topics.max": "\(most)", "mqtt_topic": topic]
            )
        case .unrouted(let topic):
            repeated(
                "no route takes a topic; who publishes to it is refused",
                kind: "unrouted",
                ["mqtt_topic": topic]
            )
        }
    }

    func storage(_ report: PartitionShardReport) {
        switch report {
        case .partitionFailed(let partition, let reason):
            repeated(
                "partition is read-only",
                kind: "\(partition)",
                ["partition": "\(partition)", "reason": "\(reason)"]
            )
        case .batchRefused(let partition, let reason):
            repeated(
                "a batch cannot be stored; its publishers are disconnected",
                kind: "\(partition)",
                ["partition": "\(partition)", "reason": "\(reason)"]
            )
        case .gapRecorded(let entry):
            warning(
                "records of a topic that is not durable may be lost; their offsets are skipped",
                [
                    "partition": "\(entry.partition)", "first": "\(entry.gap.first.rawValue)",
                    "last": "\(entry.gap.last.rawValue)",
                ]
            )
        case .gapsNotRecorded(let reason):
            error("gaps could not be recorded; the next start tries again", ["reason": "\(reason)"])
        case .retentionFailed(let partition, let reason):
            repeated(
                "old segments cannot be deleted",
                kind: "retention \(partition)",
                ["partition": "\(partition)", "reason": "\(reason)"]
            )
        case .cleaningFailed(let partition, let reason):
            repeated(
                "a compacted log cannot be cleaned now",
                kind: "cleaning \(partition)",
                ["partition": "\(partition)", "reason": "\(reason)"]
            )
        case .uncleanable(let partition, let reason):
            error(
                "a compacted log holds damage; it is not cleaned before the next start",
                ["partition": "\(partition)", "reason": "\(reason)"]
            )
        case .producerIDsFailed(let reason):
            repeated(
                "idempotent producers get no ids; they ask again",
                kind: "producer ids",
                ["reason": "\(reason)"]
            )
        case .leftBehind(let reason):
            repeated(
                "something deleted stays on the disk until the next start",
                kind: "left behind",
                ["reason": "\(reason)"]
            )
        case .closeFailed(let reason):
            error("the data folder was not closed cleanly", ["reason": "\(reason)"])
        }
    }

    /// A loop whose own trouble is logged under its name.
    func makeLoop(
        _ name: String,
        input: MemoryPool,
        output: MemoryPool
    ) throws(EventLoopError) -> EventLoop {
        var settings = EventLoopSettings(input: input, output: output)
        settings.report = { [self] in loop(name, $0) }
        return try EventLoop(settings: settings)
    }

    private func loop(_ name: String, _ report: EventLoopReport) {
        switch report {
        case .connectionsRefused(_, let count):
            repeated("too many connections", kind: name, count: count, ["face": "\(name)"])
        case .acceptFailed(_, let reason, let count):
            repeated(
                "cannot accept connections",
                kind: name,
                count: count,
                ["face": "\(name)", "reason": "\(reason)"]
            )
        case .inputPoolFull(let count):
            repeated("input memory is full", kind: name, count: count, ["face": "\(name)"])
        case .outputRefused(let count):
            repeated("output refused", kind: name, count: count, ["face": "\(name)"])
        }
    }
}

extension KafkaWireError {
    /// The same for the same mistake, whatever its details.
    fileprivate var kind: String {
        let words = "\(self)"
        return String(words.prefix { $0 != "(" })
    }
}
