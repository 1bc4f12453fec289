import BrokerModel
import MQTTSessions
import MQTTWire
import Testing

/// What a subscriber gets at QoS 1, byte by byte.
@Suite struct DeliveryTests {
    private let atLeastOnce = SubscriptionOptions(qosMax: .atLeastOnce)

    private func subscriber(
        _ broker: Broker,
        _ identifier: Text = "c",
        _ version: ProtocolVersion = .v5,
        change: (inout ConnectPacket) -> Void = { _ in }
    ) -> Client {
        let client = broker.open()
        client.connect(identifier, version, isCleanStart: false, expiry: 100, change: change)
        client.subscribe("a", options: atLeastOnce)
        return client
    }

    @Test func `a message at QoS 1 comes with a packet identifier, in each version's own form`() {
        let broker = Broker()
        let older = subscriber(broker, "a", .v311)
        let newer = subscriber(broker, "b")
        var properties = Properties()
        properties.append(.contentType, "j")
        #expect(broker.queue("a", properties: properties, to: [older, newer]) == [true, true])
        #expect(older.sendDeliveries() == [0x32, 6, 0, 1, 0x61, 0, 1, 0x78])
        #expect(newer.sendDeliveries() == [0x32, 11, 0, 1, 0x61, 0, 1, 4, 3, 0, 1, 0x6a, 0x78])
    }

    @Test func `the lower QoS of publish and subscription wins`() {
        let broker = Broker()
        let client = broker.connect("c")
        client.subscribe("a")
        #expect(broker.queue("a", to: [client]) == [false])
        #expect(broker.deliver("a", to: [client]) == [[0x30, 5, 0, 1, 0x61, 0, 0x78]])
        client.subscribe("a", options: atLeastOnce)
        #expect(broker.queue("a", qos: .atMostOnce, to: [client]) == [false])
        #expect(broker.queue("a", qos: .exactlyOnce, to: [client]) == [true])
        #expect(client.sendDeliveries() == [0x32, 7, 0, 1, 0x61, 0, 1, 0, 0x78])
    }

