import ArgumentParser
import BrokerModel
import KafkaWire
import Posix
import RecordFormat

struct ConsumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "consume",
        abstract: "Read topics as a member of a consumer group.",
        discussion: """
            The group shares the topics' partitions among its members and remembers how
            far it has read: start this twice, and each gets a part; start it again later,
            and it goes on where it stopped. Offsets are committed after the records are
            printed, so a record is never skipped, and after a crash some may come twice.
            Without an offset the group begins with the next record, or with
            --from-beginning. Where retention was faster, it goes on with the oldest record
            there is, and says so. Ends on Ctrl-C, after --max-messages records, or once
            none came for --timeout seconds. 'headwater tail' reads without a group.

            Partitions are dealt out by the assignors range and roundrobin. A group whose
            other members offer only sticky or cooperative-sticky refuses this one.

            EXAMPLES
              headwater consume mqtt --group dashboard
              headwater consume mqtt alarms --group audit --from-beginning --json
              headwater consume mqtt --group nightly --from-beginning --timeout 5 > day.txt
              headwater consume --include 'plant-.*' --group plant
              headwater consume mqtt --group g --format '%T %t-%p@%o %k=%s\\n'
            """
    )

    @Argument(help: ArgumentHelp("The topics to read.", valueName: "TOPIC"))
    var topics: [String] = []

    @Option(
        help: ArgumentHelp(
            "Read all topics whose whole name matches, new ones too, instead of named ones.",
            valueName: "REGEX"
        )
    )
    var include: String?

    @Option(help: ArgumentHelp("The consumer group.", valueName: "GROUP"))
    var group: String

    @Flag(help: "Where the group has no offset, start with the oldest record, not the next.")
    var fromBeginning = false

    @Option(
        name: [.customLong("max-messages"), .customLong("count")],
        help: ArgumentHelp("Stop after so many records.", valueName: "N")
    )
    var maxMessages: Int?

    @Option(help: ArgumentHelp("Stop once none came for so long.", valueName: "SECONDS"))
    var timeout: Double?

    @Option(
        help: ArgumentHelp(
            "Print each record so: \(RecordPattern.signs), \\n \\t \\r \\0 \\\\.",
            valueName: "FORMAT"
        )
    )
    var format: String?

    @Option(
        help: ArgumentHelp(
            "A static member: a restart within 10 s keeps its partitions.",
            valueName: "ID"
        )
    )
    var instanceId: String?

    @OptionGroup var options: KafkaOptions

    func validate() throws {
        for topic in topics where TopicName(topic) == nil {
            throw ValidationError("'\(topic)' is no topic name: 1 to 249 of a-z A-Z 0-9 . _ -")
        }
        guard topics.isEmpty != (include == nil) else {
            throw ValidationError("name topics, or --include a regular expression: one of them")
        }
        if let include, (try? selection) == nil {
            throw ValidationError("--include \(include): this is no regular expression")
        }
        if group.isEmpty { throw ValidationError("--group takes a name") }
        if let maxMessages, maxMessages < 1 {
            throw ValidationError("--max-messages takes a number above 0")
        }
        if let timeout, !(timeout > 0 && timeout <= 1e6) {
            throw ValidationError("--timeout takes a number of seconds above 0, at most 1e6")
        }
        if let format, RecordPattern(format) == nil {
            throw ValidationError("--format \(format): write \(RecordPattern.signs)")
        }
        if format != nil, options.json {
            throw ValidationError("--format and --json are two ways to print: choose one")
        }
    }

    private var selection: TopicSelection {
        get throws { try TopicSelection(names: topics, matching: include) }
    }

    func run() throws {
        let interruption = Interruption()
        let selection = try selection
        try options.run(until: interruption) { client in
            // Who names a topic that is not there wants to know it now.
            if !selection.isPattern { _ = try client.partitions(of: topics) }
            let run = ConsumeRun(self, selection, client, interruption)
            do {
                try run.run()
            } catch KafkaClientError.interrupted {
                // The connection still owes an answer: the farewell takes another one.
                let address = try resolved(options.kafka, flag: "--kafka")
                try run.leave(over: try KafkaClient(to: address))
            }
        }
    }
}

/// A member while it reads.
private final class ConsumeRun {
    private static let commitInterval = Duration.seconds(1)

    private let command: ConsumeCommand
    private let selection: TopicSelection
    private let client: KafkaClient
    private let interruption: Interruption
    private let membership: GroupMembership
    private let reader: RecordReader
    private let pattern: RecordPattern?
    private var committed: [PartitionName: Offset] = [:]
    /// What is printed, and not more: a record that nobody saw is not committed.
    private var printed: [PartitionName: Offset] = [:]
    private var nextCommit: Int64 = 0
    private var left: Int
    private var text: [UInt8] = []

