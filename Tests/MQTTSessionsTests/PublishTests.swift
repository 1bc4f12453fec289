import BrokerModel
import MQTTSessions
import MQTTWire
import Testing

@Suite struct PublishTests {
    private func puback(_ packetIdentifiers: UInt8...) -> [UInt8] {
        packetIdentifiers.flatMap { [0x40, 2, 0, $0] as [UInt8] }
    }

    @Test func `QoS 0 is handed on without a ticket`() {
        let client = Broker().connect("c", .v311)
        #expect(client.publish("a/b") == [])
        #expect(client.publishes == [.init(topic: "a/b", payload: [], ticket: nil)])
    }

    @Test func `QoS 1 is acknowledged once it is stored, and not before`() {
        for version in [ProtocolVersion.v311, .v5] {
            let client = Broker().connect("c", version)
            #expect(client.publish("a", qos: .atLeastOnce, packetIdentifier: 7) == [])
            #expect(client.stored(0) == puback(7))
            #expect(client.inFlightCount == 0)
        }
    }

    @Test func `acknowledgements leave in the order in which the publishes came`() {
        let client = Broker().connect("c", .v311)
        for packetIdentifier in UInt16(1)...4 {
            client.publish("a", qos: .atLeastOnce, packetIdentifier: packetIdentifier)
        }
        #expect(client.stored(2) == [])
        #expect(client.stored(1) == [])
        #expect(client.stored(0) == puback(1, 2, 3))
        #expect(client.stored(0) == [])
        #expect(client.stored(3) == puback(4))
    }

    @Test func `one ticket acknowledges all before it`() {
        let client = Broker().connect("c", .v311)
        for packetIdentifier in UInt16(1)...20 {
            client.publish("a", qos: .atLeastOnce, packetIdentifier: packetIdentifier)
        }
        #expect(client.storedThrough(1) == puback(1, 2))
        #expect(client.storedThrough(19).count == 18 * 4)
        #expect(client.storedThrough(19) == [])
    }

    @Test func `a retry of a publish in flight is stored again and acknowledged again`() {
        let client = Broker().connect("c", .v311)
        client.publish("a", qos: .atLeastOnce, packetIdentifier: 9)
        client.publish("a", qos: .atLeastOnce, packetIdentifier: 9, isDuplicate: true)
        #expect(client.publishes.count == 2)
        #expect(client.storedThrough(1) == puback(9, 9))
    }

    @Test func `retain is refused with 0x9A in 5 and an ordinary message in 3.1.1`() {
        let newer = Broker().connect("c")
        #expect(newer.publish("a", isRetained: true) == [0xe0, 1, 0x9a])
        let older = Broker().connect("c", .v311)
        #expect(older.publish("a", isRetained: true) == [])
        #expect(older.publishes.count == 1)
    }

