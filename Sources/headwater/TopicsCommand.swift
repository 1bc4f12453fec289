import ArgumentParser
import BrokerModel
import KafkaWire
import Posix

struct TopicsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topics",
        abstract: "List, create, describe, change and delete topics.",
        discussion: """
            Talks to the Kafka listener, as any Kafka client would.

            EXAMPLES
              headwater topics list
              headwater topics create readings --partitions 3 \\
                --config retention.ms=86400000
              headwater topics describe readings
              headwater topics alter readings --set retention.ms=86400000
              headwater topics delete readings --yes
            """,
        subcommands: [
            TopicsListCommand.self, TopicsCreateCommand.self, TopicsDescribeCommand.self,
            TopicsAlterCommand.self, TopicsDeleteRecordsCommand.self, TopicsDeleteCommand.self,
        ]
    )
}

struct TopicsListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List all topics with their partitions and records.",
        discussion: """
            EXAMPLES
              headwater topics list
              headwater topics list --json | jq -r '.[].name'
            """
    )

    @OptionGroup var options: KafkaOptions

    func run() throws {
        try options.run { connection in
            let client = TopicsClient(client: connection)
            let topics = try client.topics().map { try client.summary(of: $0) }
            options.show(
                options.json ? TopicText.json(topics) : TopicText.table(topics)
            )
        }
    }
}

struct TopicsDescribeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe",
        abstract: "Show a topic's partitions, offsets, sizes and settings.",
        discussion: """
            EXAMPLES
              headwater topics describe mqtt
              headwater topics describe mqtt --json | jq .partitions
            """
    )

    @Argument(help: ArgumentHelp("The topics.", valueName: "TOPIC"))
    var topics: [String]

    @OptionGroup var options: KafkaOptions

    func run() throws {
        try options.run { connection in
            let client = TopicsClient(client: connection)
            let found = try topics.map { name in
                var topic = try client.summary(of: try client.topic(name))
                topic.settings = try client.settings(of: name)
                let sizes = try client.sizes(of: name, topic.partitions.map(\.index))
                for index in topic.partitions.indices {
                    topic.partitions[index].bytes = sizes[topic.partitions[index].index]
                }
                return topic
            }
            options.show(
                options.json
                    ? TopicText.json(found)
                    : found.map(TopicText.description).joined(separator: "\n\n")
            )
        }
    }
}

struct TopicsCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create topics.",
        discussion: """
            EXAMPLES
              headwater topics create readings
              headwater topics create readings --partitions 3 --if-not-exists
              headwater topics create raw --config retention.bytes=1073741824 \\
                --config durability=written
            """
    )

    @Argument(help: ArgumentHelp("The topics.", valueName: "TOPIC"))
    var topics: [String]

    @Option(
        help: ArgumentHelp(
            "How many partitions each gets; the broker's num.partitions decides otherwise.",
            valueName: "N"
        )
    )
    var partitions: Int32?

    @Option(
        name: .customLong("config"),
        parsing: .singleValue,
        help: ArgumentHelp("A setting of the topic, as in Kafka.", valueName: "KEY=VALUE")
    )
    var assignments: [String] = []

    @Option(help: ArgumentHelp("There is one broker: 1.", valueName: "N"))
    var replicationFactor: Int16 = 1

    @Flag(help: "A topic that is there already is left as it is.")
    var ifNotExists = false

    @Flag(help: "Only check whether they could be created.")
    var dryRun = false

    @OptionGroup var options: KafkaOptions

    func validate() throws {
        for topic in topics where TopicName(topic) == nil {
            throw ValidationError("'\(topic)' is no topic name: 1 to 249 of a-z A-Z 0-9 . _ -")
        }
        if let partitions, partitions < 1 {
            throw ValidationError("--partitions takes a number above 0")
        }
        guard replicationFactor == 1 else {
            throw ValidationError("--replication-factor takes 1: there is one broker")
        }
        for assignment in assignments where !assignment.contains("=") {
            throw ValidationError(
                "--config \(assignment): write KEY=VALUE, such as retention.ms=86400000"
            )
        }
    }

    func run() throws {
        let settings = assignments.map { assignment in
            let parts = assignment.split(
                separator: "=",
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            return (key: String(parts[0]), value: String(parts[1]))
        }
        try options.run { connection in
            let client = TopicsClient(client: connection)
            let (made, refused) = try client.create(
                topics,
                partitions: partitions ?? -1,
                settings: settings,
                ifNotExists: ifNotExists,
                validatesOnly: dryRun
            )
            if options.json { options.show(TopicText.json(made)) } else { show(made) }
            if let refused { throw refused }
        }
    }

    private func show(_ topics: [CreateTopicsResponse.Topic]) {
        for topic in topics {
            let unit = topic.partitionCount == 1 ? "partition" : "partitions"
            let done = dryRun ? "could create" : "created"
            options.show("\(done) \(topic.name), \(topic.partitionCount) \(unit)")
        }
    }
}
