import BrokerModel
import MQTTWire

/// What the connection does after one step of its session. Bytes written to the output go out in
/// every case.
public enum SessionAction {
    /// The packet is dealt with: take the next step.
    case handled
    /// The same, of a QoS 2 publish that is known already and was not stored again.
    case repeated
    /// Store the message. With a ticket it is acknowledged once `appended` hears of it. At QoS 2
    /// `numbered` comes first, or `notStored`. The packet is a view that ends with the next step.
    case publish(PublishPacket, PublishTicket?)
    /// Write down durably that the client has released a message; `appended` with the ticket has
    /// PUBCOMP sent.
    case release(OutstandingReceipt, PublishTicket)
    /// Hand the packet to `SessionDirectory.handle`.
    case consultDirectory(PacketFrame)
    /// Nothing was consumed; the next step needs this many bytes from the reader's position.
    case needBytes(Int)
    /// Nothing was consumed; stop reading until `mayRead` is true again.
    case pause
    /// Flush and close, then tell `SessionDirectory.ended`.
    case close(SessionEnd)
}

/// Names one publish or release of a connection until it is stored. They count up, and wrap.
public struct PublishTicket: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt32
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// Why a connection ended.
public enum SessionEnd: Equatable, Sendable {
    /// The client said DISCONNECT; with 0x04, or another code but 0x00, its will is published.
    case clientDisconnected(ReasonCode)
    /// The bytes were not MQTT.
    case malformed(MQTTWireError)
    /// Well-formed, but not now, not here or not so much.
    case refused(ReasonCode)
    case connectTimeout
    case keepAliveTimeout
    case takenOver
    case connectionLost
    case serverShuttingDown

    /// A will is published unless the client took its leave properly (3.14.4).
    public var publishesWill: Bool { self != .clientDisconnected(.success) }
}
