import BrokerModel
import MQTTWire

/// One message on its way to its subscribers. Made once and used for every message: it keeps its
/// memory, encodes a message once a protocol version for those who get it at QoS 0, and stores it
/// once for those who get it at QoS 1.
///
/// A client whose subscriptions overlap gets one copy, at the highest QoS that they were granted
/// and with the identifiers of all of them (3.3.4).
public struct OutgoingPublish: ~Copyable {
    private var matches: [SubscriptionTree.Entry] = []
    private var firstMatches: [Int] = []
    private var encoder = PublishEncoder()
    /// Kept up to `finish`, for the next recipient at QoS 1.
    var stored: (message: StoredMessage, store: MessageStore)?

    public init() {}

    /// How many clients the message goes to.
    public var recipientCount: Int { firstMatches.count }

    public func recipient(_ index: Int) -> SessionHandle { matches[firstMatches[index]].subscriber }

    /// Finds the recipients of a message. `publisher` is nil for a will, which has no connection.
    public mutating func begin(
        _ topic: UnsafeRawBufferPointer,
        from publisher: SessionHandle?,
        in subscriptions: borrowing SubscriptionTree
    ) {
        if !matches.isEmpty {
            matches.removeAll(keepingCapacity: true)
            firstMatches.removeAll(keepingCapacity: true)
        }
        encoder.forget()
        subscriptions.match(topic, into: &matches)
        guard !matches.isEmpty else { return }
        if let publisher {
            matches.removeAll { $0.isNoLocal && $0.subscriber == publisher }
        }
        if matches.count > 1 { matches.sort { $0.subscriber < $1.subscriber } }
        var last: SessionHandle?
        for (index, match) in matches.enumerated() where match.subscriber != last {
            firstMatches.append(index)
            last = match.subscriber
        }
    }

    /// Whether a recipient gets a message of this QoS with an acknowledgement to give.
    public func isAcknowledged(_ recipient: Int, published qos: QualityOfService) -> Bool {
        guard qos != .atMostOnce else { return false }
        for match in matches[matches(of: recipient)] where match.qos != .atMostOnce { return true }
        return false
    }

    /// Queues the message for one recipient at QoS 1. False if it was dropped: there is no room.
    /// The packet is the one that `begin` had the topic of. Call `finish` after the last recipient.
    public mutating func enqueue(
        _ packet: PublishPacket,
        to recipient: Int,
        _ deliveries: Deliveries,
        now: MonotonicTime
    ) -> Bool {
        if stored == nil {
            guard let message = deliveries.messages.store(packet, now: now) else {
                deliveries.noteDropped()
                return false
            }
            stored = (message, deliveries.messages)
        }
        guard let stored else { return false }
        var identifiers = SubscriptionIdentifiers()
        for match in matches[matches(of: recipient)] { identifiers.append(match.identifier) }
        return deliveries.append(stored.message, identifiers)
    }

    /// The message has reached its last recipient.
    public mutating func finish() {
        guard let stored else { return }
        stored.store.release(stored.message)
        self.stored = nil
    }

    /// Writes the message for one recipient at QoS 0. False if it was dropped: the client is not
    /// connected, or the packet is larger than it takes. The packet is the one that `begin` had the
    /// topic of.
    public mutating func write(
        _ packet: PublishPacket,
        to recipient: Int,
        session: borrowing Session,
        output: inout ByteWriter
    ) -> Bool {
        session.forward(
            packet,
            subscriptionIdentifiers: identifiers(of: recipient),
            encoder: &encoder,
            output: &output
        )
    }

    private func identifiers(of recipient: Int) -> [UInt32] {
        var identifiers: [UInt32] = []
        for match in matches[matches(of: recipient)] where match.identifier != 0 {
            identifiers.append(match.identifier)
        }
        return identifiers
    }

    private func matches(of recipient: Int) -> Range<Int> {
        let next = recipient &+ 1
        let end = next < firstMatches.count ? firstMatches[next] : matches.count
        return firstMatches[recipient]..<end
    }
}

/// Keeps a message's encoding for the clients that all get the same bytes.
struct PublishEncoder: ~Copyable {
    private var v311 = ByteWriter()
    private var v5 = ByteWriter()

    mutating func forget() {
        v311.removeAll()
        v5.removeAll()
    }

    /// False, and nothing written, when the packet is larger than `sizeMax`.
    mutating func write(
        _ packet: PublishPacket,
        version: ProtocolVersion,
        subscriptionIdentifiers: [UInt32],
        sizeMax: Int,
        to output: inout ByteWriter
    ) -> Bool {
        switch version {
        case .v311:
            if v311.isEmpty { packet.writeForwarded(to: &v311, version: .v311) }
            return Self.append(v311.bytes, sizeMax: sizeMax, to: &output)
        case .v5 where !subscriptionIdentifiers.isEmpty:
            let start = output.count
            let size = packet.writeForwarded(
                to: &output,
                version: .v5,
                subscriptionIdentifiers: subscriptionIdentifiers
            )
            if size > sizeMax { output.truncate(to: start) }
            return size <= sizeMax
        case .v5:
            if v5.isEmpty { packet.writeForwarded(to: &v5, version: .v5) }
            return Self.append(v5.bytes, sizeMax: sizeMax, to: &output)
        }
    }

    private static func append(
        _ bytes: UnsafeRawBufferPointer,
        sizeMax: Int,
        to output: inout ByteWriter
    ) -> Bool {
        guard bytes.count <= sizeMax else { return false }
        output.writeBytes(bytes)
        return true
    }
}
