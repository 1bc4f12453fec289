/// An MQTT 5 property (2.2.2.2), with the type of its value and the packets it belongs to.
public enum PropertyIdentifier: UInt8, Sendable, CaseIterable {
    case payloadFormatIndicator = 0x01
    case messageExpiryInterval = 0x02
    case contentType = 0x03
    case responseTopic = 0x08
    case correlationData = 0x09
    case subscriptionIdentifier = 0x0B
    case sessionExpiryInterval = 0x11
    case assignedClientIdentifier = 0x12
    case serverKeepAlive = 0x13
    case authenticationMethod = 0x15
    case authenticationData = 0x16
    case requestProblemInformation = 0x17
    case willDelayInterval = 0x18
    case requestResponseInformation = 0x19
    case responseInformation = 0x1A
    case serverReference = 0x1C
    case reasonString = 0x1F
    case receiveMaximum = 0x21
    case topicAliasMaximum = 0x22
    case topicAlias = 0x23
    case maximumQoS = 0x24
    case retainAvailable = 0x25
    case userProperty = 0x26
    case maximumPacketSize = 0x27
    case wildcardSubscriptionAvailable = 0x28
    case subscriptionIdentifierAvailable = 0x29
    case sharedSubscriptionAvailable = 0x2A

    package enum ValueType: Sendable {
        case byte, twoByteInteger, fourByteInteger, variableByteInteger, text, binary, textPair
    }

    package var valueType: ValueType {
        switch self {
        case .payloadFormatIndicator, .requestProblemInformation, .requestResponseInformation,
            .maximumQoS, .retainAvailable, .wildcardSubscriptionAvailable,
            .subscriptionIdentifierAvailable, .sharedSubscriptionAvailable:
            .byte
        case .serverKeepAlive, .receiveMaximum, .topicAliasMaximum, .topicAlias: .twoByteInteger
        case .messageExpiryInterval, .sessionExpiryInterval, .willDelayInterval,
            .maximumPacketSize:
            .fourByteInteger
        case .subscriptionIdentifier: .variableByteInteger
        case .contentType, .responseTopic, .assignedClientIdentifier, .authenticationMethod,
            .responseInformation, .serverReference, .reasonString:
            .text
        case .correlationData, .authenticationData: .binary
        case .userProperty: .textPair
        }
    }

    /// The packets whose property list may hold it (table 2-4).
    package var places: PropertyPlaces {
        switch self {
        case .payloadFormatIndicator, .messageExpiryInterval, .contentType, .responseTopic,
            .correlationData:
            [.publish, .will]
        case .subscriptionIdentifier: [.publish, .subscribe]
        case .sessionExpiryInterval: [.connect, .connack, .disconnect]
        case .authenticationMethod, .authenticationData: [.connect, .connack, .auth]
        case .receiveMaximum, .topicAliasMaximum, .maximumPacketSize: [.connect, .connack]
        case .requestProblemInformation, .requestResponseInformation: .connect
        case .willDelayInterval: .will
        case .topicAlias: .publish
        case .serverReference: [.connack, .disconnect]
        case .reasonString: .answers
        case .userProperty: .all
        case .assignedClientIdentifier, .serverKeepAlive, .responseInformation, .maximumQoS,
            .retainAvailable, .wildcardSubscriptionAvailable, .subscriptionIdentifierAvailable,
            .sharedSubscriptionAvailable:
            .connack
        }
    }

    var bit: UInt64 { 1 &<< UInt64(rawValue) }

    /// What may stand more than once: user properties anywhere, subscription identifiers in a
    /// PUBLISH (3.3.2.3.8).
    func isRepeatable(in place: PropertyPlaces) -> Bool {
        self == .userProperty || self == .subscriptionIdentifier && place == .publish
    }

    /// The values that the property's own section allows.
    func check(_ value: UInt32) throws(MQTTWireError) {
        switch self {
        case .topicAlias:
            guard value != 0 else { throw .topicAliasZero }
        case .receiveMaximum, .maximumPacketSize, .subscriptionIdentifier:
            guard value != 0 else { throw .propertyOutOfRange(self) }
        case .payloadFormatIndicator, .requestProblemInformation, .requestResponseInformation,
            .maximumQoS, .retainAvailable, .wildcardSubscriptionAvailable,
            .subscriptionIdentifierAvailable, .sharedSubscriptionAvailable:
            guard value <= 1 else { throw .propertyOutOfRange(self) }
        case .messageExpiryInterval, .contentType, .responseTopic, .correlationData,
            .sessionExpiryInterval, .assignedClientIdentifier, .serverKeepAlive,
            .authenticationMethod, .authenticationData, .willDelayInterval, .responseInformation,
            .serverReference, .reasonString, .topicAliasMaximum, .userProperty:
            return
        }
    }
}

/// Where a property list stands: one bit a packet type, and bit 0 for the will's list in CONNECT.
package struct PropertyPlaces: OptionSet, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }
    package init(_ type: PacketType) { rawValue = 1 << UInt16(type.rawValue) }

    package static let will = PropertyPlaces(rawValue: 1)
    package static let connect = PropertyPlaces(.connect)
    package static let connack = PropertyPlaces(.connack)
    package static let publish = PropertyPlaces(.publish)
    package static let subscribe = PropertyPlaces(.subscribe)
    package static let unsubscribe = PropertyPlaces(.unsubscribe)
    package static let disconnect = PropertyPlaces(.disconnect)
    package static let auth = PropertyPlaces(.auth)
    package static let answers: PropertyPlaces = [
        .connack, .init(.puback), .init(.pubrec), .init(.pubrel), .init(.pubcomp), .init(.suback),
        .init(.unsuback), .disconnect, .auth,
    ]
    package static let all: PropertyPlaces = [
        .will, .connect, .publish, .subscribe, .unsubscribe, .answers,
    ]
}
