import BrokerModel
import MQTTSessions
import MQTTWire
import Testing

/// What waits for subscribers is bounded, and goes back when it is done with.
@Suite struct DeliveryMemoryTests {
    private func subscriber(_ broker: Broker, _ identifier: Text) -> Client {
        let client = broker.open()
        client.connect(identifier, isCleanStart: false, expiry: 100)
        client.subscribe("a", options: SubscriptionOptions(qosMax: .atLeastOnce))
        return client
    }

    @Test func `a full queue drops the newest message, and counts it`() {
        let broker = Broker {
            $0.deliveriesInFlightMax = 2
            $0.deliveryQueueMax = 3
        }
        let client = subscriber(broker, "c")
        for number in 1...2 { broker.queue("a", "\(number)", to: [client]) }
        #expect(client.deliveries().count == 2)
        let taken = (3...7).map { broker.queue("a", "\($0)", to: [client])[0] }
        #expect(taken == [true, true, true, false, false])
        #expect(client.session.deliveries?.takeDropped() == 2)
        #expect(client.session.deliveries?.takeDropped() == 0)
        client.acknowledge(1, 2)
        #expect(client.deliveries().map(\.payload) == ["3", "4"])
    }

    @Test func `a client's bytes are bounded, and a single message passes whatever it weighs`() {
        let broker = Broker { $0.deliveryBytesMax = 10_000 }
        let client = subscriber(broker, "c")
        let large = String(repeating: "x", count: 20_000)
        #expect(broker.queue("a", large, to: [client]) == [true])
        #expect(broker.queue("a", to: [client]) == [false])
        #expect(client.deliveries().count == 1)
        client.acknowledge(1)
        #expect(broker.queue("a", to: [client]) == [true])
    }

    @Test func `a message is kept once for all who wait for it`() {
        let broker = Broker(deliveries: .mebibytes(4))
        let clients = (0..<50).map { subscriber(broker, Text("c\($0)")) }
        let large = String(repeating: "x", count: 1 << 20)
        let taken = broker.queue("a", large, to: clients)
        #expect(taken.allSatisfy { $0 })
        #expect(broker.deliveries.used < .mebibytes(2))
        for client in clients { #expect(client.deliveries().first?.payload.bytes.count == 1 << 20) }
        for client in clients { client.acknowledge(1) }
        #expect(broker.deliveries.used < .kibibytes(512))
    }

    @Test func `those who never acknowledge leave room to the others`() {
        let broker = Broker(deliveries: .mebibytes(1)) { $0.deliveryBytesMax = 1 << 30 }
        let stuck = (0..<3).map { subscriber(broker, Text("s\($0)")) }
        let other = broker.connect("other")
        other.subscribe("b", options: SubscriptionOptions(qosMax: .atLeastOnce))
        let payload = String(repeating: "x", count: 500)
        for index in 0..<3 {
            // Each with topics of its own, so that none shares what the others keep.
            stuck[index].subscribe(
                Text("own/\(index)"),
                options: SubscriptionOptions(qosMax: .atLeastOnce)
            )
            while broker.queue("own/\(index)", payload, to: stuck)[index] {}
        }
        for number in 1...UInt16(2_000) {
            #expect(broker.queue("b", payload, to: [other]) == [true])
            #expect(other.deliveries().count == 1)
            other.acknowledge(number)
        }
        #expect(broker.deliveries.used <= broker.deliveries.capacity)
    }

    @Test
    func `a message that waits for the disk is shared by those who get it, and goes on ageing`()
        throws
    {
        let broker = Broker(deliveries: .kibibytes(256))
        let clients = (0..<3).map { subscriber(broker, Text("c\($0)")) }
        var properties = Properties()
        properties.append(.messageExpiryInterval, 10)
        let held = try #require(broker.hold("a", properties: properties))
        broker.advance(.seconds(9))
        let before = broker.deliveries.used
        #expect(broker.release(held, to: clients) == [true, true, true])
        #expect(broker.deliveries.used == before, "no second copy")
        #expect(clients[0].deliveries().count == 1)
        broker.advance(.seconds(1))
        #expect(clients[1].deliveries().isEmpty)
        #expect(clients[1].lastOutcome.expired == 1)
        while broker.hold("a", properties: properties) != nil {}
        #expect(broker.deliveries.used <= broker.deliveries.capacity)
    }

    @Test
    func
        `no local holds for the publisher of a held message, and for no later owner of its handle`()
        throws
    {
        let broker = Broker()
        let options = SubscriptionOptions(qosMax: .atLeastOnce, isNoLocal: true)
        let publisher = broker.connect("p")
        publisher.subscribe("a", options: options)
        let first = try #require(broker.hold("a", from: publisher))
        let second = try #require(broker.hold("a", from: publisher))
        #expect(broker.release(first, to: [publisher]) == [false])
        publisher.lose()
        let other = broker.connect("other")
        #expect(other.session.handle == publisher.session.handle)
        other.subscribe("a", options: options)
        #expect(broker.release(second, to: [other]) == [true])
    }

    @Test func `everything goes back to the pool with the last session`() {
        let deliveries: MemoryPool
        do {
            let broker = Broker()
            deliveries = broker.deliveries
            let client = subscriber(broker, "c")
            for size in [0, 10, 1_000, 1_100, 5_000, 70_000, 300_000] {
                broker.queue("a", String(repeating: "x", count: size), to: [client])
            }
            #expect(client.deliveries().count == 7)
            client.acknowledge(1, 4, 6)
            #expect(deliveries.used > .zero)
        }
        #expect(deliveries.used == .zero)
    }
}