    @Test
    func `overlapping subscriptions give one copy, at their highest QoS, with all identifiers`() {
        let broker = Broker()
        let client = broker.connect("c")
        client.subscribe("a/#", identifier: 5)
        client.subscribe("a/+", options: atLeastOnce, identifier: 300)
        client.subscribe("+/b")
        broker.queue("a/b", to: [client])
        let bytes = client.sendDeliveries()
        let head: [UInt8] = [0x32, 14, 0, 3, 0x61, 0x2f, 0x62, 0, 1, 5]
        #expect(
            bytes == head + [0x0b, 5, 0x0b, 0xac, 2, 0x78]
                || bytes == head + [0x0b, 0xac, 2, 0x0b, 5, 0x78]
        )
        #expect(client.sendDeliveries() == [])
    }

    @Test func `a publisher's topic alias stays its own, and its expiry goes on`() {
        let broker = Broker()
        let client = subscriber(broker)
        for isFirst in [true, false] {
            var properties = Properties()
            if isFirst { properties.append(.topicAlias, 3) }
            properties.append(.messageExpiryInterval, 0x0102)
            if !isFirst { properties.append(.topicAlias, 3) }
            broker.queue("a", properties: properties, to: [client])
            broker.advance(.seconds(2))
            let bytes = client.sendDeliveries()
            let identifier: UInt8 = isFirst ? 1 : 2
            #expect(
                bytes == [0x32, 12, 0, 1, 0x61, 0, identifier, 5, 2, 0, 0, 1, 0, 0x78]
            )
        }
    }

    @Test func `no more are in flight than Receive Maximum, and a PUBACK makes room for the next`()
    {
        let broker = Broker()
        let client = subscriber(broker) { $0.properties.append(.receiveMaximum, 2) }
        for number in 1...4 { broker.queue("a", "\(number)", to: [client]) }
        #expect(client.deliveries().map(\.payload) == ["1", "2"])
        #expect(client.deliveries() == [])
        client.acknowledge(1)
        #expect(client.deliveries() == [.init(payload: "3", packetIdentifier: 3)])
        client.acknowledge(1, 9, 65_535)
        #expect(client.deliveries() == [], "identifiers that are not in flight change nothing")
        client.acknowledge(3, 2)
        #expect(client.deliveries() == [.init(payload: "4", packetIdentifier: 4)])
    }

    @Test func `our own maximum holds for those who name none`() {
        let broker = Broker { $0.deliveriesInFlightMax = 3 }
        let client = subscriber(broker, "c", .v311)
        for _ in 1...5 { broker.queue("a", to: [client]) }
        #expect(client.deliveries().count == 3)
    }

    @Test func `a PUBACK with a failure ends the exchange like any other`() {
        let broker = Broker()
        let client = subscriber(broker) { $0.properties.append(.receiveMaximum, 1) }
        broker.queue("a", to: [client])
        broker.queue("a", to: [client])
        #expect(client.deliveries().count == 1)
        client.send([0x40, 4, 0, 1, 0x80, 0])
        #expect(client.deliveries().map(\.packetIdentifier) == [2])
        #expect(client.end == nil)
    }

    @Test func `a PUBACK for identifier zero ends the connection`() {
        let client = subscriber(Broker())
        #expect(client.send([0x40, 2, 0, 0]) == [0xe0, 1, 0x82])
        #expect(subscriber(Broker()).send([0x40, 1, 0]) == [0xe0, 1, 0x81])
    }

    @Test func `what was not acknowledged comes again after a reconnect, with DUP and in order`() {
        let broker = Broker()
        let client = subscriber(broker) { $0.properties.append(.receiveMaximum, 3) }
        for number in 1...4 { broker.queue("a", "\(number)", to: [client]) }
        #expect(client.deliveries().count == 3)
        client.acknowledge(2)
        client.lose()
        let again = broker.open()
        again.connect("c", isCleanStart: false, expiry: 100)
        #expect(
            again.deliveries() == [
                .init(payload: "1", packetIdentifier: 1, isDuplicate: true),
                .init(payload: "3", packetIdentifier: 3, isDuplicate: true),
                .init(payload: "4", packetIdentifier: 4),
            ]
        )
        again.acknowledge(1, 3, 4)
        #expect(again.session.deliveries?.count == 0)
    }

    @Test func `a smaller Receive Maximum holds for what is sent again, too`() {
        let broker = Broker()
        let client = subscriber(broker, "c", .v311)
        for number in 1...3 { broker.queue("a", "\(number)", to: [client]) }
        #expect(client.deliveries().count == 3)
        client.lose()
        let again = broker.open()
        again.connect("c", isCleanStart: false) { $0.properties.append(.receiveMaximum, 1) }
        #expect(again.deliveries().map(\.payload) == ["1"])
        again.acknowledge(2)
        again.acknowledge(1)
        let next = again.deliveries()
        #expect(next == [.init(payload: "3", packetIdentifier: 3, isDuplicate: true)])
    }

    @Test func `a takeover sends again on the new connection, and the old one hears no more`() {
        let broker = Broker()
        let client = subscriber(broker)
        broker.queue("a", to: [client])
        #expect(client.deliveries().count == 1)
        let again = broker.open()
        again.connect("c", isCleanStart: false, expiry: 100)
        _ = client.takeOver()
        #expect(client.sendDeliveries() == [])
        #expect(again.deliveries() == [.init(packetIdentifier: 1, isDuplicate: true)])
    }

    @Test func `a session that ends takes its deliveries along`() {
        for isCleanStart in [true, false] {
            let broker = Broker()
            let client = subscriber(broker)
            broker.queue("a", to: [client])
            #expect(client.deliveries().count == 1)
            client.disconnect(expiry: isCleanStart ? 100 : 0)
            let again = broker.open()
            again.connect("c", isCleanStart: isCleanStart, expiry: 100)
            #expect(again.session.deliveries == nil)
            #expect(again.deliveries() == [])
            again.subscribe("a", options: atLeastOnce)
            broker.queue("a", to: [again])
            #expect(again.deliveries() == [.init(packetIdentifier: 1)])
        }
    }

    @Test func `a message whose life ends in the queue is not sent, and one in flight is`() {
        let broker = Broker()
        let client = subscriber(broker) { $0.properties.append(.receiveMaximum, 1) }
        var properties = Properties()
        properties.append(.messageExpiryInterval, 10)
        broker.queue("a", "1", properties: properties, to: [client])
        broker.queue("a", "2", properties: properties, to: [client])
        broker.queue("a", "3", to: [client])
        #expect(client.deliveries().map(\.payload) == ["1"])
        broker.advance(.seconds(10))
        client.lose()
        let again = broker.open()
        again.connect("c", isCleanStart: false, expiry: 100)
        let bytes = again.sendDeliveries()
        #expect(
            Array(bytes.prefix(14)) == [0x3a, 12, 0, 1, 0x61, 0, 1, 5, 2, 0, 0, 0, 0, 0x31]
        )
        #expect(bytes.last == 0x33)
        #expect(again.lastOutcome.expired == 1)
        #expect(again.lastOutcome.sent == 2)
        again.acknowledge(1, 3)
        #expect(again.session.deliveries?.count == 0)
    }

    @Test func `a message larger than the client takes is given up for it alone`() {
        let broker = Broker()
        let small = subscriber(broker, "s") { $0.properties.append(.maximumPacketSize, 30) }
        let large = subscriber(broker, "l")
        let long = String(repeating: "x", count: 30)
        broker.queue("a", long, to: [small, large])
        broker.queue("a", "x", to: [small, large])
        #expect(small.deliveries() == [.init(packetIdentifier: 2)])
        #expect(small.lastOutcome.tooLarge == 1)
        #expect(large.deliveries().count == 2)
        small.acknowledge(2)
        #expect(small.session.deliveries?.count == 0)
    }

    @Test func `a full output keeps the rest back, and a refused one keeps all of it`() {
        let broker = Broker()
        let client = subscriber(broker)
        for number in 1...3 { broker.queue("a", "\(number)", to: [client]) }
        #expect(client.deliveries(isRefused: true) == [])
        #expect(client.deliveries(room: 20).map(\.payload) == ["1", "2"])
        #expect(client.lastOutcome.lacksRoom)
        #expect(client.sendDeliveries(room: 3, isOutputEmpty: false) == [])
        #expect(client.deliveries(room: 3) == [.init(payload: "3", packetIdentifier: 3)])
    }

    @Test func `packet identifiers go round without zero, and none is used twice at a time`() {
        let broker = Broker { $0.deliveriesInFlightMax = 65_535 }
        let client = subscriber(broker, "c", .v311)
        var last: UInt16 = 0
        for _ in 0..<70_000 {
            broker.queue("a", to: [client])
            guard let delivery = client.deliveries().first else { break }
            last = delivery.packetIdentifier
            if last != 7 { client.acknowledge(last) }
        }
        #expect(last == 6, "the seventh, which is never acknowledged, is not used again")
        #expect(client.session.deliveries?.unacknowledgedCount == 1)
        client.acknowledge(7)
        #expect(client.deliveries().first?.packetIdentifier == 7)
    }
}
