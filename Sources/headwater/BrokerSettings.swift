import AdminServer
import BrokerModel
import CommitLog
import Ingest
import KafkaServer
import MQTTServer
import MQTTSessions
import Partitions
import Posix

/// Everything that an operator can set: the modules' own settings and what the root decides.
struct BrokerSettings: Sendable {
    var dataDirectory = ""
    var nodeID = 1
    /// Where the operator set `node.id`; nil when it is the default.
    var nodeIDPlace: String?
    /// The keys that the operator set.
    var keysSet: Set<String> = []
    var mqttListener = "127.0.0.1:1883"
    var kafkaListener = "127.0.0.1:9092"
    var kafkaAdvertised = ""
    var httpListener = "127.0.0.1:8090"
    var admin = AdminSettings()
    var health = HealthBounds()
    var logging = LoggingSettings()
    var memoryCeiling = ByteCount.mebibytes(128)
    var mqtt = MQTTServerSettings()
    var kafka = KafkaServerSettings()
    var kafkaConnectionsMax = 1_000
    var kafkaRequestTimeout = Duration.seconds(30)
    var ingest = IngestSettings()
    var shard = PartitionShardSettings()
    var topics = TopicSettings()
    var creation = TopicCreationSettings()

    static var keys: [ConfigurationKey<BrokerSettings>] {
        own + outside + MQTTServerSettings.keys.map { $0.inside(\.mqtt) }
            + KafkaServerSettings.keys.map { $0.inside(\.kafka) }
            + IngestSettings.keys.map { $0.inside(\.ingest) }
            + PartitionShardSettings.keys.map { $0.inside(\.shard) }
            + TopicSettings.brokerKeys.map { $0.inside(\.topics) }
            + TopicCreationSettings.keys.map { $0.inside(\.creation) }
    }

    static var tables: [ConfigurationTable<BrokerSettings>] {
        IngestSettings.tables.map { $0.inside(\.ingest) }
    }

    private static var outside: [ConfigurationKey<BrokerSettings>] {
        [
            .init(
                "http.listener",
                \.httpListener,
                of: BrokerSettings(),
                allowed: "HOST:PORT | off",
                "Where metrics, health and status are served over HTTP."
            ) { $0 == "off" || HostAndPort($0) != nil }
        ] + AdminSettings.keys.map { $0.inside(\.admin) }
            + HealthBounds.keys.map { $0.inside(\.health) }
            + LoggingSettings.keys.map { $0.inside(\.logging) }
    }

    private static var own: [ConfigurationKey<BrokerSettings>] {
        let defaults = BrokerSettings()
        return [
            .init(
                "data.directory",
                \.dataDirectory,
                of: defaults,
                allowed: "a folder's path",
                "All data lies here. Empty: /var/lib/headwater for the user headwater, "
                    + "$XDG_STATE_HOME/headwater for anybody else."
            ),
            .init(
                "node.id",
                \.nodeID,
                of: defaults,
                in: 0...Int(Int32.max),
                "The broker's id for Kafka clients; taken over when a data folder is made."
            ),
            .init(
                "mqtt.listener",
                \.mqttListener,
                of: defaults,
                allowed: "HOST:PORT",
                "Where MQTT clients connect.",
                accepts: isListener
            ),
            .init(
                "kafka.listener",
                \.kafkaListener,
                of: defaults,
                allowed: "HOST:PORT",
                "Where Kafka clients connect.",
                accepts: isListener
            ),
            .init(
                "kafka.advertised.listener",
                \.kafkaAdvertised,
                of: defaults,
                allowed: "HOST:PORT",
                "Where Kafka clients are told to connect. Empty: the listener's own address."
            ) { $0.isEmpty || HostAndPort($0).map { $0.port > 0 } ?? false },
            .init(
                "kafka.connections.max",
                \.kafkaConnectionsMax,
                of: defaults,
                in: 1...1_000_000,
                "Further Kafka clients are refused."
            ),
            .init(
                "kafka.request.timeout",
                \.kafkaRequestTimeout,
                of: defaults,
                in: .milliseconds(100) ... .minutes(60),
                "A Kafka client is cut off when a request takes longer than this to arrive."
            ),
            .init(
                "memory.ceiling",
                \.memoryCeiling,
                of: defaults,
                in: .mebibytes(4) ... .gibibytes(64),
                "What messages in flight may take in memory; divided among the pools."
            ),
        ]
    }

