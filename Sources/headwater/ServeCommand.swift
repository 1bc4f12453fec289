import ArgumentParser
import BrokerConfiguration
import BrokerModel
import Foundation
import Logging
import Posix

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the broker.",
        discussion: """
            Without arguments: MQTT on 127.0.0.1:1883, Kafka on 127.0.0.1:9092, every record synced
            before it is acknowledged. SIGTERM or SIGINT stops it cleanly.

            EXAMPLES
              headwater serve
              headwater serve --data /mnt/ssd/headwater --mqtt 127.0.0.1:11883
              headwater serve --mqtt 0.0.0.0:1883 --insecure
              headwater serve --config /etc/headwater.yaml --set log.segment.bytes=16MiB

            EXIT CODES
              0 stopped cleanly, 64 wrong arguments, 69 port busy, 71 no thread or descriptor left,
              73 data folder not writable, 74 disk full or failing, 75 data folder in use,
              77 off loopback without --insecure, 78 wrong configuration
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
            let environment = ProcessInfo.processInfo.environment
            LoggingSystem.bootstrap { _ in ConsoleLog() }
            let log = Logger(label: "headwater")
            let settings = try readSettings(environment, log)
            try BrokerGraph(settings: settings, log: log).run(insecure: insecure)
        }
    }

    private func readSettings(
        _ environment: [String: String],
        _ log: Logger
    ) throws -> BrokerSettings {
        var reader = ConfigurationReader(BrokerSettings(), keys: BrokerSettings.keys)
        do throws(ConfigurationError) {
            if let config { try reader.read(yaml: try contents(of: config), path: config) }
            for variable in try reader.read(environment: environment) {
                log.warning("unknown environment variable", metadata: ["name": "\(variable)"])
            }
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
            let user = NSUserName()
            settings.dataDirectory = defaultDataDirectory(user: user, environment: environment)
        }
        settings.dataDirectory = absolutePath(settings.dataDirectory)
        return settings
    }

    private var flags: [(flag: String, key: String, value: String?)] {
        [
            ("--data", "data.directory", data), ("--mqtt", "mqtt.listener", mqtt),
            ("--kafka", "kafka.listener", kafka),
        ]
    }

    private func contents(of path: String) throws(ConfigurationError) -> String {
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            let reason = (error as NSError).localizedDescription
            throw .unreadableFile(path: path, reason: reason)
        }
    }
}
