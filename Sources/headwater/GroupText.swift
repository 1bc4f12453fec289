import BrokerModel
import KafkaWire

/// How groups read on a terminal, and as JSON.
enum GroupText {
    static func table(_ groups: [ListGroupsResponse.Group]) -> String {
        let rows = groups.map { group in
            [
                group.groupID, group.groupState, group.groupType,
                group.protocolType.isEmpty ? "-" : group.protocolType,
            ]
        }
        return TextTable.aligned([["GROUP", "STATE", "TYPE", "PROTOCOL"]] + rows)
    }

    static func description(_ group: GroupSummary) -> String {
        let hosts = Dictionary(group.members.map { ($0.id, $0) }) { first, _ in first }
        let partitions = group.partitions.map { cells(of: $0, members: hosts) }
        let head = [
            "TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "MEMBER", "HOST", "CLIENT",
        ]
        var text = "group \(group.group)\nstate \(group.state), \(group.members.count) members"
        if !group.assignor.isEmpty { text += ", assignor \(group.assignor)" }
        text += "\n\n" + TextTable.aligned([head] + partitions)
        for member in group.members where member.partitions.isEmpty {
            text += "\nmember \(member.id) of \(member.clientID) at \(member.host) reads nothing"
        }
        return text
    }

    private static func cells(
        of partition: GroupSummary.Partition,
        members: [String: GroupSummary.Member]
    ) -> [String] {
        func text(_ number: Int64?) -> String { number.map { "\($0)" } ?? "-" }
        let member = partition.member.flatMap { members[$0] }
        return [
            partition.name.topic, "\(partition.name.index)", text(partition.committed?.rawValue),
            text(partition.end?.rawValue), text(partition.lag.map(Int64.init)), member?.id ?? "-",
            member?.host ?? "-", member?.clientID ?? "-",
        ]
    }

    // MARK: JSON

    static func json(_ groups: [ListGroupsResponse.Group]) -> String {
        TopicText.array(
            groups.map { group in
                "{\"group\":\(quoted(group.groupID)),\"state\":\(quoted(group.groupState)),"
                    + "\"type\":\(quoted(group.groupType)),"
                    + "\"protocol\":\(quoted(group.protocolType))}"
            }
        )
    }

    static func json(_ group: GroupSummary) -> String {
        let members = group.members.map { member in
            "{\"member\":\(quoted(member.id)),"
                + "\"instance\":\(member.instanceID.map(quoted) ?? "null"),"
                + "\"client\":\(quoted(member.clientID)),\"host\":\(quoted(member.host)),"
                + "\"partitions\":\(TopicText.array(member.partitions.map { quoted("\($0)") }))}"
        }
        let partitions = group.partitions.map { partition in
            "{\"topic\":\(quoted(partition.name.topic)),\"partition\":\(partition.name.index),"
                + "\"committed\":\(number(partition.committed?.rawValue)),"
                + "\"end\":\(number(partition.end?.rawValue)),"
                + "\"lag\":\(number(partition.lag.map(Int64.init))),"
                + "\"member\":\(partition.member.map(quoted) ?? "null")}"
        }
        return "{\"group\":\(quoted(group.group)),\"state\":\(quoted(group.state)),"
            + "\"protocol\":\(quoted(group.protocolType)),"
            + "\"assignor\":\(quoted(group.assignor)),"
            + "\"members\":\(TopicText.array(members)),"
            + "\"partitions\":\(TopicText.array(partitions))}"
    }

    private static func quoted(_ text: String) -> String { RecordText.quoted(text) }

    static func number(_ number: Int64?) -> String { number.map { "\($0)" } ?? "null" }
}