    /// Refuses values that are right each for itself and wrong together: a packet that a client may
    /// send must find room in memory, and in a segment.
    func check() throws(Failure) {
        let packet = ByteCount(mqtt.session.packetBytesMax)
        guard packet <= topics.log.segmentBytes else {
            throw .configuration(
                "mqtt.packet.bytes.max (\(packet.configurationText)) is larger than "
                    + "log.segment.bytes (\(topics.log.segmentBytes.configurationText)): such a "
                    + "packet could never be stored; lower the first or raise the second"
            )
        }
        try checkRoutes(for: packet)
        try checkRoom(for: packet, "mqtt.packet.bytes.max")
        try checkRoom(for: kafka.requestBytesMax, "socket.request.max.bytes")
        guard topics.messageBytesMax < kafka.requestBytesMax else {
            throw .configuration(
                "message.max.bytes (\(topics.messageBytesMax.configurationText)) is not below "
                    + "socket.request.max.bytes (\(kafka.requestBytesMax.configurationText)): such "
                    + "a batch could never arrive; lower the first or raise the second"
            )
        }
    }

    private func checkRoutes(for packet: ByteCount) throws(Failure) {
        for route in ingest.routes {
            guard let bytes = route.overrides["segment.bytes"].flatMap({ Int($0) }),
                packet.rawValue > bytes
            else { continue }
            throw .configuration(
                "mqtt.packet.bytes.max (\(packet.configurationText)) is larger than "
                    + "settings.segment.bytes (\(bytes)) of the route to "
                    + "'\(route.topic.configurationText)': such a packet could never be stored; "
                    + "lower the first or raise the second"
            )
        }
    }

    private func checkRoom(for size: ByteCount, _ key: String) throws(Failure) {
        guard size.rawValue > memoryCeiling.rawValue / 16 else { return }
        throw .configuration(
            "\(key) (\(size.configurationText)) is more than a sixteenth of memory.ceiling "
                + "(\(memoryCeiling.configurationText)): it might never find room; lower the first "
                + "or raise the second"
        )
    }

    /// How batches are formed so that the log takes every one of them.
    var fittingIngest: IngestSettings {
        var fitting = ingest
        fitting.recordBytesMax = topics.log.segmentBytes
        fitting.partitionsDefault = creation.partitionCount
        fitting.batchBytesMax = min(ingest.batchBytesMax, topics.log.segmentBytes)
        return fitting
    }

    /// Lowers the limits of connections to what the process may open; false when they fit. A log
    /// that finds no descriptor for its next segment takes nothing more until a restart, so
    /// connections must never get that far.
    mutating func fitConnections(descriptors: Int) -> Bool {
        let forSegments =
            OpenSegments.countMax(descriptors: descriptors)
            * OpenSegments.filesPerSegment
        let kept = min(Self.descriptorsKept + forSegments, descriptors * 7 / 8)
        let room = max(2, descriptors - kept)
        let wanted = mqtt.connectionsMax + kafkaConnectionsMax
        guard wanted > room else { return false }
        mqtt.connectionsMax = max(1, room * mqtt.connectionsMax / wanted)
        kafkaConnectionsMax = max(1, room - mqtt.connectionsMax)
        return true
    }

    /// What connections leave to the logs' active files, to listeners and to clients that are being
    /// told of their refusal.
    private static let descriptorsKept = 256

    /// What Kafka clients are told of all this.
    var kafkaConfiguration: KafkaBrokerConfiguration {
        var configuration = KafkaBrokerConfiguration()
        configuration.topicDefaults = topics
        configuration.creation = creation
        configuration.logLevel = logging.kafkaLevel
        configuration.settings = Self.keys.map { key in
            KafkaBrokerConfiguration.Setting(
                name: key.name,
                value: key.text(in: self),
                defaultText: key.defaultText,
                isSet: keysSet.contains(key.name),
                sentence: key.sentence
            )
        }
        return configuration
    }

    private static var isListener: @Sendable (String) -> Bool {
        { text in HostAndPort(text) != nil }
    }
}

/// `HOST:PORT` as an operator writes it; an IPv6 address stands in brackets.
struct HostAndPort: Equatable, CustomStringConvertible {
    let host: String
    let port: UInt16

    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else { return nil }
        self.init(host: String(host), port: port)
    }

    init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
