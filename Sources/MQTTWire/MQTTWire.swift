// MQTTWire turns bytes into MQTT packets and back, for 3.1.1 and 5.0, in both directions.
//
// Start at `PacketFrame`: `ByteReader.readPacket` finds the next whole packet, and each packet type
// has one file that reads its body and writes it. `PublishPacket` is the hot one: a view over bytes
// that somebody else owns, read without an allocation. The others own their values, because a
// connection sees them rarely. `Properties` holds MQTT 5's properties in their encoded form,
// checked once. Bytes that break a rule throw an `MQTTWireError`, which knows the reason code to
// answer with. The module keeps no state between packets: which packet may come when is the
// business of `MQTTSessions`. MQTT 3.1 (`MQIsdp`) is recognised only to be refused.

/// What the protocol itself bounds.
public enum MQTTWireLimits {
    static let remainingLengthBytesMax = 4
    /// The longest body that a fixed header can announce (MQTT 5, 1.5.5).
    public static let remainingLengthMax = 268_435_455
    /// Every text and binary field has a two-byte length (MQTT 5, 1.5.4).
    public static let fieldBytesMax = 65_535
    /// A filter with more levels is refused (0x8F): it would be a path to nowhere but memory.
    public static let topicLevelsMax = 128
}

/// A protocol version that we speak; the raw value is CONNECT's protocol level.
public enum ProtocolVersion: UInt8, Sendable {
    case v311 = 4
    case v5 = 5
}

/// How hard sender and receiver try (MQTT 5, 4.3).
public enum QualityOfService: UInt8, Sendable, Comparable {
    case atMostOnce = 0
    case atLeastOnce = 1
    case exactlyOnce = 2

    public static func < (a: QualityOfService, b: QualityOfService) -> Bool {
        a.rawValue < b.rawValue
    }
}
