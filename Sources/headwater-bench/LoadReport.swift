import Foundation
import MQTTWire

/// The broker's process at the corners of a run; nil without a process id.
struct LoadReadings: Codable {
    var before: BrokerProcess.Reading?
    var connected: BrokerProcess.Reading?
    var published: BrokerProcess.Reading?
    var residentMax = 0
}

/// What an MQTT run found, for people and as JSON.
struct LoadReport: Codable {
    var name: String
    var durability = "unknown"
    var seconds: Double
    var messagesPerSecond: Double
    var deliverySeconds: Double?
    var deliveriesPerSecond: Double?
    /// From the moment a message was due to its PUBACK or PUBCOMP.
    var acknowledgement: LatencySummary?
    /// From the moment a message was due to its arrival at a subscriber.
    var delivery: LatencySummary?
    var cpuMicrosecondsPerMessage: Double?
    var writtenBytesPerMessage: Double?
    var memory: LoadReadings
    var counts: LoadCounts
    var hasStalled: Bool
    var faults: [String]

    var isRight: Bool { faults.isEmpty }

    init(
        _ plan: LoadPlan,
        _ counts: LoadCounts,
        _ readings: LoadReadings,
        hasStalled: Bool,
        publishSeconds: Double,
        deliverySeconds: Double?,
        acknowledgement: LatencySummary?,
        delivery: LatencySummary?
    ) {
        name =
            "mqtt/qos\(plan.qos.rawValue)/\(plan.publishers)x\(plan.window)/\(plan.payloadBytes)B"
        let done = plan.qos == .atMostOnce ? counts.sent : counts.acknowledged
        seconds = publishSeconds
        messagesPerSecond = Double(done) / max(publishSeconds, 1e-9)
        self.deliverySeconds = deliverySeconds
        deliveriesPerSecond = deliverySeconds.map { Double(counts.delivered) / max($0, 1e-9) }
        self.acknowledgement = acknowledgement
        self.delivery = delivery
        memory = readings
        self.counts = counts
        self.hasStalled = hasStalled
        let lossIsAllowed = plan.qos == .atMostOnce || plan.subscriberQoS == .atMostOnce
        faults = counts.faults(lossIsAllowed: lossIsAllowed)
        if hasStalled { faults.append("nothing came any more for \(plan.patience) s") }
        guard done > 0, let before = readings.connected, let after = readings.published else {
            return
        }
        cpuMicrosecondsPerMessage = (after.cpuSeconds - before.cpuSeconds) * 1e6 / Double(done)
        writtenBytesPerMessage = Double(after.writtenBytes - before.writtenBytes) / Double(done)
    }

    var text: String {
        var lines = ["\(name)    durability: \(durability)"]
        lines.append(
            "  \(whole(messagesPerSecond)) msg/s over \(short(seconds)) s, \(counts.sent) sent"
        )
        if let deliveriesPerSecond {
            lines.append("  \(whole(deliveriesPerSecond)) deliveries/s, \(counts.lost) never came")
        }
        if let acknowledgement { lines.append("  acknowledged after \(line(acknowledgement))") }
        if let delivery { lines.append("  delivered after \(line(delivery))") }
        if let cpuMicrosecondsPerMessage {
            lines.append("  broker: \(short(cpuMicrosecondsPerMessage)) µs CPU a message")
        }
        if let reading = memory.published {
            lines.append(
                "  broker memory: \(mebibytes(reading.residentBytes)) resident, "
                    + "\(mebibytes(reading.privateBytes)) private, "
                    + "\(mebibytes(max(reading.peakResidentBytes, memory.residentMax))) peak"
            )
        }
        lines += faults.map { "  WRONG: \($0)" }
        return lines.joined(separator: "\n")
    }
}

/// Prints a finding as one JSON line, or for people.
func show(_ report: some Encodable, text: String, json: Bool) throws {
    guard json else { return print(text) }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    print(String(decoding: try encoder.encode(report), as: UTF8.self))
}

func whole(_ value: Double) -> String { String(format: "%.0f", value) }
func short(_ value: Double) -> String { String(format: "%.3g", value) }
func mebibytes(_ bytes: Int) -> String { String(format: "%.1f MiB", Double(bytes) / 1_048_576) }

func line(_ latency: LatencySummary) -> String {
    "\(whole(latency.p50)) / \(whole(latency.p99)) / \(whole(latency.p999)) µs (p50 / p99 / p99.9)"
}
