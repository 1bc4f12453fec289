import BrokerModel
import MQTTSessions
import MQTTWire
import Testing

@Suite struct SessionDirectoryTests {
    @Test func `a session of 3.1.1 that is not clean is there when its client comes back`() {
        let broker = Broker()
        let first = broker.open()
        #expect(first.connect("c", .v311, isCleanStart: false)?.isSessionPresent == false)
        first.subscribe("a")
        first.disconnect()
        let second = broker.open()
        #expect(second.connect("c", .v311, isCleanStart: false)?.isSessionPresent == true)
        #expect(broker.deliver("a", to: [second]) == [[0x30, 4, 0, 1, 0x61, 0x78]])
    }

    @Test func `a clean session is gone with its connection`() {
        let broker = Broker()
        let client = broker.connect("c", .v311)
        client.subscribe("a")
        client.disconnect()
        #expect(broker.sessionCount == 0)
        #expect(broker.subscriptions.isEmpty)
        #expect(broker.subscriptions.nodeCount == 1)
        #expect(broker.memory.used == .zero)
    }

    @Test func `clean start forgets what was there`() {
        let broker = Broker()
        let first = broker.connect("c", expiry: 100)
        first.subscribe("a", "b/+")
        first.disconnect()
        #expect(broker.subscriptions.count == 2)
        let second = broker.open()
        #expect(second.connect("c", isCleanStart: true)?.isSessionPresent == false)
        #expect(broker.subscriptions.isEmpty)
    }

    @Test func `a session expires after its interval, and no sooner`() {
        let broker = Broker()
        broker.connect("c", expiry: 10).disconnect()
        broker.advance(.milliseconds(9_999))
        _ = broker.sweep()
        #expect(broker.sessionCount == 1)
        broker.advance(.milliseconds(1))
        _ = broker.sweep()
        #expect(broker.sessionCount == 0)
    }

    @Test func `a session that expired is not resumed, swept or not`() {
        let broker = Broker()
        let first = broker.connect("c", expiry: 10)
        first.subscribe("a")
        first.disconnect()
        broker.advance(.seconds(10))
        let second = broker.open()
        #expect(second.connect("c", isCleanStart: false)?.isSessionPresent == false)
        #expect(broker.subscriptions.isEmpty)
    }

    @Test func `an interval of 0xFFFFFFFF never ends unless the server says less`() {
        let endless = Broker { $0.sessionExpiryMax = .max }
        endless.connect("c", expiry: .max).disconnect()
        #expect(endless.nextDeadline == nil)
        #expect(endless.sessionCount == 1)
        let bounded = Broker { $0.sessionExpiryMax = 60 }
        let client = bounded.open()
        let connack = client.connect("c", expiry: .max)
        #expect(connack?.properties.integer(.sessionExpiryInterval) == 60)
        client.disconnect()
        #expect(bounded.nextDeadline == bounded.now + .seconds(60))
    }

    @Test func `a connected session does not expire`() {
        let broker = Broker()
        let client = broker.connect("c", keepAlive: 0, expiry: 1)
        broker.advance(.seconds(1_000))
        _ = broker.sweep()
        #expect(client.isConnected)
        #expect(broker.sessionCount == 1)
    }

    @Test func `a second connection with the same identifier takes the session over`() {
        let broker = Broker()
        let first = broker.connect("c", expiry: 100)
        first.subscribe("a")
        let second = broker.open()
        let connack = second.connect("c", isCleanStart: false, expiry: 100)
        #expect(connack?.isSessionPresent == true)
        #expect(second.replaced == 1)
        #expect(first.takeOver() == [0xe0, 1, 0x8e])
        #expect(first.end == .takenOver)
        #expect(broker.sessionCount == 1)
        #expect(broker.deliver("a", to: [second]).first != [UInt8]?.none)
    }

    @Test func `3.1.1 is taken over without a word`() {
        let broker = Broker()
        let first = broker.connect("c", .v311)
        _ = broker.connect("c", .v311)
        #expect(first.takeOver() == [])
        #expect(broker.sessionCount == 1)
    }

    @Test func `taking over publishes the old will unless it is delayed and the session goes on`() {
        let broker = Broker()
        let prompt = Will(topic: "prompt", payload: [])
        let delayed = Will(topic: "delayed", payload: [], delay: 10)
        _ = broker.connect("a", expiry: 100, will: prompt)
        _ = broker.connect("a", isCleanStart: false, expiry: 100)
        #expect(broker.takeWills() == ["prompt"])
        _ = broker.connect("b", expiry: 100, will: delayed)
        _ = broker.connect("b", isCleanStart: false, expiry: 100, will: delayed)
        #expect(broker.takeWills() == [])
        _ = broker.connect("b", isCleanStart: true, expiry: 100)
        #expect(broker.takeWills() == ["delayed"])
    }

    @Test func `what a connection taken over still asks for changes nothing`() {
        let broker = Broker()
        let first = broker.connect("c", expiry: 100)
        _ = broker.connect("c", isCleanStart: false, expiry: 100)
        #expect(first.subscribe("a") == [])
        #expect(first.end == .takenOver)
        #expect(broker.subscriptions.isEmpty)
    }

    @Test func `identifiers that only look alike are two clients`() {
        let broker = Broker()
        _ = broker.connect("caf\u{e9}")
        _ = broker.connect("cafe\u{301}")
        #expect(broker.sessionCount == 2)
    }
}
