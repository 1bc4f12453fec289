/// Why bytes from a peer are not MQTT. A case names what the peer did, never a bug of ours.
public enum MQTTWireError: Error, Equatable, Sendable {
    case remainingLengthTooLong
    case packetTooLarge(size: Int)
    case reservedPacketType
    case reservedFlags(PacketType)
    case packetTooShort
    case trailingBytes
    case malformedText
    case lengthNotMinimal
    case reservedConnectFlags
    case reservedConnackFlags
    case reservedSubscriptionOptions
    case reservedQoS
    case duplicateAtQoS0
    case unknownReasonCode(UInt8)
    case unknownProperty(UInt32)
    case misplacedProperty(PropertyIdentifier)
    case repeatedProperty(PropertyIdentifier)
    case propertyOutOfRange(PropertyIdentifier)
    case authenticationDataWithoutMethod
    case packetIdentifierZero
    case noTopicFilter
    case topicNameEmpty
    case topicNameWithWildcard
    case topicAliasZero
    /// The peer speaks another MQTT: `level` is what its CONNECT said.
    case unsupportedProtocolLevel(UInt8)
    case notMQTT

    /// The reason code that tells an MQTT 5 peer (4.13).
    public var reasonCode: ReasonCode {
        switch self {
        case .remainingLengthTooLong, .reservedPacketType, .reservedFlags, .packetTooShort,
            .trailingBytes, .malformedText, .lengthNotMinimal, .reservedConnectFlags,
            .reservedConnackFlags, .reservedSubscriptionOptions, .reservedQoS, .duplicateAtQoS0,
            .unknownReasonCode, .unknownProperty, .misplacedProperty:
            .malformedPacket
        case .repeatedProperty, .propertyOutOfRange, .authenticationDataWithoutMethod,
            .packetIdentifierZero, .noTopicFilter, .topicNameEmpty:
            .protocolError
        case .packetTooLarge: .packetTooLarge
        case .topicNameWithWildcard: .topicNameInvalid
        case .topicAliasZero: .topicAliasInvalid
        case .unsupportedProtocolLevel, .notMQTT: .unsupportedProtocolVersion
        }
    }
}
