import BrokerModel
import EventLoop
import MQTTSessions
import MQTTWire
import Posix

/// Messages that a subscriber at QoS 1 did not get, because its queue or the memory for all of them
/// was full.
package struct DroppedDeliveries: Sendable {
    package let peer: SocketAddress
    package let clientIdentifier: String
    package let count: Int
}

// What goes out to subscribers.
extension MQTTServer {
    /// Live delivery. At QoS 0 what a subscriber's socket has no room for is dropped and counted;
    /// at QoS 1 what its queue has no room for. A session that is away gets nothing.
    func deliver(
        _ packet: PublishPacket,
        from publisher: SessionHandle?,
        sharing held: HeldMessage? = nil
    ) {
        guard !directory.subscriptions.isEmpty else { return }
        outgoing.begin(packet.topic, from: publisher, in: directory.subscriptions)
        if let held { outgoing.share(held, in: directory) }
        let size = packet.topic.count &+ packet.payload.count &+ packet.properties.bytes.count
        for recipient in 0..<outgoing.recipientCount {
            let isAcknowledged = outgoing.isAcknowledged(recipient, published: packet.qos)
            guard let target = live[Int(outgoing.recipient(recipient).rawValue)] else {
                if isAcknowledged { counters.missed.add() }
                continue
            }
            if isAcknowledged {
                enqueue(packet, to: recipient, target)
            } else {
                write(packet, ofSize: size, to: recipient, target)
            }
        }
        outgoing.finish()
    }

    private func write(
        _ packet: PublishPacket,
        ofSize size: Int,
        to recipient: Int,
        _ target: MQTTConnection
    ) {
        guard settings.hasRoom(for: size, after: target.connection.pendingOutput) else {
            return counters.dropped.add()
        }
        var written = false
        let admitted = target.connection.write { output in
            written = outgoing.write(
                packet,
                to: recipient,
                session: target.session,
                output: &output
            )
        }
        if admitted, written { counters.delivered.add() } else { counters.dropped.add() }
    }

    private func enqueue(_ packet: PublishPacket, to recipient: Int, _ target: MQTTConnection) {
        guard let deliveries = target.session.deliveries else { return counters.dropped.add() }
        guard outgoing.enqueue(packet, to: recipient, deliveries, now: loop.now) else {
            return counters.queueDropped.add()
        }
        target.sendDeliveriesLater()
    }

    /// The burst is over: one write a connection for all that it brought.
    func sendDeliveries() {
        guard !toSend.isEmpty else { return }
        let connections = toSend
        toSend.removeAll(keepingCapacity: true)
        for connection in connections {
            guard let outcome = connection.sendDeliveries() else { continue }
            counters.delivered.add(outcome.sent)
            counters.redelivered.add(outcome.repeated)
            counters.expired.add(outcome.expired)
            counters.tooLarge.add(outcome.tooLarge)
        }
    }

    /// Tells about drops, and has tried again what the output had no room for: where no output of
    /// the connection itself is stuck, nothing else would.
    func checkDeliveries(of connection: MQTTConnection) {
        guard let deliveries = connection.session.deliveries else { return }
        connection.sendDeliveriesLater()
        let dropped = deliveries.takeDropped()
        guard dropped > 0 else { return }
        reportDropped(
            DroppedDeliveries(
                peer: connection.connection.peer,
                clientIdentifier: String(decoding: connection.clientIdentifier, as: UTF8.self),
                count: dropped
            )
        )
    }
}
