import BrokerModel
import CommitLog
import Ingest
import KafkaServer
import MQTTServer
import Partitions
import Posix

/// Everything that an operator can set: the modules' own settings and what the root decides.
struct BrokerSettings: Sendable {
    var dataDirectory = ""
    var nodeID = 1
    var mqttListener = "127.0.0.1:1883"
    var kafkaListener = "127.0.0.1:9092"
    var kafkaAdvertised = ""
    var memoryCeiling = ByteCount.mebibytes(128)
    var mqtt = MQTTServerSettings()
    var kafka = KafkaServerSettings()
    var kafkaConnectionsMax = 1_000
    var kafkaRequestTimeout = Duration.seconds(30)
    var ingest = IngestSettings()
    var shard = PartitionShardSettings()
    var log = LogSettings()

    static var keys: [ConfigurationKey<BrokerSettings>] {
        own + MQTTServerSettings.keys.map { $0.inside(\.mqtt) }
            + KafkaServerSettings.keys.map { $0.inside(\.kafka) }
            + IngestSettings.keys.map { $0.inside(\.ingest) }
            + PartitionShardSettings.keys.map { $0.inside(\.shard) }
            + LogSettings.keys.map { $0.inside(\.log) }
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
            ) { $0.isEmpty || isListener($0) },
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
