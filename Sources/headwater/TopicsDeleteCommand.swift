import ArgumentParser
import KafkaWire
import Posix

struct TopicsDeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete topics with all their records.",
        discussion: """
            Asks first, on a terminal. A script says --yes.

            EXAMPLES
              headwater topics delete readings
              headwater topics delete readings raw --yes
            """
    )

    @Argument(help: ArgumentHelp("The topics.", valueName: "TOPIC"))
    var topics: [String]

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var options: TopicsOptions

    func run() throws {
        guard yes || StandardStream.inputIsTerminal else {
            throw ValidationError("nobody can be asked here; add --yes to delete the records")
        }
        try options.run { client in
            if !yes {
                let records = try topics.map {
                    try client.summary(of: try client.topic($0)).records
                }
                let total = records.reduce(0, +)
                guard isConfirmed(records: total) else {
                    throw Failure.refused("nothing was deleted")
                }
            }
            let (gone, refused) = try client.delete(topics)
            if options.json {
                options.show(TopicText.array(gone.map(RecordText.quoted)))
            } else {
                for topic in gone { options.show("deleted \(topic)") }
            }
            if let refused { throw refused }
        }
    }

    private func isConfirmed(records: Int64) -> Bool {
        let names = topics.joined(separator: ", ")
        writeStandardError("Delete \(names) with \(records) records for ever? [y/N] ")
        let answer = readLine() ?? ""
        return ["y", "yes"].contains(answer.lowercased())
    }
}
