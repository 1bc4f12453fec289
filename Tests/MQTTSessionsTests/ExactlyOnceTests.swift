import BrokerModel
import MQTTSessions
import MQTTWire
import Testing

private func pubrec(_ identifiers: UInt8...) -> [UInt8] {
    identifiers.flatMap { [0x50, 2, 0, $0] }
}
private func pubcomp(_ identifiers: UInt8...) -> [UInt8] {
    identifiers.flatMap { [0x70, 2, 0, $0] }
}

/// QoS 2 from a client, byte by byte.
@Suite struct ExactlyOnceTests {
    /// A client whose session outlives its connection.
    private func durable(_ broker: Broker = Broker()) -> Client {
        broker.connect("c", isCleanStart: false, expiry: 1_000)
    }

    private func publish(_ client: Client, _ identifier: UInt16, again: Bool = false) -> [UInt8] {
        client.publish(
            "a",
            qos: .exactlyOnce,
            packetIdentifier: identifier,
            isDuplicate: again
        )
    }

    @Test func `PUBREC follows the disk, and PUBCOMP the release's own record`() {
        let client = durable()
        #expect(publish(client, 7) == [])
        #expect(client.stored(0) == pubrec(7))
        #expect(client.release(7) == [])
        #expect(client.releases.map(\.identifier) == [7])
        #expect(client.releases.map(\.receipt) == [1])
        #expect(client.released(0) == pubcomp(7))
    }

    @Test func `a session that ends with its connection needs no record of a release`() {
        let client = Broker().connect("c")
        _ = publish(client, 7)
        #expect(client.stored(0) == pubrec(7))
        #expect(client.release(7) == pubcomp(7))
        #expect(client.releases.isEmpty)
    }

    @Test func `a repeated PUBLISH is acknowledged twice and stored once`() {
        let client = durable()
        _ = publish(client, 7)
        #expect(publish(client, 7, again: true) == [], "its append is under way")
        #expect(client.stored(0) == pubrec(7))
        #expect(publish(client, 7, again: true) == pubrec(7))
        #expect(publish(client, 7) == pubrec(7), "on one connection even without DUP (4.3.3)")
        #expect(client.publishes.count == 1)
    }

