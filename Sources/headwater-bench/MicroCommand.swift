import ArgumentParser
import Foundation

struct MicroCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "micro",
        abstract: "Measure codecs, packets and the log inside this process.",
        discussion: """
            EXAMPLES
              headwater-bench micro
              headwater-bench micro --only record-format/validate
            """
    )

    @Option(help: ArgumentHelp("Those whose name holds this text.", valueName: "TEXT"))
    var only = ""

    @Option(help: "Length of each of the three rounds.")
    var seconds = 0.3

    @Option(help: ArgumentHelp("Where the log's benchmarks write.", valueName: "FOLDER"))
    var folder = "/tmp"

    @Flag(help: "Print one line of JSON.")
    var json = false

    func run() throws {
        let measurements = Measurements(filter: only, roundSeconds: seconds)
        try measureRecordFormat(measurements)
        try measurePackets(measurements)
        try measureLog(measurements, folder: folder)
        let text = measurements.found.map(Self.line).joined(separator: "\n")
        try show(measurements.found, text: text, json: json)
    }

    private static func line(_ found: Measurement) -> String {
        let name = found.name.padding(toLength: 56, withPad: " ", startingAt: 0)
        let rate = found.bytesPerSecond.map { "  \(whole($0 / 1e6)) MB/s" } ?? ""
        return "\(name)\(short(found.nanosecondsPerOperation)) ns\(rate)"
    }
}
