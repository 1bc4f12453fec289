import ArgumentParser
import BrokerModel
import MQTTWire
import Posix

struct IdleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle",
        abstract: "Hold idle MQTT connections, and say what each costs the broker."
    )

    @Option(help: ArgumentHelp("The broker's MQTT listener.", valueName: "HOST:PORT"))
    var mqtt = "127.0.0.1:1883"

    @Option(help: "Connections to hold.")
    var connections = 10_000

    @Option(help: "Hold them for so long.")
    var seconds = 2.0

    @Option(help: "4 for MQTT 3.1.1, 5 for MQTT 5.")
    var version: UInt8 = 4

    @OptionGroup var broker: BrokerOptions

    struct Report: Codable {
        var connections: Int
        var stillOpen: Int
        var connectionsPerSecond: Double
        var before: BrokerProcess.Reading?
        var after: BrokerProcess.Reading?
        /// Of resident memory.
        var bytesPerConnection: Double?

        var text: String {
            var lines = ["idle/\(connections) connections: \(stillOpen) held to the end"]
            lines.append("  \(whole(connectionsPerSecond)) connections/s")
            if let before, let after, let bytesPerConnection {
                lines.append("  broker memory: \(mebibytes(before.residentBytes)) before, ")
                lines[lines.count - 1] += "\(mebibytes(after.residentBytes)) with them, "
                lines[lines.count - 1] += "\(short(bytesPerConnection / 1_024)) KiB a connection"
            }
            return lines.joined(separator: "\n")
        }
    }

    func run() throws {
        let address = try address(mqtt, "--mqtt")
        guard connections > 0,
            try SystemProcess.raiseDescriptorLimit(to: connections + 64) > connections
        else {
            throw ValidationError("--connections: the limit of open files (ulimit -n) is lower")
        }
        let process = BrokerProcess(processID: broker.brokerPid)
        let before = process.reading()
        let start = SystemClock.monotonicNanoseconds
        let run = freshRunName()
        let held = try (0..<connections).map { index in
            try MQTTHandshake(
                to: address,
                clientIdentifier: "bench-\(run)-\(index)",
                version: version == 5 ? .v5 : .v311
            ).socket
        }
        let elapsed = Double(SystemClock.monotonicNanoseconds - start) / 1e9
        let stillOpen = try hold(held)
        let after = process.reading()
        var report = Report(
            connections: connections,
            stillOpen: stillOpen,
            connectionsPerSecond: Double(connections) / elapsed,
            before: before,
            after: after
        )
        if let before, let after {
            let grown = after.residentBytes - before.residentBytes
            report.bytesPerConnection = Double(grown) / Double(connections)
        }
        try show(report, text: report.text, json: broker.json)
        if stillOpen < connections { throw ExitCode(1) }
    }

    /// Waits, and counts the connections that nobody closed meanwhile.
    private func hold(_ held: [LoadSocket]) throws -> Int {
        let epoll = try Epoll()
        for (index, connection) in held.enumerated() {
            try connection.watch(by: epoll, tag: UInt64(index))
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4_096, alignment: 16)
        defer { buffer.deallocate() }
        let end = SystemClock.monotonicNanoseconds + Int64(seconds * 1e9)
        while SystemClock.monotonicNanoseconds < end {
            for index in 0..<epoll.wait(milliseconds: 100) {
                let connection = held[Int(epoll.event(at: index).tag)]
                if connection.isOpen { connection.receive(by: buffer) { $0.count } }
            }
        }
        return held.count { $0.isOpen }
    }
}
