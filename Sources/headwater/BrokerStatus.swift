import AdminServer
import ArgumentParser
import BrokerModel
import CommitLog
import EventLoop
import FoundationEssentials
import KafkaServer
import KafkaSessions
import MQTTServer
import Partitions
import Posix

/// What `/api/v1/status` answers, and `headwater status` reads.
struct BrokerStatus: Codable {
    struct Health: Codable {
        struct Reason: Codable {
            var kind: String
            var what: String
            var remedy: String
        }

        var live: Bool
        var ready: Bool
        var phase: String
        var reasons: [Reason]
    }

    struct Pool: Codable {
        var name: String
        var usedBytes: Int
        var capacityBytes: Int
        var refusals: Int
    }

    struct Disk: Codable {
        var folder: String
        var availableBytes: Int
        var sizeBytes: Int
        var writtenBytes: Int
        var syncs: Int
    }

    struct Log: Codable {
        var batches: Int
        var records: Int
        var bytes: Int
        /// Written and not synced now.
        var unsyncedBytes: Int
    }

    struct MQTT: Codable {
        var connections: Int
        var received: Int
        var delivered: Int
        var dropped: Int
        var refused: Int
    }

    struct Kafka: Codable {
        var connections: Int
        var requests: Int
        var fetchedBytes: Int
        var groupMembers: Int
        /// The sum over all that groups have committed.
        var groupLagRecords: Int
    }

    struct Topic: Codable {
        var name: String
        var partitions: Int
        var records: Int64
        /// Written, and not shown before they are synced.
        var unsyncedRecords: Int64
        var sizeBytes: Int64
        var isInternal: Bool
    }

    var version: String
    var uptimeSeconds: Double
    var nodeID: Int32?
    var clusterID: String?
    /// By face: `mqtt`, `kafka`, `http`.
    var listeners: [String: String]
    var health: Health
    var residentBytes: Int
    var disk: Disk?
    var log: Log
    var mqtt: MQTT
    var kafka: Kafka
    var pools: [Pool]
    /// The first topics by name; `topicCount` is how many there are.
    var topics: [Topic]
    var topicCount: Int
}

extension BrokerStatus {
    private static let topicsMax = 100

    init(_ vitals: BrokerVitals) {
        let opened = vitals.opened
        let topics = vitals.catalog.snapshot.topics
        version = Headwater.configuration.version
        uptimeSeconds = vitals.uptime.inSeconds
        nodeID = opened?.nodeID
        clusterID = opened?.clusterID
        listeners = opened?.listeners ?? [:]
        health = Health(vitals.health)
        residentBytes = vitals.residentBytes
        disk = Disk(vitals)
        log = Log(
            batches: vitals.shard.batches.count,
            records: vitals.shard.records.count,
            bytes: vitals.shard.bytes.count,
            unsyncedBytes: vitals.shard.unsyncedBytes.value
        )
        mqtt = MQTT(
            connections: vitals.connections(of: "mqtt"),
            received: vitals.mqtt.received.count,
            delivered: vitals.mqtt.delivered.count,
            dropped: vitals.mqtt.dropped.count + vitals.mqtt.queueDropped.count,
            refused: vitals.mqtt.refused.count
        )
        kafka = Kafka(
            connections: vitals.connections(of: "kafka"),
            requests: vitals.kafka.requests.count,
            fetchedBytes: vitals.kafka.bytesFetched.count,
            groupMembers: vitals.groups.members.value,
            groupLagRecords: vitals.groupLag.current.entries.reduce(0) {
                $0 + ($1.lag(in: vitals.catalog.snapshot) ?? 0)
            }
        )
        pools = vitals.pools.all.map {
            Pool(
                name: $0.name,
                usedBytes: $0.used.rawValue,
                capacityBytes: $0.capacity.rawValue,
                refusals: $0.refusalCount
            )
        }
        self.topics = topics.prefix(Self.topicsMax).map { topic in
            let rows = topic.partitions.enumerated().map { PartitionRow(topic, $0, $1?.reader) }
            return Topic(
                name: "\(topic.name)",
                partitions: rows.count,
                records: rows.sum(of: \.records),
                unsyncedRecords: rows.sum(of: \.unsynced),
                sizeBytes: rows.sum(of: \.sizeInBytes),
                isInternal: topic.isInternal
            )
        }
        topicCount = topics.count
    }

    var json: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let data = try? encoder.encode(self) else { return Array("{}\n".utf8) }
        return Array(data) + Array("\n".utf8)
    }

    init(json: [UInt8]) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(json))
    }
}

extension BrokerStatus.Health {
    fileprivate init(_ report: HealthReport) {
        live = report.isLive
        ready = report.isReady
        phase = report.phase.rawValue
        reasons = report.reasons.map {
            Reason(kind: $0.kind.rawValue, what: $0.what, remedy: $0.remedy)
        }
    }
}

extension BrokerStatus.Disk {
    fileprivate init?(_ vitals: BrokerVitals) {
        guard let opened = vitals.opened else { return nil }
        folder = opened.dataFolder
        availableBytes = vitals.diskSpace?.availableBytes ?? 0
        sizeBytes = vitals.diskSpace?.totalBytes ?? 0
        writtenBytes = opened.disk.bytesWritten.count
        syncs = opened.disk.syncs.count
    }
}
