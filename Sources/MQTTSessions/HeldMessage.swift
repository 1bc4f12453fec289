import BrokerModel
import MQTTWire

/// A message whose delivery waits for the disk, in the memory of those that wait for subscribers.
/// Whoever holds it drops it in the end.
package struct HeldMessage {
    fileprivate let message: StoredMessage
    fileprivate let publisher: SessionHandle?
    fileprivate let clientIdentifier: Text

    /// As it was published, without its topic alias.
    package var packet: PublishPacket { message.packet }
}

extension SessionDirectory {
    /// Copies a message. Nil when the memory for such messages is full.
    package func hold(
        _ packet: PublishPacket,
        from publisher: SessionHandle?,
        now: MonotonicTime
    ) -> HeldMessage? {
        guard let message = messages.store(packet, now: now) else { return nil }
        return HeldMessage(
            message: message,
            publisher: publisher,
            clientIdentifier: publisher.map { clientIdentifier(of: $0) } ?? ""
        )
    }

    /// Who published it, for «no local»; nil when that client's session is gone, though its handle
    /// may be somebody else's by now.
    package func publisher(of held: HeldMessage) -> SessionHandle? {
        guard let publisher = held.publisher,
            clientIdentifier(of: publisher) == held.clientIdentifier
        else { return nil }
        return publisher
    }

    package func drop(_ held: HeldMessage) { messages.release(held.message) }
}

extension OutgoingPublish {
    /// Lets recipients at QoS 1 share the copy that is held. To be called after `begin`.
    package mutating func share(_ held: HeldMessage, in directory: borrowing SessionDirectory) {
        finish()
        directory.messages.retain(held.message)
        stored = (held.message, directory.messages)
    }
}