    @Test func `who repeats without end is not read while the disk works`() {
        let client = durable(Broker { $0.inFlightMax = 4 })
        _ = publish(client, 1)
        #expect(client.stored(0) == pubrec(1))
        _ = publish(client, 2)
        for _ in 0..<100 { #expect(publish(client, 1, again: true) == []) }
        #expect(!client.mayRead && client.inFlightCount == 8)
        #expect(client.stored(1).count == 8 * pubrec(1).count)
        #expect(client.mayRead)
    }

    @Test func `a repeated PUBREC waits for its turn`() {
        let client = durable()
        _ = publish(client, 1)
        #expect(client.stored(0) == pubrec(1))
        _ = publish(client, 2)
        #expect(publish(client, 1, again: true) == [], "2 came first (4.6)")
        #expect(client.stored(1) == pubrec(2, 1))
    }

    @Test func `PUBACK and PUBREC leave in the order of their publishes`() {
        let client = durable()
        _ = publish(client, 1)
        client.publish("a", qos: .atLeastOnce, packetIdentifier: 2)
        _ = publish(client, 3)
        #expect(client.stored(2) == [])
        #expect(client.stored(1) == [])
        #expect(client.stored(0) == pubrec(1) + [0x40, 2, 0, 2] + pubrec(3))
    }

    @Test func `an identifier that is free again names a new message`() {
        let client = durable()
        for place in 0..<3 {
            _ = publish(client, 1)
            #expect(client.stored(place) == pubrec(1))
            _ = client.release(1)
            #expect(client.released(place) == pubcomp(1))
        }
        #expect(client.publishes.count == 3)
        #expect(client.releases.map(\.receipt) == [1, 2, 3])
    }

    @Test func `a release that nobody waits for is answered with 0x92 in 5`() {
        #expect(durable().release(9) == [0x70, 3, 0, 9, 0x92])
        #expect(Broker().connect("d", .v311).release(9) == pubcomp(9))
    }

    @Test func `a repeated PUBREL is written down once and answered once`() {
        let client = durable()
        _ = publish(client, 1)
        _ = client.stored(0)
        _ = client.release(1)
        #expect(client.release(1) == [])
        #expect(client.releases.count == 1)
        #expect(client.released(0) == pubcomp(1))
        #expect(client.release(1) == [0x70, 3, 0, 1, 0x92], "our PUBCOMP was lost")
    }

    @Test func `a PUBREL before PUBREC changes nothing`() {
        let client = durable()
        _ = publish(client, 1)
        #expect(client.release(1) == [])
        #expect(client.stored(0) == pubrec(1))
        _ = client.release(1)
        #expect(client.released(0) == pubcomp(1))
    }

    @Test func `an identifier used again before PUBCOMP ends the connection`() {
        let client = durable()
        _ = publish(client, 1)
        _ = client.stored(0)
        _ = client.release(1)
        #expect(publish(client, 1) == [0xe0, 1, 0x82])
        #expect(client.end == .refused(.protocolError))
    }

    @Test func `receipts belong to the session: the next connection gets PUBREC again`() {
        let broker = Broker()
        let first = durable(broker)
        _ = publish(first, 1)
        _ = first.stored(0)
        first.lose()
        let second = durable(broker)
        #expect(publish(second, 1, again: true) == pubrec(1))
        #expect(second.publishes.isEmpty)
        _ = second.release(1)
        #expect(second.released(0) == pubcomp(1))
    }

    @Test func `without DUP, what another connection published is another message`() {
        let broker = Broker()
        let first = durable(broker)
        _ = publish(first, 1)
        _ = first.stored(0)
        first.lose()
        let second = durable(broker)
        #expect(publish(second, 1) == [])
        #expect(second.publishes.count == 1)
        #expect(second.stored(0) == pubrec(1))
        _ = second.release(1)
        #expect(second.releases.map(\.receipt) == [2])
    }

    @Test func `what was on its way when a connection ended counts for the next one`() {
        let broker = Broker()
        let first = durable(broker)
        _ = publish(first, 1)
        _ = publish(first, 2)
        let second = broker.open()
        second.holdsConnack = true
        second.connect("c", isCleanStart: false, expiry: 1_000)
        _ = first.takeOver()
        #expect(first.stored(0) == [])
        first.storingFailed(1)
        _ = second.sendConnack()
        #expect(publish(second, 1, again: true) == pubrec(1))
        #expect(publish(second, 2, again: true) == [], "it never reached the log: a new message")
        #expect(second.publishes.count == 1)
    }

    @Test func `a clean start forgets receipts`() {
        let broker = Broker()
        let first = durable(broker)
        _ = publish(first, 1)
        _ = first.stored(0)
        first.lose()
        let second = broker.connect("c", isCleanStart: true, expiry: 1_000)
        #expect(second.release(1) == [0x70, 3, 0, 1, 0x92])
        #expect(publish(second, 1, again: true) == [])
        #expect(second.publishes.count == 1)
    }

    @Test func `Receive Maximum counts both qualities, until PUBACK and PUBCOMP`() {
        let broker = Broker { $0.inFlightMax = 2 }
        let client = durable(broker)
        _ = publish(client, 1)
        _ = client.stored(0)
        client.publish("a", qos: .atLeastOnce, packetIdentifier: 2)
        _ = client.stored(1)
        _ = publish(client, 3)
        _ = client.stored(2)
        _ = client.release(1)
        _ = client.released(0)
        client.publish("a", qos: .atLeastOnce, packetIdentifier: 4)
        #expect(publish(client, 5) == [0xe0, 1, 0x93])
        let later = durable(broker)
        for identifier in UInt16(6)...7 { #expect(publish(later, identifier) == []) }
        #expect(later.end == nil, "each connection begins with the whole of it (4.9)")
    }

    @Test func `3.1.1 may leave as many unreleased as there are identifiers`() {
        let broker = Broker { $0.inFlightMax = 64 }
        let client = broker.connect("c", .v311, isCleanStart: false)
        var place = 0
        for identifier in UInt16(1)...65_535 {
            client.publish("a", qos: .exactlyOnce, packetIdentifier: identifier)
            _ = client.stored(place)
            place += 1
        }
        #expect(client.publishes.count == 65_535)
        // Backwards, so that every removal meets full neighbours.
        let used = broker.memory.used
        for (place, identifier) in (UInt16(1)...65_535).reversed().enumerated() {
            client.release(identifier)
            _ = client.released(place)
        }
        #expect(client.releases.map(\.receipt) == (UInt64(1)...65_535).reversed())
        #expect(client.publish("a", qos: .exactlyOnce, packetIdentifier: 1) == [])
        #expect(broker.memory.used == used)
    }

    @Test func `a full pool refuses the client with 0x97`() {
        let broker = Broker(memory: .kibibytes(2))
        let client = durable(broker)
        var answer: [UInt8] = []
        for identifier in UInt16(1)...500 where client.end == nil {
            answer = publish(client, identifier)
        }
        #expect(answer == [0xe0, 1, 0x97])
        #expect(client.end == .refused(.quotaExceeded))
        #expect(broker.memory.used <= .kibibytes(2))
    }

    @Test func `memory is given back with the session`() {
        let broker = Broker()
        do {
            let client = broker.connect("c")
            for identifier in UInt16(1)...500 { _ = publish(client, identifier) }
            client.lose()
        }
        #expect(broker.memory.used == .zero)
    }
}
