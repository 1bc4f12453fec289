import ArgumentParser
import BrokerModel
import KafkaWire

struct GroupsResetOffsetsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset-offsets",
        abstract: "Move a group to another place in its topics.",
        discussion: """
            Only shows what it would do; --execute does it. The group must have no members.
            A place before the oldest or after the newest record becomes that one.

            EXAMPLES
              headwater groups reset-offsets dashboard --topic mqtt --to-earliest
              headwater groups reset-offsets dashboard --topic mqtt:0,2 --to-offset 1700 \\
                --execute
              headwater groups reset-offsets dashboard --all-topics --shift-by -100 \\
                --execute
              headwater groups reset-offsets dashboard --topic mqtt \\
                --to-datetime 2026-11-21T08:00:00Z
            """
    )

    @Argument(help: ArgumentHelp("The group.", valueName: "GROUP"))
    var group: String

    @OptionGroup var selection: PartitionSelection

    @Flag(help: "To the oldest record.")
    var toEarliest = false

    @Flag(help: "Behind the newest record.")
    var toLatest = false

    @Option(help: ArgumentHelp("To this offset.", valueName: "N"))
    var toOffset: Int64?

    @Option(
        help: ArgumentHelp(
            "To the first record from this time on, RFC 3339 or UTC: 2026-11-21T08:00:00.",
            valueName: "TIME"
        )
    )
    var toDatetime: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("So many records on, or back when negative.", valueName: "N")
    )
    var shiftBy: Int64?

    @Flag(help: "Do it.")
    var execute = false

    @Flag(help: "Only show it, which is the default.")
    var dryRun = false

    @OptionGroup var options: KafkaOptions

    /// Where to.
    private enum Target {
        case place(Timestamp)
        case offset(Int64)
        case shift(Int64)
    }

    private var targets: [Target] {
        var targets: [Target] = []
        if toEarliest { targets.append(.place(ListOffsetsPlace.earliest)) }
        if toLatest { targets.append(.place(ListOffsetsPlace.latest)) }
        if let toOffset { targets.append(.offset(toOffset)) }
        if let shiftBy { targets.append(.shift(shiftBy)) }
        if let time = toDatetime.flatMap(Self.time) { targets.append(.place(time)) }
        return targets
    }

    private static func time(_ text: String) -> Timestamp? {
        let nanoseconds =
            ReplayTimeFormat.rfc3339.nanoseconds(text)
            ?? ReplayTimeFormat.datetime.nanoseconds(text)
        // Rounded up: nothing from before that time.
        return nanoseconds.map { Timestamp(milliseconds: ($0 + 999_999) / 1_000_000) }
    }

    func validate() throws {
        if let toDatetime, Self.time(toDatetime).map({ $0.rawValue < 0 }) != false {
            throw ValidationError(
                "--to-datetime \(toDatetime): write a time such as 2026-11-21T08:00:00Z"
            )
        }
        guard targets.count == 1 else {
            throw ValidationError(
                "say where to, once: --to-earliest, --to-latest, --to-offset, --to-datetime or "
                    + "--shift-by"
            )
        }
        if let toOffset, toOffset < 0 {
            throw ValidationError("--to-offset takes a number from 0 on")
        }
        if execute, dryRun { throw ValidationError("--dry-run and --execute: choose one") }
    }

    func run() throws {
        try options.run { client in
            let known = try client.committedOffsets(of: group)
            let chosen = try partitions(known, client)
            guard let target = targets.first, !chosen.isEmpty else {
                throw Failure.refused(
                    "group '\(group)' has committed nothing; --topic names what it is to read"
                )
            }
            let moves = try moves(of: chosen, from: known, to: target, client)
            if execute { try commit(moves, client) }
            options.show(
                options.json ? Self.json(moves, known) : Self.table(moves, known)
            )
            if !execute { writeStandardError("# nothing was changed; --execute does it\n") }
        }
    }

    /// Of a topic that is named all that there are, committed or not.
    private func partitions(
        _ known: [PartitionName: Offset],
        _ client: KafkaClient
    ) throws -> [PartitionName] {
        guard !selection.allTopics else { return known.keys.sorted() }
        let all = try client.partitions(of: Set(selection.topics.map(\.topic)).sorted())
        for choice in selection.topics {
            for index in choice.partitions ?? []
            where !all.contains(PartitionName(topic: choice.topic, index: index)) {
                throw Failure.refused("topic '\(choice.topic)' has no partition \(index)")
            }
        }
        return all.filter(selection.contains)
    }

    private func moves(
        of partitions: [PartitionName],
        from known: [PartitionName: Offset],
        to target: Target,
        _ client: KafkaClient
    ) throws -> [PartitionName: Offset] {
        let starts = try client.offsets(of: partitions, at: ListOffsetsPlace.earliest)
        let ends = try client.offsets(of: partitions, at: ListOffsetsPlace.latest)
        var places: [PartitionName: Offset] = [:]
        if case .place(let time) = target { places = try client.offsets(of: partitions, at: time) }
        var moves: [PartitionName: Offset] = [:]
        for partition in partitions {
            guard let start = starts[partition], let end = ends[partition] else { continue }
            let wanted: Offset
            switch target {
            // No record is that young: behind the newest one.
            case .place: wanted = places[partition].flatMap { $0 >= .zero ? $0 : nil } ?? end
            case .offset(let offset): wanted = Offset(offset)
            case .shift(let count):
                guard let from = known[partition] else {
                    throw Failure.refused(
                        "partition \(partition): the group has committed nothing to shift from"
                    )
                }
                let (sum, overflow) = from.rawValue.addingReportingOverflow(count)
                wanted = Offset(overflow ? (count < 0 ? 0 : .max) : sum)
            }
            moves[partition] = min(max(wanted, start), end)
        }
        return moves
    }

    private func commit(_ moves: [PartitionName: Offset], _ client: KafkaClient) throws {
        let described = try client.describe(group: group)
        guard described.members.isEmpty else {
            throw Failure(KafkaErrorCode.nonEmptyGroup, ofGroup: group)
        }
        let codes = try client.commit(moves, of: group)
        if let (_, code) = codes.sorted(by: { $0.key < $1.key }).first(where: { $0.value != .none })
        {
            throw Failure(code, ofGroup: group)
        }
    }

    private static func table(
        _ moves: [PartitionName: Offset],
        _ known: [PartitionName: Offset]
    ) -> String {
        let rows = moves.sorted { $0.key < $1.key }.map { partition, offset in
            [
                partition.topic, "\(partition.index)",
                known[partition].map { "\($0.rawValue)" } ?? "-", "\(offset.rawValue)",
            ]
        }
        return TextTable.aligned([["TOPIC", "PARTITION", "COMMITTED", "NEW"]] + rows)
    }

    private static func json(
        _ moves: [PartitionName: Offset],
        _ known: [PartitionName: Offset]
    ) -> String {
        TopicText.array(
            moves.sorted { $0.key < $1.key }.map { partition, offset in
                "{\"topic\":\(RecordText.quoted(partition.topic)),"
                    + "\"partition\":\(partition.index),"
                    + "\"committed\":\(GroupText.number(known[partition]?.rawValue)),"
                    + "\"new\":\(offset.rawValue)}"
            }
        )
    }
}
