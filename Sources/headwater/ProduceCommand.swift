import ArgumentParser
import BrokerModel
import KafkaWire
import Posix
import RecordFormat

struct ProduceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "produce",
        abstract: "Write lines, or JSON objects, to a topic as records.",
        discussion: """
            Waits for the broker's acknowledgement of everything, which with --acks all
            and 1 comes after the sync, and says at the end how many records were
            acknowledged. What is typed goes out line by line; a file or pipe in batches. A
            topic that is not there is made, if the broker's auto.create.topics.enable says
            so. Records with a key go to the partition where Kafka's clients put that key.

            With --input json each line is an object with key, value, headers and
            timestamp, as 'tail --json' and 'consume --json' print them; their topic,
            partition and offset are left out. A value that is no text is written as JSON,
            with sorted keys.

            EXAMPLES
              echo hello | headwater produce greetings
              headwater produce readings --file day.txt --key-separator :
              headwater produce readings --header site=north --compression lz4
              headwater tail mqtt --json --count 100 | headwater produce copy --input json
            """
    )

    enum Acks: String, ExpressibleByArgument, CaseIterable {
        case none = "0"
        case one = "1"
        case all

        var number: Int16 {
            switch self {
            case .none: 0
            case .one: 1
            case .all: -1
            }
        }
    }

    enum Compression: String, ExpressibleByArgument, CaseIterable {
        case none, gzip, snappy, lz4, zstd

        var codec: CompressionCodec {
            switch self {
            case .none: .none
            case .gzip: .gzip
            case .snappy: .snappy
            case .lz4: .lz4
            case .zstd: .zstd
            }
        }
    }

    @Argument(help: ArgumentHelp("The topic to write to.", valueName: "TOPIC"))
    var topic: String

    @OptionGroup(title: "Input") var input: ProduceInput

    @Option(help: ArgumentHelp("Write to this partition only.", valueName: "N"))
    var partition: Int32?

    @Option(help: ArgumentHelp("0, 1 or all; 0 does not wait for the log.", valueName: "ACKS"))
    var acks = Acks.all

    @Option(help: ArgumentHelp("How records are compressed.", valueName: "CODEC"))
    var compression = Compression.zstd

    @OptionGroup var options: KafkaOptions

    func validate() throws {
        guard TopicName(topic) != nil else {
            throw ValidationError("'\(topic)' is no topic name: 1 to 249 of a-z A-Z 0-9 . _ -")
        }
        if let partition, partition < 0 {
            throw ValidationError("--partition takes a number from 0 on")
        }
    }

    func run() throws {
        let interruption = Interruption()
        try options.run { client in
            let run = try ProduceRun(self, client, interruption)
            do {
                try run.run()
            } catch {
                // What is known to be there counts, however it ended.
                run.report()
                throw error
            }
            run.report()
        }
    }
}
