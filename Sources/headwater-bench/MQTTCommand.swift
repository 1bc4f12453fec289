import ArgumentParser
import BrokerModel
import MQTTWire
import Posix

struct MQTTCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mqtt",
        abstract: "Publish over MQTT, and check acknowledgements and deliveries.",
        discussion: """
            EXAMPLES
              headwater-bench mqtt --connections 50 --window 64 --seconds 4
              headwater-bench mqtt --qos 2 --messages 100000 --subscribers 1
              headwater-bench mqtt --rate 2000 --connections 50 --broker-pid 4711
            """
    )

    @Option(help: ArgumentHelp("The broker's MQTT listener.", valueName: "HOST:PORT"))
    var mqtt = "127.0.0.1:1883"

    @Option(
        help: ArgumentHelp(
            "The same broker's Kafka listener, to ask for the durability of the topic 'mqtt'.",
            valueName: "HOST:PORT"
        )
    )
    var kafka: String?

    @Option(help: "Publishing connections.")
    var connections = 1

    @Option(help: "Messages in flight on each, at QoS 1 and 2.")
    var window = 64

    @Option(help: "Bytes of each payload, 64 or more.")
    var payload = 100

    @Option(help: "Quality of service of the publishers: 0, 1 or 2.")
    var qos: UInt8 = 1

    @Option(help: "Publish for so long.")
    var seconds: Double?

    @Option(help: "Publish so many messages in all.")
    var messages: Int?

    @Option(help: "Messages a second in all, on a schedule that waits for no answer.")
    var rate: Double?

    @Option(help: "Subscribers to everything published.")
    var subscribers = 0

    @Option(help: "Quality of service of the subscribers: 0, 1 or 2.")
    var subscriberQos: UInt8 = 0

    @Option(help: "4 for MQTT 3.1.1, 5 for MQTT 5.")
    var version: UInt8 = 4

    @Option(help: "The topics' first levels.")
    var topic = "bench"

    @OptionGroup var broker: BrokerOptions

    func validate() throws {
        func range(_ name: String, _ value: Int, _ allowed: ClosedRange<Int>) throws {
            guard allowed.contains(value) else {
                throw ValidationError(
                    "--\(name) takes \(allowed.lowerBound) to \(allowed.upperBound)"
                )
            }
        }
        try range("connections", connections, 1...60_000)
        try range("window", window, 1...16_000)
        try range("payload", payload, PayloadPattern.sizeMin...262_144)
        try range("qos", Int(qos), 0...2)
        try range("subscriber-qos", Int(subscriberQos), 0...2)
        try range("version", Int(version), 4...5)
        try range("subscribers", subscribers, 0...10_000)
        if let messages { try range("messages", messages, connections...1_000_000_000) }
        if let seconds, !(seconds > 0 && seconds < 1e6) {
            throw ValidationError("--seconds takes a number above 0")
        }
        if let rate, !(rate > 0 && rate <= 1e8) {
            throw ValidationError("--rate takes a number above 0")
        }
    }

    func run() throws {
        let report = try measured()
        try show(report, text: report.text, json: broker.json)
        if !report.isRight { throw ExitCode(1) }
    }

    private func measured() throws -> LoadReport {
        var plan = LoadPlan(
            address: try address(mqtt, "--mqtt"),
            topicPrefix: topic,
            runName: freshRunName()
        )
        plan.version = version == 5 ? .v5 : .v311
        plan.publishers = connections
        plan.window = window
        plan.payloadBytes = payload
        plan.qos = QualityOfService(rawValue: qos) ?? .atLeastOnce
        plan.messages = messages.map { ($0 + connections - 1) / connections }
        plan.seconds = messages == nil ? seconds ?? 5 : seconds
        plan.rate = rate
        plan.subscribers = subscribers
        plan.subscriberQoS = QualityOfService(rawValue: subscriberQos) ?? .atMostOnce
        plan.patience = broker.patience
        _ = try SystemProcess.raiseDescriptorLimit(to: connections + subscribers + 64)
        let load = try MQTTLoad(plan, broker: BrokerProcess(processID: broker.brokerPid))
        var report = try load.run()
        report.durability = broker.durability(
            of: "mqtt",
            askedAt: try kafka.map { try address($0, "--kafka") }
        )
        return report
    }
}
