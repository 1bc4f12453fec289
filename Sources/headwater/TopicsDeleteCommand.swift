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

    @OptionGroup var options: KafkaOptions

    func run() throws {
        try requireConsent(yes, to: "deletes the records", command: "headwater topics delete")
        try options.run { connection in
            let client = TopicsClient(client: connection)
            if !yes {
                let records = try topics.map {
                    try client.summary(of: try client.topic($0)).records
                }
                let names = topics.joined(separator: ", ")
                let total = records.reduce(0, +)
                guard options.isConfirmed("Delete \(names) with \(total) records for ever?") else {
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
}
