import ArgumentParser
import KafkaWire
import Posix

struct TopicsAlterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alter",
        abstract: "Change a topic's settings, or give it more partitions.",
        discussion: """
            A setting counts from the next record, roll or retention pass on. Records keep
            their partitions; new ones with a key may go to another once there are more.

            EXAMPLES
              headwater topics alter readings --set retention.ms=86400000
              headwater topics alter readings --reset retention.ms --dry-run
              headwater topics alter readings --partitions 6
            """
    )

    @Argument(help: ArgumentHelp("The topic.", valueName: "TOPIC"))
    var topic: String

    @Option(
        name: .customLong("set"),
        parsing: .singleValue,
        help: ArgumentHelp("A setting of the topic, as in Kafka.", valueName: "KEY=VALUE")
    )
    var assignments: [String] = []

    @Option(
        name: .customLong("reset"),
        parsing: .singleValue,
        help: ArgumentHelp("A setting that takes the broker's default again.", valueName: "KEY")
    )
    var resets: [String] = []

    @Option(help: ArgumentHelp("How many partitions it has then.", valueName: "N"))
    var partitions: Int32?

    @Flag(help: "Only check whether it could be changed so.")
    var dryRun = false

    @OptionGroup var options: KafkaOptions

    func validate() throws {
        guard !assignments.isEmpty || !resets.isEmpty || partitions != nil else {
            throw ValidationError(
                "say what to change: --set KEY=VALUE, --reset KEY, --partitions N"
            )
        }
        for assignment in assignments where !assignment.contains("=") {
            throw ValidationError(
                "--set \(assignment): write KEY=VALUE, such as retention.ms=86400000"
            )
        }
    }

    func run() throws {
        let changes: [IncrementalAlterConfigsRequest.Setting] =
            assignments.map { assignment in
                let parts = assignment.split(
                    separator: "=",
                    maxSplits: 1,
                    omittingEmptySubsequences: false
                )
                return .init(name: String(parts[0]), operation: .set, value: String(parts[1]))
            } + resets.map { .init(name: $0, operation: .delete) }
        try options.run { connection in
            let client = TopicsClient(client: connection)
            if !changes.isEmpty {
                try client.alter(topic, changes, validatesOnly: dryRun)
            }
            if let partitions {
                try client.grow(topic, to: partitions, validatesOnly: dryRun)
            }
            if options.json {
                var found = try client.summary(of: try client.topic(topic))
                found.settings = try client.settings(of: topic)
                options.show(TopicText.json([found]))
            } else {
                options.show("\(dryRun ? "could change" : "changed") \(topic)")
            }
        }
    }
}

struct TopicsDeleteRecordsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete-records",
        abstract: "Delete a topic's oldest records.",
        discussion: """
            Asks first, on a terminal. A script says --yes.

            EXAMPLES
              headwater topics delete-records readings --partition 0 --before 4711
              headwater topics delete-records readings --all --yes
            """
    )

    @Argument(help: ArgumentHelp("The topic.", valueName: "TOPIC"))
    var topic: String

    @Option(help: ArgumentHelp("Of one partition; otherwise of each.", valueName: "N"))
    var partition: Int32?

    @Option(help: ArgumentHelp("The first offset that stays.", valueName: "OFFSET"))
    var before: Int64?

    @Flag(help: "Delete all records that there are now.")
    var all = false

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var options: KafkaOptions

    func validate() throws {
        guard all != (before != nil) else {
            throw ValidationError("say up to where: --before OFFSET or --all")
        }
        if let before, before < 0 { throw ValidationError("--before takes an offset, from 0 on") }
    }

    func run() throws {
        guard yes || StandardStream.inputIsTerminal else {
            throw ValidationError("nobody can be asked here; add --yes to delete the records")
        }
        try options.run { connection in
            let client = TopicsClient(client: connection)
            let found = try client.summary(of: try client.topic(topic))
            let chosen = found.partitions.filter { partition == nil || $0.index == partition }
            guard !chosen.isEmpty else {
                throw Failure.refused("topic '\(topic)' has no partition \(partition ?? 0)")
            }
            let records = chosen.reduce(0) { $0 + gone(of: $1) }
            if !yes {
                writeStandardError("Delete \(records) records of \(topic) for ever? [y/N] ")
                guard ["y", "yes"].contains((readLine() ?? "").lowercased()) else {
                    throw Failure.refused("nothing was deleted")
                }
            }
            let starts = try client.deleteRecords(
                of: topic,
                chosen.map(\.index),
                before: before ?? -1
            )
            if options.json {
                options.show(
                    TopicText.array(
                        starts.map { "{\"partition\":\($0.index),\"first_offset\":\($0.first)}" }
                    )
                )
            } else {
                for start in starts {
                    options.show("\(topic)-\(start.index) begins at offset \(start.first)")
                }
            }
        }
    }

    /// As far as can be told before.
    private func gone(of partition: TopicSummary.Partition) -> Int64 {
        guard let offsets = partition.offsets else { return 0 }
        return max(0, min(before ?? .max, offsets.upperBound) - offsets.lowerBound)
    }
}
