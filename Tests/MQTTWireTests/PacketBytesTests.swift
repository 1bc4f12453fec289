import BrokerModel
import MQTTWire
import Testing

/// Each packet against bytes written down from the specification, both ways.
@Suite struct PacketBytesTests {
    @Test func `a plain CONNECT of 3.1.1 is these bytes`() throws {
        let expected = bytes(0x10, 14, 0, 4, "MQTT", 4, 0x02, 0, 60, 0, 2, "ab")
        let packet = ConnectPacket(version: .v311, clientIdentifier: "ab")
        #expect(written { packet.write(to: &$0) } == expected)
        #expect(try withFrame(expected) { try ConnectPacket($0) } == packet)
    }

    @Test func `a CONNECT of 3.1.1 with will, user name and password is these bytes`() throws {
        let expected = wire(
            "10 1b 00 04 'MQTT' 04 ec 00 0a 00 01 'c' 00 01 'w' 00 02 'by' 00 01 'u' 00 02 01 ff"
        )
        let packet = ConnectPacket(
            version: .v311,
            clientIdentifier: "c",
            isCleanStart: false,
            keepAlive: 10,
            will: Will(topic: "w", payload: Array("by".utf8), qos: .atLeastOnce, isRetained: true),
            userName: "u",
            password: [1, 0xff]
        )
        #expect(written { packet.write(to: &$0) } == expected)
        #expect(try withFrame(expected) { try ConnectPacket($0) } == packet)
    }

    @Test func `a CONNECT of 5.0 with properties and a delayed will is these bytes`() throws {
        let expected = wire(
            "10 24 00 04 'MQTT' 05 06 00 3c 05 11 00 00 00 09 00 01 'c' "
                + "09 03 00 01 't' 18 00 00 00 07 00 01 'w' 00 02 'by'"
        )
        var properties = Properties()
        properties.append(.sessionExpiryInterval, 9)
        var willProperties = Properties()
        willProperties.append(.contentType, "t")
        let packet = ConnectPacket(
            version: .v5,
            clientIdentifier: "c",
            will: Will(
                topic: "w",
                payload: Array("by".utf8),
                delay: 7,
                properties: willProperties
            ),
            properties: properties
        )
        #expect(written { packet.write(to: &$0) } == expected)
        #expect(try withFrame(expected) { try ConnectPacket($0) } == packet)
    }

