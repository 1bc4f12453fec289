import KafkaSessions
import Logging

// What happens to consumer groups, a line an event; of many members that do the same at once, the
// first and the last.
extension BrokerLog {
    func group(_ event: GroupEvent) {
        var fields = ["group": event.groupID]
        var level = Logger.Level.info
        let message: String
        switch event.kind {
        case .joined(let memberID, let clientID, let clientHost):
            message = "a member joined a consumer group"
            fields["member"] = memberID
            fields["client"] = clientID
            fields["host"] = clientHost
        case .left(let memberID):
            message = "a member left a consumer group"
            fields["member"] = memberID
        case .expired(let memberID):
            message = "a member of a consumer group was not heard of in its time"
            fields["member"] = memberID
        case .replaced(let memberID, let newID):
            message = "a static member of a consumer group was replaced"
            fields["member"] = memberID
            fields["by"] = newID
        case .rebalancing(let generation):
            message = "a consumer group rebalances"
            fields["generation"] = "\(generation)"
        case .assigned(let generation, let members):
            message = "a consumer group has its assignment"
            fields["generation"] = "\(generation)"
            fields["members"] = "\(members)"
        case .emptied(let generation):
            message = "a consumer group has lost its last member"
            fields["generation"] = "\(generation)"
        case .refused(let code):
            message = "a consumer group took no more: it, or its memory, is full"
            fields["error"] = "\(code)"
            level = .warning
        }
        repeated(message, kind: event.groupID, level: level, fields)
    }
}
