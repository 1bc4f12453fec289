import ArgumentParser
import KafkaWire
import Posix

struct GroupsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "groups",
        abstract: "List, describe, move and delete consumer groups.",
        discussion: """
            Talks to the Kafka listener, as any Kafka client would.

            EXAMPLES
              headwater groups list
              headwater groups describe dashboard
              headwater groups reset-offsets dashboard --topic mqtt --to-earliest
              headwater groups delete dashboard --yes
            """,
        subcommands: [
            GroupsListCommand.self, GroupsDescribeCommand.self, GroupsResetOffsetsCommand.self,
            GroupsDeleteOffsetsCommand.self, GroupsDeleteCommand.self,
        ]
    )
}

struct GroupsListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List all consumer groups with their states.",
        discussion: """
            EXAMPLES
              headwater groups list
              headwater groups list --state Empty
              headwater groups list --json | jq -r '.[].group'
            """
    )

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "Only groups in this state: Stable, Empty, PreparingRebalance ...",
            valueName: "STATE"
        )
    )
    var state: [String] = []

    @OptionGroup var options: KafkaOptions

    func run() throws {
        try options.run { client in
            let groups = try client.groups(inStates: state)
            options.show(options.json ? GroupText.json(groups) : GroupText.table(groups))
        }
    }
}

struct GroupsDescribeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe",
        abstract: "Show groups' members, their partitions, offsets and lag.",
        discussion: """
            LAG is how many records the group has still to read; '-' where it has committed
            nothing.

            EXAMPLES
              headwater groups describe dashboard
              headwater groups describe dashboard --json | jq .[0].partitions
            """
    )

    @Argument(help: ArgumentHelp("The groups.", valueName: "GROUP"))
    var groups: [String]

    @OptionGroup var options: KafkaOptions

    func run() throws {
        try options.run { client in
            let found = try groups.map { try GroupSummary($0, client) }
            options.show(
                options.json
                    ? TopicText.array(found.map(GroupText.json))
                    : found.map(GroupText.description).joined(separator: "\n\n")
            )
        }
    }
}

struct GroupsDeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete groups with their committed offsets.",
        discussion: """
            A group with members cannot be deleted. Asks first, on a terminal; a script
            says --yes.

            EXAMPLES
              headwater groups delete dashboard
              headwater groups delete old older --yes
            """
    )

    @Argument(help: ArgumentHelp("The groups.", valueName: "GROUP"))
    var groups: [String]

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var options: KafkaOptions

    func run() throws {
        try requireConsent(yes, to: "deletes the offsets", command: "headwater groups delete")
        try options.run { client in
            let names = groups.joined(separator: ", ")
            guard yes || options.isConfirmed("Delete \(names) with all offsets?") else {
                throw Failure.refused("nothing was deleted")
            }
            let results = try client.delete(groups: groups)
            let gone = results.filter { $0.errorCode == .none }.map(\.groupID)
            if options.json {
                options.show(TopicText.array(gone.map(RecordText.quoted)))
            } else {
                for group in gone { options.show("deleted \(group)") }
            }
            if let refused = results.first(where: { $0.errorCode != .none }) {
                throw Failure(refused.errorCode, ofGroup: refused.groupID)
            }
        }
    }
}

struct GroupsDeleteOffsetsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete-offsets",
        abstract: "Forget what a group has committed for a topic.",
        discussion: """
            Not possible for a topic that the group's members read now.

            EXAMPLES
              headwater groups delete-offsets dashboard --topic old
              headwater groups delete-offsets dashboard --topic mqtt:0,2
            """
    )

    @Argument(help: ArgumentHelp("The group.", valueName: "GROUP"))
    var group: String

    @OptionGroup var selection: PartitionSelection
    @OptionGroup var options: KafkaOptions

    func run() throws {
        try options.run { client in
            let known = try client.committedOffsets(of: group)
            let chosen = known.keys.filter(selection.contains).sorted()
            guard !chosen.isEmpty else {
                throw Failure.refused(
                    "group '\(group)' has committed nothing there; 'headwater groups describe "
                        + "\(group)' shows what it has"
                )
            }
            let codes = try client.deleteOffsets(of: group, chosen)
            let gone = chosen.filter { codes[$0] == KafkaErrorCode.none }
            if options.json {
                options.show(TopicText.array(gone.map { RecordText.quoted("\($0)") }))
            } else {
                for partition in gone { options.show("forgot \(partition)") }
            }
            if let refused = chosen.first(where: { codes[$0] != KafkaErrorCode.none }) {
                let code = codes[refused] ?? .unknownServerError
                throw code == .groupSubscribedToTopic
                    ? Failure.refused(
                        "group '\(group)' reads topic '\(refused.topic)' now: stop its "
                            + "members first"
                    ) : Failure.refused("partition \(refused): \(code)")
            }
        }
    }
}

extension Failure {
    /// One line that names the fix.
    init(_ code: KafkaErrorCode, ofGroup group: String) {
        switch code {
        case .groupIDNotFound:
            self = .refused(
                "there is no group '\(group)'; 'headwater groups list' shows what there is"
            )
        case .nonEmptyGroup, .unknownMemberID, .illegalGeneration, .rebalanceInProgress:
            self = .refused(
                "group '\(group)' has members: stop them first; 'headwater groups describe "
                    + "\(group)' shows who they are"
            )
        default: self = .refused("group '\(group)': \(code)")
        }
    }
}
