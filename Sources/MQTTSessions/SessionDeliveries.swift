import BrokerModel
import MQTTWire

// A session's outgoing half: what it gets at QoS 1.
extension Session {
    /// What this connection and those before it have not acknowledged, once it may be sent.
    public var sendableDeliveries: Deliveries? {
        guard let deliveries, isConnected else { return nil }
        return deliveries.isSendable ? deliveries : nil
    }

    /// Sends queued messages: up to `room` bytes, or one larger message into an output that is
    /// empty. If the output is refused later, `takeBack` undoes it.
    public func sendDeliveries(
        room: Int,
        isOutputEmpty: Bool,
        now: MonotonicTime,
        output: inout ByteWriter
    ) -> Deliveries.Outcome {
        guard let deliveries = sendableDeliveries else { return Deliveries.Outcome() }
        let wire = Deliveries.Wire(
            version: version,
            packetBytesMax: clientPacketBytesMax,
            room: room,
            isAlone: isOutputEmpty
        )
        return deliveries.send(wire, now: now, output: &output)
    }

    public func takeBack(_ outcome: Deliveries.Outcome) { deliveries?.takeBack(outcome) }

    /// The connection's part in its session's deliveries begins.
    mutating func begin(_ deliveries: Deliveries?, _ packet: ConnectPacket) {
        receiveMaximum = packet.properties.integer(.receiveMaximum) ?? .max
        take(deliveries)
    }

    /// A first subscription at QoS 1 makes deliveries for a session that had none.
    mutating func take(_ deliveries: Deliveries?) {
        self.deliveries = deliveries
        deliveries?.begin(receiveMaximum: receiveMaximum)
    }

    /// An identifier that we have not in flight is left over from a session with another broker.
    @inline(__always)
    func pubackReceived(_ frame: PacketFrame) throws(MQTTWireError) -> SessionAction {
        let packetIdentifier: UInt16
        if frame.body.count == 2 {
            packetIdentifier = UInt16(bigEndian: frame.body.loadUnaligned(as: UInt16.self))
            guard packetIdentifier != 0 else { throw .packetIdentifierZero }
        } else {
            packetIdentifier = try PublishReply(frame, version: version).packetIdentifier
        }
        _ = deliveries?.acknowledge(packetIdentifier)
        return .handled
    }
}

// Deliveries of a session that outlive its connections.
extension SessionDirectory {
    /// What the first subscription at QoS 1 brings.
    mutating func provideDeliveries(at index: Int) {
        guard sessions[index]?.deliveries == nil else { return }
        sessions[index]?.deliveries = Deliveries(messages: messages, limits: limits)
    }

    mutating func dropDeliveries(at index: Int) {
        sessions[index]?.deliveries?.removeAll()
        sessions[index]?.deliveries = nil
    }
}
