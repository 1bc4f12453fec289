import ArgumentParser
import BrokerModel

/// Which partitions of a group a command is for.
struct PartitionSelection: ParsableArguments {
    @Option(
        name: .customLong("topic"),
        parsing: .singleValue,
        help: ArgumentHelp("A topic, or some of its partitions.", valueName: "TOPIC[:N,N]")
    )
    var topics: [TopicChoice] = []

    @Flag(help: "All that the group has committed.")
    var allTopics = false

    func validate() throws {
        guard topics.isEmpty == allTopics else {
            throw ValidationError("say which: --topic TOPIC[:N,N], or --all-topics")
        }
    }

    func contains(_ partition: PartitionName) -> Bool {
        allTopics || topics.contains { $0.contains(partition) }
    }
}

/// `mqtt`, or `mqtt:0,2`.
struct TopicChoice: ExpressibleByArgument {
    let topic: String
    /// Nil for all.
    let partitions: Set<Int32>?

    init?(argument: String) {
        let parts = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first, TopicName(String(name)) != nil else { return nil }
        topic = String(name)
        guard parts.count > 1 else {
            partitions = nil
            return
        }
        var chosen: Set<Int32> = []
        for number in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
            guard let index = Int32(number), index >= 0 else { return nil }
            chosen.insert(index)
        }
        partitions = chosen
    }

    func contains(_ partition: PartitionName) -> Bool {
        partition.topic == topic && partitions?.contains(partition.index) ?? true
    }
}
