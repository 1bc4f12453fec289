import ArgumentParser
import BrokerModel
import Posix

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how a running broker does.",
        discussion: """
            Asks the broker's admin HTTP. Ends with 0 when the broker is ready, 1 when it
            is not, and 68 when it can't be reached.

            EXAMPLES
              headwater status
              headwater status --json | jq .log.records
            """
    )

    @Option(help: ArgumentHelp("The broker's admin HTTP listener.", valueName: "HOST:PORT"))
    var http = "127.0.0.1:8090"

    @Flag(help: "Print the broker's JSON as it came.")
    var json = false

    func run() throws {
        try exitingOnFailure {
            let address = try resolved(http, flag: "--http")
            let body: [UInt8]
            let status: BrokerStatus
            do {
                body = try HTTPClient.get("/api/v1/status", at: address, host: http)
                status = try BrokerStatus(json: body)
            } catch let error as HTTPClientError {
                throw Failure.cannotConnect(
                    "\(http): \(error); is 'headwater serve' running there, with this as its "
                        + "http.listener?"
                )
            } catch {
                throw Failure.cannotConnect("\(http): this answer is not a Headwater broker's")
            }
            let text = json ? String(decoding: body, as: UTF8.self) : StatusText(status).text
            try? StandardStream.output.write(text)
            if !status.health.ready { throw ExitCode(1) }
        }
    }
}

/// The status as a person reads it.
struct StatusText {
    let text: String

    init(_ status: BrokerStatus) {
        var lines = [
            "Headwater \(status.version), up \(Self.time(status.uptimeSeconds)), "
                + (status.health.ready ? "ready" : "NOT READY (\(status.health.phase))")
        ]
        for reason in status.health.reasons {
            lines.append("  ! \(reason.what)")
            lines.append("    \(reason.remedy)")
        }
        for (face, address) in status.listeners.sorted(by: { $0.key < $1.key }) {
            lines.append("  \(Self.padded(face, 7)) \(address)")
        }
        if let disk = status.disk {
            lines.append(
                "  data    \(disk.folder), \(Self.bytes(disk.availableBytes)) of "
                    + "\(Self.bytes(disk.sizeBytes)) free"
            )
        }
        let log = status.log
        lines.append(
            "  since the start: \(log.records) records in \(log.batches) batches "
                + "(\(Self.bytes(log.bytes))), memory \(Self.bytes(status.residentBytes))"
                + (log.unsyncedBytes > 0 ? ", unsynced \(Self.bytes(log.unsyncedBytes))" : "")
        )
        let mqtt = status.mqtt
        lines.append(
            "  MQTT  clients \(mqtt.connections), received \(mqtt.received), delivered "
                + "\(mqtt.delivered), dropped \(mqtt.dropped), refused \(mqtt.refused)"
        )
        lines.append(
            "  Kafka clients \(status.kafka.connections), requests \(status.kafka.requests), "
                + "fetched \(Self.bytes(status.kafka.fetchedBytes)), group members "
                + "\(status.kafka.groupMembers), lag \(status.kafka.groupLagRecords) records"
        )
        for topic in status.topics {
            let words = topic.isInternal ? ", internal" : ""
            lines.append(
                "  topic \(topic.name): \(topic.partitions) partition(s), \(topic.records) "
                    + "records, \(Self.bytes(Int(topic.sizeBytes)))\(words)"
            )
        }
        let others = status.topicCount - status.topics.count
        if others > 0 { lines.append("  and \(others) more topics") }
        text = lines.joined(separator: "\n") + "\n"
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func time(_ seconds: Double) -> String {
        let whole = Int(seconds)
        let (days, hours, minutes) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60)
        if days > 0 { return "\(days) d \(hours) h" }
        if hours > 0 { return "\(hours) h \(minutes) min" }
        return minutes > 0 ? "\(minutes) min \(whole % 60) s" : "\(whole) s"
    }

    /// In the largest unit of which there is at least one, with one decimal.
    private static func bytes(_ count: Int) -> String {
        var (value, unit) = (count, 0)
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var tenths = 0
        while value >= 1_024, unit < units.count - 1 {
            tenths = value % 1_024 * 10 / 1_024
            value /= 1_024
            unit += 1
        }
        return unit == 0 ? "\(value) B" : "\(value).\(tenths) \(units[unit])"
    }
}
