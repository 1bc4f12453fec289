import BrokerModel
import MQTTWire
import Testing

@Suite struct PropertiesTests {
    private static let places: [(PropertyPlaces, String)] = [
        (.will, "will"), (.connect, "CONNECT"), (.connack, "CONNACK"), (.publish, "PUBLISH"),
        (.init(.puback), "PUBACK"), (.init(.pubrec), "PUBREC"), (.init(.pubrel), "PUBREL"),
        (.init(.pubcomp), "PUBCOMP"), (.subscribe, "SUBSCRIBE"), (.init(.suback), "SUBACK"),
        (.unsubscribe, "UNSUBSCRIBE"), (.init(.unsuback), "UNSUBACK"),
        (.disconnect, "DISCONNECT"), (.auth, "AUTH"),
    ]

    private func sample(_ identifier: PropertyIdentifier) -> [UInt8] {
        switch identifier.valueType {
        case .byte: bytes(Int(identifier.rawValue), 1)
        case .twoByteInteger: bytes(Int(identifier.rawValue), 0, 5)
        case .fourByteInteger: bytes(Int(identifier.rawValue), 0, 0, 0, 5)
        case .variableByteInteger: bytes(Int(identifier.rawValue), 0x80, 1)
        case .text, .binary: bytes(Int(identifier.rawValue), 0, 2, "ab")
        case .textPair: bytes(Int(identifier.rawValue), 0, 1, "a", 0, 1, "b")
        }
    }

    private func read(_ list: [UInt8], in place: PropertyPlaces) throws -> Properties {
        let encoded = written { $0.writeVariableByteInteger(list.count) } + list
        return try encoded.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            return Properties(try reader.readProperties(in: place))
        }
    }

    @Test(arguments: PropertyIdentifier.allCases)
    func `a property is taken in its own packets and malformed in every other`(
        identifier: PropertyIdentifier
    ) throws {
        for (place, name) in Self.places {
            if identifier.places.isDisjoint(with: place) {
                #expect(throws: MQTTWireError.misplacedProperty(identifier), "in \(name)") {
                    try read(sample(identifier), in: place)
                }
            } else {
                #expect(try read(sample(identifier), in: place).has(identifier), "in \(name)")
            }
        }
    }

    @Test(arguments: PropertyIdentifier.allCases)
    func `a property that stands twice is a protocol error, save where it may`(
        identifier: PropertyIdentifier
    ) throws {
        for (place, name) in Self.places where !identifier.places.isDisjoint(with: place) {
            let twice = sample(identifier) + sample(identifier)
            let mayRepeat =
                identifier == .userProperty
                || (identifier == .subscriptionIdentifier && place == .publish)
            if mayRepeat {
                #expect(try read(twice, in: place).bytes == twice, "in \(name)")
            } else {
                #expect(throws: MQTTWireError.repeatedProperty(identifier), "in \(name)") {
                    try read(twice, in: place)
                }
            }
        }
        #expect(MQTTWireError.repeatedProperty(identifier).reasonCode == .protocolError)
        #expect(MQTTWireError.misplacedProperty(identifier).reasonCode == .malformedPacket)
    }

    @Test(arguments: PropertyIdentifier.allCases)
    func `a property cut anywhere is too short`(identifier: PropertyIdentifier) throws {
        let place = try #require(
            Self.places.first { !identifier.places.isDisjoint(with: $0.0) }
        )
        let whole = sample(identifier)
        for length in 1..<whole.count {
            #expect(throws: MQTTWireError.packetTooShort) {
                try read(Array(whole[..<length]), in: place.0)
            }
        }
    }

    @Test func `each text of a property must be UTF-8`() {
        for identifier in PropertyIdentifier.allCases where identifier.valueType == .text {
            let place = Self.places.first { !identifier.places.isDisjoint(with: $0.0) }
            #expect(throws: MQTTWireError.malformedText) {
                try read(bytes(Int(identifier.rawValue), 0, 1, 0xff), in: place?.0 ?? .all)
            }
        }
        #expect(throws: MQTTWireError.malformedText) {
            try read(bytes(0x26, 0, 1, "a", 0, 1, 0), in: .publish)
        }
    }

    @Test func `values outside their range are refused`() {
        let wrong: [(PropertyIdentifier, [UInt8], PropertyPlaces)] = [
            (.receiveMaximum, [0x21, 0, 0], .connect),
            (.maximumPacketSize, [0x27, 0, 0, 0, 0], .connect),
            (.subscriptionIdentifier, [0x0b, 0], .subscribe),
            (.payloadFormatIndicator, [0x01, 2], .publish),
            (.requestProblemInformation, [0x17, 2], .connect),
            (.requestResponseInformation, [0x19, 2], .connect),
            (.maximumQoS, [0x24, 2], .connack), (.retainAvailable, [0x25, 2], .connack),
            (.wildcardSubscriptionAvailable, [0x28, 2], .connack),
            (.subscriptionIdentifierAvailable, [0x29, 2], .connack),
            (.sharedSubscriptionAvailable, [0x2a, 2], .connack),
        ]
        for (identifier, list, place) in wrong {
            #expect(throws: MQTTWireError.propertyOutOfRange(identifier)) {
                try read(list, in: place)
            }
        }
        #expect(throws: MQTTWireError.topicAliasZero) { try read([0x23, 0, 0], in: .publish) }
        #expect(throws: MQTTWireError.topicNameWithWildcard) {
            try read(bytes(0x08, 0, 3, "a/#"), in: .publish)
        }
    }

    @Test func `an identifier that 2.2.2.2 does not know is malformed`() {
        let known = Set(PropertyIdentifier.allCases.map { Int($0.rawValue) })
        for number in 0..<128 where !known.contains(number) {
            #expect(throws: MQTTWireError.unknownProperty(UInt32(number))) {
                try read(bytes(number, 0), in: .publish)
            }
        }
        #expect(throws: MQTTWireError.unknownProperty(200)) {
            try read([0xc8, 0x01, 0], in: .publish)
        }
        #expect(throws: MQTTWireError.lengthNotMinimal) {
            try read([0x81, 0x00, 1], in: .publish)
        }
    }

    @Test func `a list longer than its packet is too short`() {
        let list: [UInt8] = [5, 0x01, 1]
        #expect(throws: MQTTWireError.packetTooShort) {
            try list.withUnsafeBytes { raw in
                var reader = ByteReader(raw)
                _ = try reader.readProperties(in: .publish)
            }
        }
    }

    @Test func `a list of ours reads back as it was built`() {
        var properties = Properties()
        properties.append(.messageExpiryInterval, 70_000)
        properties.append(.correlationData, [0, 1, 2])
        properties.append(userProperty: "a", "1")
        properties.append(userProperty: "a", "2")
        #expect(properties.integer(.messageExpiryInterval) == 70_000)
        #expect(properties.binary(.correlationData) == [0, 1, 2])
        #expect(properties.userProperties.map { $0.value } == ["1", "2"])
        #expect(properties.text(.contentType) == nil)
        let left = properties.withView { Properties($0, without: .userProperty) }
        #expect(!left.has(.userProperty))
        #expect(left.integer(.messageExpiryInterval) == 70_000)
    }
}