    init(
        _ command: ConsumeCommand,
        _ selection: TopicSelection,
        _ client: KafkaClient,
        _ interruption: Interruption
    ) {
        self.command = command
        self.selection = selection
        self.client = client
        self.interruption = interruption
        membership = GroupMembership(
            client,
            group: command.group,
            selection,
            instanceID: command.instanceId
        )
        reader = RecordReader(client)
        reader.skipped = { writeStandardError(RecordText.skipped($0, $1)) }
        pattern = command.format.flatMap(RecordPattern.init)
        left = command.maxMessages ?? .max
    }

    func run() throws(KafkaClientError) {
        var lastRecord = SystemClock.monotonicNanoseconds
        while left > 0, !interruption.hasCome() {
            let before = left
            do throws(KafkaClientError) {
                guard try membership.isKept() else {
                    try commit()
                    try join()
                    lastRecord = max(lastRecord, SystemClock.monotonicNanoseconds)
                    continue
                }
                guard try printMore() else { return try leave(over: client) }
                if SystemClock.monotonicNanoseconds >= nextCommit { try commit() }
            } catch {
                try forgetDeletedTopics(error)
            }
            let now = SystemClock.monotonicNanoseconds
            if left < before { lastRecord = now }
            if let timeout = command.timeout, Double(now - lastRecord) >= timeout * 1e9 { break }
        }
        try commit()
        try leave(over: client)
    }

    /// The member's last words; what is printed is committed already, or cannot be any more.
    func leave(over client: KafkaClient) throws(KafkaClientError) {
        _ = try? membership.commit(unsaved, over: client)
        try membership.leave(over: client)
    }

    /// A topic that is gone ends nothing for who never named it.
    private func forgetDeletedTopics(_ error: KafkaClientError) throws(KafkaClientError) {
        guard selection.isPattern, case .broker(.unknownTopicOrPartition, _) = error else {
            throw error
        }
        let there = Set(try selection.topics(client))
        let positions = reader.positions.filter { there.contains($0.key.topic) }
        guard positions.count < reader.positions.count else { throw error }
        reader.assign(positions)
        printed = printed.filter { there.contains($0.key.topic) }
    }

    private func join() throws(KafkaClientError) {
        let assigned = try membership.join()
        let known = try client.committedOffsets(of: command.group, assigned)
        let fresh = assigned.filter { known[$0] == nil }
        let place = command.fromBeginning ? ListOffsetsPlace.earliest : ListOffsetsPlace.latest
        let starts = try client.offsets(of: fresh, at: place)
        committed = known
        reader.assign(known.merging(starts) { known, _ in known })
        printed = reader.positions
        let share = assigned.map { "\($0)" }.joined(separator: ", ")
        writeStandardError("# reads \(share.isEmpty ? "nothing \(reasonForNothing)" : share)\n")
    }

    private var reasonForNothing: String {
        selection.isPattern
            ? "yet: no topic matches, or others have it all" : "now: others have it all"
    }

    /// False when nobody takes the records any more.
    private func printMore() throws(KafkaClientError) -> Bool {
        text.removeAll(keepingCapacity: true)
        guard !reader.positions.isEmpty else {
            return !interruption.hasCome(within: .milliseconds(500))
        }
        try reader.poll { partition, record in
            write(partition, record)
            left -= 1
            return left > 0
        }
        if !text.isEmpty, (try? StandardStream.output.write(text)) == nil { return false }
        printed = reader.positions
        return true
    }

    private func write(_ partition: PartitionName, _ record: RecordView) {
        if let pattern { return pattern.write(partition, record, to: &text) }
        if command.options.json {
            text += RecordText.json(partition.topic, partition.index, record).utf8
        } else {
            if command.topics.count != 1 { text += "\(partition.topic) ".utf8 }
            text += RecordText.line(partition.index, record).utf8
        }
        text.append(UInt8(ascii: "\n"))
    }

    private var unsaved: [PartitionName: Offset] {
        printed.filter { committed[$0.key] != $0.value }
    }

    private func commit() throws(KafkaClientError) {
        nextCommit = SystemClock.monotonicNanoseconds + Self.commitInterval.nanoseconds
        let offsets = unsaved
        // What could not be committed is read again by whoever has the partition next.
        if try membership.commit(offsets, over: client) {
            committed.merge(offsets) { _, new in new }
        }
    }
}