    @Test func `more in flight than Receive Maximum ends a connection of 5 with 0x93`() {
        let client = Broker { $0.inFlightMax = 2 }.connect("c")
        client.publish("a", qos: .atLeastOnce, packetIdentifier: 1)
        client.publish("a", qos: .atLeastOnce, packetIdentifier: 2)
        #expect(client.publish("a") == [])
        #expect(
            client.publish("a", qos: .atLeastOnce, packetIdentifier: 3) == [0xe0, 1, 0x93]
        )
        #expect(client.stored(0) == [])
    }

    @Test func `3.1.1 is paused at the same number, silence included`() {
        let broker = Broker { $0.inFlightMax = 2 }
        let client = broker.connect("c", .v311, keepAlive: 10)
        client.publish("a", qos: .atLeastOnce, packetIdentifier: 1)
        client.publish("a", qos: .atLeastOnce, packetIdentifier: 2)
        #expect(!client.mayRead)
        #expect(client.send([0xc0, 0]) == [])
        broker.advance(.seconds(100))
        #expect(client.checkDeadline() == [])
        #expect(client.end == nil)
        #expect(client.stored(0) == puback(1))
        #expect(client.mayRead)
        #expect(client.deadline == broker.now + .seconds(15))
        #expect(client.send([0xc0, 0]) == [0xd0, 0])
    }

    @Test func `a topic alias stands for its topic until it is set anew`() {
        let client = Broker().connect("c")
        var alias = Properties()
        alias.append(.topicAlias, 16)
        client.publish("plant/line/1", properties: alias)
        client.publish("", properties: alias)
        client.publish("other", properties: alias)
        client.publish("", properties: alias)
        #expect(
            client.publishes.map { $0.topic } == ["plant/line/1", "plant/line/1", "other", "other"]
        )
    }

    @Test func `an alias past the maximum, zero or never set ends the connection`() {
        var alias = Properties()
        alias.append(.topicAlias, 17)
        #expect(Broker().connect("c").publish("a", properties: alias) == [0xe0, 1, 0x94])
        var unknown = Properties()
        unknown.append(.topicAlias, 3)
        #expect(Broker().connect("c").publish("", properties: unknown) == [0xe0, 1, 0x82])
        var zero = Properties()
        zero.append(.topicAlias, 0)
        #expect(Broker().connect("c").publish("a", properties: zero) == [0xe0, 1, 0x94])
    }

    @Test func `topics behind aliases come from the memory pool and go back to it`() {
        let broker = Broker(memory: .kibibytes(16))
        var client: Client? = broker.connect("c")
        let before = broker.memory.used
        var alias = Properties()
        alias.append(.topicAlias, 1)
        let topic = String(repeating: "a", count: 10_000)
        client?.publish(topic, properties: alias)
        #expect(broker.memory.used == before + ByteCount(10_000))
        var other = Properties()
        other.append(.topicAlias, 2)
        #expect(client?.publish(topic, properties: other) == [0xe0, 1, 0x97])
        client = nil
        #expect(broker.memory.used == .zero)
    }

    @Test func `a subscription identifier from a client is a protocol error`() {
        var properties = Properties()
        properties.append(.subscriptionIdentifier, 1)
        #expect(
            Broker().connect("c").publish("a", properties: properties) == [0xe0, 1, 0x82]
        )
    }

    @Test func `bytes that break a rule end the connection with the rule's reason code`() {
        let cases: [([UInt8], UInt8)] = [
            ([0x30, 3, 0, 1, 0xff], 0x81), ([0x30, 4, 0, 1, 0x23, 0], 0x90),
            ([0x32, 6, 0, 1, 0x61, 0, 0, 0], 0x82), ([0x30, 0xff, 0xff, 0xff, 0x7f], 0x95),
            ([0x00, 0], 0x81), ([0xc1, 0], 0x81), ([0xc0, 1, 0], 0x81),
        ]
        for (bytes, code) in cases {
            let newer = Broker().connect("c")
            #expect(newer.send(bytes) == [0xe0, 1, code])
            let older = Broker().connect("c", .v311)
            #expect(older.send(bytes) == [])
            #expect(older.end != nil)
        }
    }

    @Test func `nothing is acknowledged after the connection has ended`() {
        let client = Broker().connect("c")
        client.publish("a", qos: .atLeastOnce)
        client.disconnect()
        #expect(client.stored(0) == [])
    }

    @Test func `a message that cannot be stored ends the connection, and is never acknowledged`() {
        let client = Broker().connect("c")
        client.publish("a", qos: .atLeastOnce)
        #expect(client.refuse(.quotaExceeded) == [0xe0, 1, 0x97])
        #expect(client.end == .refused(.quotaExceeded))
        #expect(client.stored(0) == [])
    }

    @Test func `a packet in pieces says how many bytes it needs`() {
        let client = Broker().connect("c")
        let packet: [UInt8] = [0x30, 10, 0, 1, 0x61, 0]
        packet.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            var output = ByteWriter()
            let action = client.session.receive(
                from: &reader,
                now: client.broker.now,
                output: &output
            )
            guard case .needBytes(12) = action else {
                Issue.record("\(action)")
                return
            }
            #expect(reader.position == 0)
        }
    }
}
