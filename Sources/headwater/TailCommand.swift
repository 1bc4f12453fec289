import ArgumentParser
import BrokerModel
import KafkaWire
import Posix
import RecordFormat

struct TailCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Show a topic's records as they become durable.",
        discussion: """
            Reads through the Kafka listener, as any Kafka client would. Ends on Ctrl-C,
            or after --count records.

            EXAMPLES
              headwater tail mqtt
              headwater tail mqtt --from-beginning --count 10
              headwater tail mqtt --json | jq .value
            """
    )

    @Argument(help: ArgumentHelp("The topic to read.", valueName: "TOPIC"))
    var topic: String

    @Option(
        help: ArgumentHelp(
            "The broker's MQTT listener, for the commands shown.",
            valueName: "HOST:PORT"
        )
    )
    var mqtt = "127.0.0.1:1883"

    @Flag(help: "Start with the oldest record instead of the next one.")
    var fromBeginning = false

    @Option(
        name: [.customLong("count"), .customLong("max-messages")],
        help: ArgumentHelp("Stop after so many records.", valueName: "N")
    )
    var count: Int?

    @OptionGroup var options: KafkaOptions

    func validate() throws {
        guard TopicName(topic) != nil else {
            throw ValidationError("'\(topic)' is no topic name: 1 to 249 of a-z A-Z 0-9 . _ -")
        }
        if let count, count < 1 { throw ValidationError("--count takes a number above 0") }
    }

    func run() throws {
        let interruption = Interruption()
        try options.run(until: interruption) { client in
            printEqualCommands()
            let partitions = try client.partitions(of: [topic])
            let place = fromBeginning ? ListOffsetsPlace.earliest : ListOffsetsPlace.latest
            let reader = RecordReader(client)
            reader.assign(try client.offsets(of: partitions, at: place))
            do {
                try follow(reader, until: interruption)
            } catch KafkaClientError.interrupted {
                return
            }
        }
    }

    private func follow(
        _ reader: RecordReader,
        until interruption: Interruption
    ) throws(KafkaClientError) {
        reader.skipped = { writeStandardError(RecordText.skipped($0, $1)) }
        var left = count ?? .max
        while left > 0, !interruption.hasCome() {
            // One write for all that has come; a reader that has seen enough closes the pipe.
            var text = ""
            try reader.poll { partition, record in
                text += line(partition.index, record) + "\n"
                left -= 1
                return left > 0
            }
            if !text.isEmpty, (try? StandardStream.output.write(text)) == nil { return }
        }
    }

    private func line(_ partition: Int32, _ record: RecordView) -> String {
        options.json
            ? RecordText.json(topic, partition, record) : RecordText.line(partition, record)
    }

    /// On stderr, so that the records alone can be piped on.
    private func printEqualCommands() {
        let start = fromBeginning ? "beginning" : "end"
        let broker = HostAndPort(mqtt) ?? HostAndPort(host: "127.0.0.1", port: 1883)
        writeStandardError(
            """
            # the same with other programs:
            #   kcat -C -b \(options.kafka) -t \(topic) -o \(start) -f '%T %p@%o %k %s\\n'
            #   mosquitto_sub -h \(broker.host) -p \(broker.port) -v -t '#'    (live only)

            """
        )
    }
}
