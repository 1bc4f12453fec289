import ArgumentParser
import BrokerConfiguration
import BrokerModel
import Logging
import Posix

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the broker.",
        discussion: """
            Without arguments: MQTT on 127.0.0.1:1883, Kafka on 127.0.0.1:9092, and
            metrics, health and status over HTTP on 127.0.0.1:8090. Every record is
            synced before it is acknowledged, unless its topic's durability asks for less.
            SIGTERM, SIGINT and SIGHUP stop it cleanly.

            EXAMPLES
              headwater serve
              headwater serve --data /mnt/ssd/headwater --mqtt 127.0.0.1:11883
              headwater serve --mqtt 0.0.0.0:1883 --insecure
              headwater serve --config /etc/headwater.yaml --set log.segment.bytes=16MiB

            EXIT CODES
              0   stopped cleanly
              64  wrong arguments
              69  port busy
              71  no thread or descriptor left
              73  data folder not writable
              74  disk full or failing
              75  data folder in use
              77  off loopback without --insecure
              78  wrong configuration
            """
    )

    @Option(help: ArgumentHelp("Read configuration from this YAML file.", valueName: "FILE"))
    var config: String?

    @Option(help: ArgumentHelp("Keep all data in this folder.", valueName: "DIR"))
    var data: String?

    @Option(help: ArgumentHelp("Listen here for MQTT.", valueName: "HOST:PORT"))
    var mqtt: String?

    @Option(help: ArgumentHelp("Listen here for Kafka clients.", valueName: "HOST:PORT"))
    var kafka: String?

    @Option(
        help: ArgumentHelp(
            "Serve metrics, health and status here; 'off' for not at all.",
            valueName: "HOST:PORT"
        )
    )
    var http: String?

    @Option(
        name: .customLong("set"),
        parsing: .singleValue,
        help: ArgumentHelp(
            "Set one key; 'headwater config describe' lists them.",
            valueName: "KEY=VALUE"
        )
    )
    var assignments: [String] = []

    @Flag(help: "Listen off loopback although there is no authentication yet.")
    var insecure = false

    func run() throws {
        try exitingOnFailure {
            let environment = SystemProcess.environment
            let (settings, unknown) = try readSettings(environment)
            LoggingSystem.bootstrap { _ in ConsoleLog(settings.logging) }
            let log = Logger(label: "headwater")
            for variable in unknown {
                log.warning("unknown environment variable", metadata: ["name": "\(variable)"])
            }
            try BrokerGraph(settings: settings, log: log).run(insecure: insecure)
        }
    }

    /// The settings, and the variables that look like ours and are not.
    private func readSettings(
        _ environment: [String: String]
    ) throws -> (BrokerSettings, unknown: [String]) {
        if data?.isEmpty == true {
            throw Failure.configuration("--data names no folder; write --data DIR, or leave it out")
        }
        var unknown: [String] = []
        var reader = ConfigurationFile.reader
        do throws(ConfigurationError) {
            if let config { try ConfigurationFile(path: config).read(into: &reader) }
            unknown = try reader.read(environment: environment)
            for assignment in assignments { try reader.read(flag: assignment) }
            for (flag, key, value) in flags {
                if let value { try reader.set(key, to: value, place: flag) }
            }
        } catch {
            throw Failure.configuration("\(error)")
        }
        var settings = reader.settings
        try settings.check()
        if settings.dataDirectory.isEmpty {
            settings.dataDirectory = defaultDataDirectory(
                user: SystemProcess.user?.name ?? "",
                environment: environment
            )
        }
        settings.nodeIDPlace = reader.places["node.id"]
        settings.keysSet = Set(reader.places.keys)
        settings.dataDirectory = absolutePath(
            try expandingHome(settings.dataDirectory, environment: environment)
        )
        return (settings, unknown)
    }

    private var flags: [(flag: String, key: String, value: String?)] {
        [
            ("--data", "data.directory", data), ("--mqtt", "mqtt.listener", mqtt),
            ("--kafka", "kafka.listener", kafka), ("--http", "http.listener", http),
        ]
    }
}