    @Test func `a CONNACK of 3.1.1 carries a return code`() throws {
        let refusals: [(ReasonCode, Int)] = [
            (.success, 0), (.unsupportedProtocolVersion, 1), (.clientIdentifierNotValid, 2),
            (.serverUnavailable, 3), (.badUserNameOrPassword, 4), (.notAuthorized, 5),
        ]
        for (reason, code) in refusals {
            let expected = bytes(0x20, 2, 0, code)
            let packet = ConnackPacket(reasonCode: reason)
            #expect(written { packet.write(to: &$0, version: .v311) } == expected)
            #expect(
                try withFrame(expected) { try ConnackPacket($0, version: .v311) } == packet
            )
        }
        let quota = ConnackPacket(reasonCode: .quotaExceeded)
        #expect(written { quota.write(to: &$0, version: .v311) } == bytes(0x20, 2, 0, 3))
    }

    @Test func `a CONNACK of 5.0 carries a reason code and properties`() throws {
        let expected = bytes(0x20, 8, 1, 0, 5, 0x21, 0, 20, 0x24, 1)
        var properties = Properties()
        properties.append(.receiveMaximum, 20)
        properties.append(.maximumQoS, 1)
        let packet = ConnackPacket(isSessionPresent: true, properties: properties)
        #expect(written { packet.write(to: &$0, version: .v5) } == expected)
        #expect(try withFrame(expected) { try ConnackPacket($0, version: .v5) } == packet)
        #expect(packet.properties.integer(.receiveMaximum) == 20)
    }

    @Test(arguments: [
        (PacketType.puback, 0x40), (.pubrec, 0x50), (.pubrel, 0x62), (.pubcomp, 0x70),
    ])
    func `a reply to PUBLISH is four bytes, and more only when it says more`(
        type: PacketType,
        firstByte: Int
    ) throws {
        let short = bytes(firstByte, 2, 0x12, 0x34)
        let packet = PublishReply(type, packetIdentifier: 0x1234)
        for version in [ProtocolVersion.v311, .v5] {
            #expect(written { packet.write(to: &$0, version: version) } == short)
            #expect(try withFrame(short) { try PublishReply($0, version: version) } == packet)
        }
        let isRelease = type == .pubrel || type == .pubcomp
        let reason: ReasonCode = isRelease ? .packetIdentifierNotFound : .quotaExceeded
        let coded = bytes(firstByte, 3, 0, 1, Int(reason.rawValue))
        let failure = PublishReply(type, packetIdentifier: 1, reasonCode: reason)
        #expect(written { failure.write(to: &$0, version: .v5) } == coded)
        #expect(try withFrame(coded) { try PublishReply($0, version: .v5) } == failure)
        let full = bytes(firstByte, 8, 0, 1, Int(reason.rawValue), 4, 0x1f, 0, 1, "x")
        var explained = failure
        explained.properties.append(.reasonString, "x")
        #expect(written { explained.write(to: &$0, version: .v5) } == full)
        #expect(try withFrame(full) { try PublishReply($0, version: .v5) } == explained)
    }

    @Test func `SUBSCRIBE is these bytes in both versions`() throws {
        let older = bytes(0x82, 12, 0, 7, 0, 3, "a/b", 1, 0, 1, "#", 0)
        let requests = [
            SubscribePacket.Request("a/b", .init(qosMax: .atLeastOnce)), .init("#"),
        ]
        let packet = SubscribePacket(packetIdentifier: 7, requests: requests)
        #expect(written { packet.write(to: &$0, version: .v311) } == older)
        #expect(try withFrame(older) { try SubscribePacket($0, version: .v311) } == packet)

        let newer = bytes(0x82, 10, 0, 7, 3, 0x0b, 0x80, 1, 0, 1, "#", 0x2d)
        var properties = Properties()
        properties.append(.subscriptionIdentifier, 128)
        let options = SubscriptionOptions(
            qosMax: .atLeastOnce,
            isNoLocal: true,
            isRetainAsPublished: true,
            retainHandling: .never
        )
        let optioned = SubscribePacket(
            packetIdentifier: 7,
            requests: [.init("#", options)],
            properties: properties
        )
        #expect(written { optioned.write(to: &$0, version: .v5) } == newer)
        #expect(try withFrame(newer) { try SubscribePacket($0, version: .v5) } == optioned)
    }

    @Test func `SUBACK tells each code in 5.0 and one failure in 3.1.1`() throws {
        let packet = SubscriptionReply(
            .suback,
            packetIdentifier: 7,
            reasonCodes: [.success, .topicFilterInvalid]
        )
        let newer = bytes(0x90, 5, 0, 7, 0, 0, 0x8f)
        #expect(written { packet.write(to: &$0, version: .v5) } == newer)
        #expect(try withFrame(newer) { try SubscriptionReply($0, version: .v5) } == packet)
        let older = bytes(0x90, 4, 0, 7, 0, 0x80)
        #expect(written { packet.write(to: &$0, version: .v311) } == older)
        let read = try withFrame(older) { try SubscriptionReply($0, version: .v311) }
        #expect(read.reasonCodes == [.success, .unspecifiedError])
    }

    @Test func `UNSUBSCRIBE and UNSUBACK are these bytes`() throws {
        let older = bytes(0xa2, 7, 0, 9, 0, 3, "a/b")
        let packet = UnsubscribePacket(packetIdentifier: 9, filters: ["a/b"])
        #expect(written { packet.write(to: &$0, version: .v311) } == older)
        #expect(try withFrame(older) { try UnsubscribePacket($0, version: .v311) } == packet)
        let newer = bytes(0xa2, 8, 0, 9, 0, 0, 3, "a/b")
        #expect(written { packet.write(to: &$0, version: .v5) } == newer)
        #expect(try withFrame(newer) { try UnsubscribePacket($0, version: .v5) } == packet)

        let reply = SubscriptionReply(
            .unsuback,
            packetIdentifier: 9,
            reasonCodes: [.noSubscriptionExisted]
        )
        let newerReply = bytes(0xb0, 4, 0, 9, 0, 0x11)
        #expect(written { reply.write(to: &$0, version: .v5) } == newerReply)
        #expect(try withFrame(newerReply) { try SubscriptionReply($0, version: .v5) } == reply)
        let olderReply = bytes(0xb0, 2, 0, 9)
        #expect(written { reply.write(to: &$0, version: .v311) } == olderReply)
        let read = try withFrame(olderReply) { try SubscriptionReply($0, version: .v311) }
        #expect(read.reasonCodes.isEmpty)
    }

    @Test func `PINGREQ and PINGRESP are two bytes`() throws {
        #expect(written { $0.writeEmptyPacket(.pingreq) } == [0xc0, 0])
        #expect(written { $0.writeEmptyPacket(.pingresp) } == [0xd0, 0])
        #expect(throws: MQTTWireError.trailingBytes) {
            try withFrame([0xc0, 1, 0]) { try $0.requireEmptyBody() }
        }
    }

    @Test func `DISCONNECT and AUTH leave out what they do not say`() throws {
        #expect(written { DisconnectPacket().write(to: &$0, version: .v311) } == [0xe0, 0])
        #expect(written { DisconnectPacket().write(to: &$0, version: .v5) } == [0xe0, 0])
        let coded = bytes(0xe0, 1, 0x8e)
        let packet = DisconnectPacket(.sessionTakenOver)
        #expect(written { packet.write(to: &$0, version: .v5) } == coded)
        #expect(try withFrame(coded) { try DisconnectPacket($0, version: .v5) } == packet)
        let full = bytes(0xe0, 7, 0, 5, 0x11, 0, 0, 0, 1)
        var expiring = DisconnectPacket()
        expiring.properties.append(.sessionExpiryInterval, 1)
        #expect(written { expiring.write(to: &$0, version: .v5) } == full)
        #expect(try withFrame(full) { try DisconnectPacket($0, version: .v5) } == expiring)
        let auth = bytes(0xf0, 6, 0x18, 4, 0x15, 0, 1, "m")
        var method = DisconnectPacket(.continueAuthentication, type: .auth)
        method.properties.append(.authenticationMethod, "m")
        #expect(written { method.write(to: &$0, version: .v5) } == auth)
        #expect(try withFrame(auth) { try DisconnectPacket($0, version: .v5) } == method)
    }
}
