import ArgumentParser
import Foundation
import Posix

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Publish demo devices, or a recording, over MQTT.",
        discussion: """
            Without --replay: this box's own readings and a simulated plant. Each device
            has an MQTT connection of its own and waits for every acknowledgement (QoS 1).
            Ends on Ctrl-C, or after --duration.

            With --replay: a recording, CSV or one JSON object a line, in its recorded
            pace, faster or slower. Ends with the file, once every row is acknowledged. A
            row that cannot be used is skipped; the counts at the end say so, with the
            first reasons. A row older than the one before it goes out at once.

            EXAMPLES
              headwater demo
              headwater demo --rate 200 --duration 30
              headwater demo --mqtt 127.0.0.1:11883
              headwater demo --replay plant.csv --topic 'plant/{line}/{sensor}' --speed 10
              headwater demo --replay readings.ndjson --time-column when --payload value
              zcat old.csv.gz | headwater demo --replay - --speed max
            """
    )

    @Option(help: ArgumentHelp("The broker's MQTT listener.", valueName: "HOST:PORT"))
    var mqtt = "127.0.0.1:1883"

    @Option(
        help: ArgumentHelp(
            "Messages a second, 1 to 10000. Without it each device reports once a second.",
            valueName: "N"
        )
    )
    var rate: Int?

    @Option(help: ArgumentHelp("Stop after so many seconds.", valueName: "SECONDS"))
    var duration: Double?

    @Option(help: ArgumentHelp("The same seed gives the same plant.", valueName: "N"))
    var seed: UInt64 = 1

    @OptionGroup(title: "Replay a recording")
    var replay: ReplayOptions

    func validate() throws {
        if rate != nil, replay.replay != nil {
            throw ValidationError("--rate is for the demo devices; --replay has --speed")
        }
        if let rate, !(1...10_000).contains(rate) {
            throw ValidationError("--rate takes 1 to 10000 messages a second")
        }
        if let duration, !(duration > 0 && duration <= 1e9) {
            throw ValidationError("--duration takes a number of seconds above 0, at most 1e9")
        }
    }

    func run() throws {
        try exitingOnFailure {
            let address = try resolved(mqtt, flag: "--mqtt")
            do {
                if let path = replay.replay {
                    var run = try ReplayRun(replay, path: path, duration: duration, to: address)
                    try run.run()
                } else {
                    var demo = DemoRun(command: self, address: address)
                    try demo.run()
                }
            } catch let error as MQTTClientError {
                throw Failure.cannotConnect("\(mqtt): \(error); \(error.question)")
            }
        }
    }
}

/// A demo while it runs: the devices, and when their next readings are due.
private struct DemoRun {
    private let command: DemoCommand
    private let address: SocketAddress
    private var plant: PlantSimulation
    private var box = BoxReadings()
    private var devices: [String: MQTTClient] = [:]
    private var sent = 0

    init(command: DemoCommand, address: SocketAddress) {
        self.command = command
        self.address = address
        plant = PlantSimulation(seed: command.seed)
    }

    mutating func run() throws(MQTTClientError) {
        let stopping = Signals([.interrupt, .terminate])
        stopping.block()
        let start = SystemClock.monotonicNanoseconds
        let end = command.duration.map { start + Int64($0 * 1e9) } ?? .max
        var due = start
        while true {
            let readings = nextReadings()
            let step = command.rate.map { 1e9 / Double($0) * Double(readings.count) } ?? 1e9
            for (index, reading) in readings.enumerated() {
                // Spread over the step, as devices of their own would be.
                let at = due + Int64(step * Double(index) / Double(readings.count))
                guard at < end, !wait(until: at, for: stopping) else { return try finish(start) }
                try device(of: reading).publish(reading)
                sent += 1
            }
            due += Int64(step)
        }
    }

    private mutating func nextReadings() -> [Reading] {
        let now = Date()
        let dayFraction =
            now.timeIntervalSince1970
            .truncatingRemainder(dividingBy: 86_400) / 86_400
        let step = command.rate.map { 17 / Double($0) } ?? 1
        return plant.advance(by: step, dayFraction: dayFraction) + box.read()
    }

    /// A device is what lies above the last level of its topics; each has its own connection.
    private mutating func device(of reading: Reading) throws(MQTTClientError) -> MQTTClient {
        let name = reading.topic.split(separator: "/").prefix(3).dropLast().joined(separator: "-")
        if let known = devices[name] { return known }
        let client = try MQTTClient(
            to: address,
            clientIdentifier: "demo-\(SystemProcess.id)-\(name)"
        )
        devices[name] = client
        return client
    }

    /// True when a signal came first.
    private func wait(until deadline: Int64, for signals: Signals) -> Bool {
        let left = max(0, deadline - SystemClock.monotonicNanoseconds)
        let signal = try? signals.wait(timeout: .nanoseconds(left))
        return signal != nil
    }

    private mutating func finish(_ start: Int64) throws(MQTTClientError) {
        for device in devices.values { try device.disconnect() }
        let seconds = Double(SystemClock.monotonicNanoseconds - start) / 1e9
        let rounded = String(format: "%.1f", seconds)
        writeStandardError(
            "\(sent) readings of \(devices.count) devices acknowledged in \(rounded) s\n"
        )
    }
}
