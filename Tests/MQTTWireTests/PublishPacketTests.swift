import BrokerModel
import MQTTWire
import Testing

@Suite struct PublishPacketTests {
    private func read(_ bytes: [UInt8], _ version: ProtocolVersion) throws -> OwnedPublish {
        try withFrame(bytes) { OwnedPublish(try PublishPacket($0, version: version)) }
    }

    private func rewrite(_ bytes: [UInt8], _ version: ProtocolVersion) throws -> [UInt8] {
        try withFrame(bytes) { frame in
            let packet = try PublishPacket(frame, version: version)
            let output = written { packet.write(to: &$0, version: version) }
            #expect(packet.encodedSize(version: version) == output.count)
            return output
        }
    }

    @Test func `QoS 0 of 3.1.1 is topic and payload`() throws {
        let expected = bytes(0x30, 9, 0, 3, "a/b", "21.5")
        let packet = try read(expected, .v311)
        #expect(packet.topic == "a/b")
        #expect(packet.payload == Array("21.5".utf8))
        #expect(packet.qos == .atMostOnce)
        #expect(packet.packetIdentifier == 0)
        #expect(!packet.isRetained)
        #expect(try rewrite(expected, .v311) == expected)
    }

    @Test func `QoS 1 with DUP and RETAIN keeps its packet identifier`() throws {
        let expected = bytes(0x3b, 6, 0, 1, "t", 0x12, 0x34, "x")
        let packet = try read(expected, .v311)
        #expect(packet.packetIdentifier == 0x1234)
        #expect(packet.qos == .atLeastOnce)
        #expect(packet.isRetained)
        #expect(packet.isDuplicate)
        #expect(try rewrite(expected, .v311) == expected)
    }

    @Test func `5.0 carries its properties between identifier and payload`() throws {
        let expected = wire("32 14 00 01 't' 00 01 0c 01 01 02 00 00 00 3c 08 00 02 'rt' 'xy'")
        #expect(try rewrite(expected, .v5) == expected)
        let packet = try read(expected, .v5)
        #expect(packet.properties.integer(.messageExpiryInterval) == 60)
        #expect(packet.properties.text(.responseTopic) == "rt")
        #expect(packet.payload == Array("xy".utf8))
    }

    @Test func `an empty payload is a message too`() throws {
        #expect(try read(bytes(0x30, 3, 0, 1, "t"), .v311).payload.isEmpty)
        #expect(try read(bytes(0x30, 4, 0, 1, "t", 0), .v5).payload.isEmpty)
    }

    @Test func `a topic may be empty only beside an alias`() throws {
        let aliased = bytes(0x30, 6, 0, 0, 3, 0x23, 0, 1)
        #expect(try read(aliased, .v5).properties.integer(.topicAlias) == 1)
        #expect(throws: MQTTWireError.topicNameEmpty) { try read([0x30, 3, 0, 0, 0], .v5) }
        #expect(throws: MQTTWireError.topicNameEmpty) { try read([0x30, 2, 0, 0], .v311) }
    }

    @Test func `flags that PUBLISH forbids are malformed`() throws {
        #expect(throws: MQTTWireError.reservedQoS) {
            try read(bytes(0x36, 5, 0, 1, "t", 0, 1), .v311)
        }
        #expect(throws: MQTTWireError.duplicateAtQoS0) {
            try read(bytes(0x38, 3, 0, 1, "t"), .v311)
        }
        #expect(throws: MQTTWireError.packetIdentifierZero) {
            try read(bytes(0x32, 5, 0, 1, "t", 0, 0), .v311)
        }
    }

    @Test(arguments: ["+", "#", "a/+", "a/#/b", "0123456789+", "+123456789", "\u{e9}+"])
    func `a topic with a wildcard is not a name`(topic: String) throws {
        let packet = bytes(0x30, topic.utf8.count + 2, 0, topic.utf8.count, topic)
        #expect(throws: MQTTWireError.topicNameWithWildcard) { try read(packet, .v5) }
    }

    @Test(
        arguments: [
            "t", "/", "a//b", "$SYS/x", "sensors/kitchen/temperature", "grad/\u{b0}C", "1234567",
            "12345678", "123456789", "z\u{10ffff}",
        ])
    func `any other text is a topic name`(topic: String) throws {
        let packet = bytes(0x30, topic.utf8.count + 2, 0, topic.utf8.count, topic)
        #expect(try read(packet, .v311).topic == Text(topic))
    }

    @Test func `a wildcard, NUL or bad byte in a topic is found wherever it stands`() throws {
        for length in 1...40 {
            for place in 0..<length {
                for (bad, error) in [
                    (UInt8(ascii: "+"), MQTTWireError.topicNameWithWildcard),
                    (UInt8(ascii: "#"), .topicNameWithWildcard), (0, .malformedText),
                    (0xff, .malformedText),
                ] {
                    var topic = [UInt8](repeating: UInt8(ascii: "a"), count: length)
                    topic[place] = bad
                    let packet = bytes(0x30, length + 2, 0, length, topic)
                    #expect(throws: error) { try read(packet, .v311) }
                }
            }
        }
    }

    @Test func `a forwarded message loses alias, flags and QoS, and gains identifiers`() throws {
        let source = wire("32 0e 00 01 't' 00 01 07 23 00 01 03 00 01 'j' 'x'")
        try withFrame(source) { frame in
            let packet = try PublishPacket(frame, version: .v5)
            let older = written { packet.writeForwarded(to: &$0, version: .v311) }
            #expect(older == bytes(0x30, 4, 0, 1, "t", "x"))
            let newer = written { packet.writeForwarded(to: &$0, version: .v5) }
            #expect(newer == bytes(0x30, 9, 0, 1, "t", 4, 0x03, 0, 1, "j", "x"))
            let identified = written {
                packet.writeForwarded(to: &$0, version: .v5, subscriptionIdentifiers: [5, 300])
            }
            #expect(
                identified
                    == wire("30 0e 00 01 't' 09 03 00 01 'j' 0b 05 0b ac 02 'x'")
            )
        }
    }

    @Test func `a will becomes the PUBLISH that it describes`() {
        let will = Will(topic: "w", payload: [1], qos: .atLeastOnce, isRetained: true)
        will.withPacket { packet in
            #expect(Text(packet.topic) == "w")
            #expect(Array(packet.payload) == [1])
            #expect(packet.qos == .atLeastOnce)
            #expect(packet.isRetained)
        }
    }
}
