import CommitLog
import Ingest
import MQTTSessions
import MQTTWire

/// Messages of routes with `live: synced`, between their publish and the log's answer. No more than
/// the lane has records on their way, whose room in its pool pays for these copies, too.
struct LateDeliveries {
    private struct Message {
        /// A will is a message that somebody keeps for later, and so is this.
        let content: Will
        let publisher: SessionHandle?
    }

    private var messages: [LiveTicket: Message] = [:]

    mutating func keep(
        _ packet: PublishPacket,
        from publisher: SessionHandle?,
        until ticket: LiveTicket
    ) {
        let content = Will(
            topic: Text(packet.topic),
            payload: Array(packet.payload),
            qos: packet.qos,
            isRetained: packet.isRetained,
            properties: Properties(packet.properties, without: .topicAlias)
        )
        messages[ticket] = Message(content: content, publisher: publisher)
    }

    /// Hands out the messages behind the tickets, in their order; those that failed are forgotten,
    /// for their publishers publish them again.
    mutating func settle(
        _ tickets: ArraySlice<LiveTicket>,
        _ error: CommitLogError?,
        deliver: (PublishPacket, SessionHandle?) -> Void
    ) {
        for ticket in tickets {
            guard let message = messages.removeValue(forKey: ticket), error == nil else { continue }
            message.content.withPacket { deliver($0, message.publisher) }
        }
    }
}
