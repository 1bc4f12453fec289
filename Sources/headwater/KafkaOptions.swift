import ArgumentParser
import KafkaWire
import Posix

/// What every command takes that is a client of the Kafka listener.
struct KafkaOptions: ParsableArguments {
    /// Kafka's own tools have two other names for it.
    @Option(
        name: [.customLong("kafka"), .customLong("bootstrap-server"), .customShort("b")],
        help: ArgumentHelp("The broker's Kafka listener.", valueName: "HOST:PORT")
    )
    var kafka = "127.0.0.1:9092"

    @Flag(help: "Print JSON.")
    var json = false

    /// Runs `body` with a connection; what goes wrong ends the command with one line and a code.
    func run(
        until interruption: Interruption? = nil,
        _ body: (KafkaClient) throws -> Void
    ) throws {
        try exitingOnFailure {
            let address = try resolved(kafka, flag: "--kafka")
            do {
                try body(try KafkaClient(to: address, until: interruption))
            } catch let error as KafkaClientError {
                throw Failure(error, at: kafka)
            }
        }
    }

    func show(_ text: String) {
        // A reader such as `head` may have seen enough.
        try? StandardStream.output.write(text + "\n")
    }

    /// Asks on the terminal.
    func isConfirmed(_ question: String) -> Bool {
        writeStandardError("\(question) [y/N] ")
        return ["y", "yes"].contains((readLine() ?? "").lowercased())
    }
}

extension Failure {
    /// A broker that says no has been reached: that is another cause than one that was not.
    init(_ error: KafkaClientError, at address: String) {
        switch error {
        case .broker(.unknownTopicOrPartition, let what):
            self = .refused(
                "there is no \(what); 'headwater topics list' shows what there is"
            )
        case .broker(let code, let what): self = .refused("\(what): \(code)")
        case .unreachable, .socket, .wire, .closed, .interrupted:
            self = .cannotConnect("\(address): \(error); \(error.question)")
        }
    }
}

/// Who asks has to be there to answer: on a terminal, or with a flag that says so.
func requireConsent(_ yes: Bool, to what: String, command: String) throws {
    guard !yes, !StandardStream.inputIsTerminal else { return }
    try exitingOnFailure {
        throw Failure.usage("nobody can be asked here: '\(command) --yes' \(what)")
    }
}
