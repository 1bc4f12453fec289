import BrokerModel
import MQTTSessions
import MQTTWire
import Testing

@Suite struct SessionEndTests {
    @Test func `PINGREQ is answered`() {
        #expect(Broker().connect("c").send([0xc0, 0]) == [0xd0, 0])
    }

    @Test func `silence of one and a half keep alives ends the connection`() {
        let broker = Broker()
        let client = broker.connect("c", keepAlive: 10)
        broker.advance(.milliseconds(14_999))
        #expect(client.checkDeadline() == [])
        client.send([0xc0, 0])
        broker.advance(.milliseconds(14_999))
        #expect(client.checkDeadline() == [])
        broker.advance(.milliseconds(1))
        #expect(client.checkDeadline() == [0xe0, 1, 0x8d])
        #expect(client.end == .keepAliveTimeout)
    }

    @Test func `a keep alive of zero allows silence for ever`() {
        let client = Broker().connect("c", keepAlive: 0)
        #expect(client.deadline == nil)
    }

    @Test func `time that we did not read is not the client's silence`() {
        let broker = Broker()
        let client = broker.connect("c", keepAlive: 10)
        broker.advance(.seconds(100))
        client.session.readingResumed(now: broker.now)
        #expect(client.checkDeadline() == [])
        #expect(client.deadline == broker.now + .seconds(15))
    }

    @Test func `a connection without CONNECT ends after the time for it`() {
        let broker = Broker()
        let client = broker.open()
        broker.advance(.seconds(10))
        #expect(client.checkDeadline() == [])
        #expect(client.end == .connectTimeout)
    }

    @Test func `a will is published when the connection is lost`() {
        let broker = Broker()
        let client = broker.connect("c", .v311, will: Will(topic: "gone", payload: [1]))
        client.lose()
        #expect(broker.takeWills() == ["gone"])
        #expect(broker.takeWills() == [])
    }

    @Test func `a will is published after a protocol error, a timeout and DISCONNECT 0x04`() {
        let broker = Broker()
        let will = Will(topic: "gone", payload: [])
        broker.connect("a", will: will).publish("t", isRetained: true)
        #expect(broker.takeWills() == ["gone"])
        let silent = broker.connect("b", keepAlive: 1, will: will)
        broker.advance(.seconds(2))
        _ = silent.checkDeadline()
        #expect(broker.takeWills() == ["gone"])
        broker.connect("c", will: will).disconnect(.disconnectWithWill)
        #expect(broker.takeWills() == ["gone"])
    }

    @Test func `a will is forgotten after a proper DISCONNECT`() {
        let broker = Broker()
        for version in [ProtocolVersion.v311, .v5] {
            let client = broker.connect("c", version, will: Will(topic: "gone", payload: []))
            client.disconnect()
            #expect(client.end == .clientDisconnected(.success))
            #expect(broker.takeWills() == [])
        }
    }

    @Test func `a delayed will waits, and coming back in time cancels it`() {
        let broker = Broker()
        let will = Will(topic: "gone", payload: [], delay: 30)
        broker.connect("c", expiry: 100, will: will).lose()
        #expect(broker.takeWills() == [])
        #expect(broker.nextDeadline == broker.now + .seconds(30))
        broker.advance(.seconds(29))
        #expect(broker.sweep() == [])
        let back = broker.connect("c", isCleanStart: false, expiry: 100, will: will)
        broker.advance(.seconds(2))
        #expect(broker.sweep() == [])
        back.lose()
        broker.advance(.seconds(30))
        #expect(broker.sweep() == ["gone"])
        #expect(broker.sweep() == [])
    }

    @Test func `a delayed will comes no later than the end of its session`() {
        let broker = Broker()
        let will = Will(topic: "gone", payload: [], delay: 30)
        broker.connect("a", will: will).lose()
        #expect(broker.takeWills() == ["gone"])
        broker.connect("b", expiry: 10, will: will).lose()
        broker.advance(.seconds(10))
        #expect(broker.sweep() == ["gone"])
        broker.connect("c", expiry: 100, will: will).lose()
        _ = broker.connect("c", isCleanStart: true)
        #expect(broker.takeWills() == ["gone"])
    }

    @Test func `DISCONNECT may shorten the session but not bring it to life`() {
        let broker = Broker()
        broker.connect("a", expiry: 100).disconnect(expiry: 0)
        #expect(broker.sessionCount == 0)
        broker.connect("a", expiry: 10).disconnect(expiry: 100)
        #expect(broker.nextDeadline == broker.now + .seconds(100))
        let wrong = broker.connect("b")
        wrong.disconnect(expiry: 5)
        #expect(wrong.end == .refused(.protocolError))
    }

    @Test func `AUTH is a protocol error in 5 and no packet at all in 3.1.1`() {
        #expect(Broker().connect("c").send([0xf0, 0]) == [0xe0, 1, 0x82])
        let older = Broker().connect("c", .v311)
        older.send([0xf0, 0])
        #expect(older.end == .malformed(.reservedPacketType))
    }

    @Test func `packets that only servers send are a protocol error`() {
        for packet: [UInt8] in [[0x20, 3, 0, 0, 0], [0x90, 4, 0, 1, 0, 0], [0xd0, 0]] {
            #expect(Broker().connect("c").send(packet) == [0xe0, 1, 0x82])
        }
    }

    @Test func `an exchange that we do not know is answered so that it can end`() {
        let client = Broker().connect("c")
        #expect(client.send([0x62, 2, 0, 5]) == [0x70, 3, 0, 5, 0x92])
        #expect(client.send([0x50, 2, 0, 5]) == [0x62, 3, 0, 5, 0x92])
        #expect(client.send([0x40, 2, 0, 5]) == [])
        #expect(client.send([0x70, 2, 0, 5]) == [])
        #expect(Broker().connect("d", .v311).send([0x62, 2, 0, 5]) == [0x70, 2, 0, 5])
    }

    @Test func `a server that stops says so to 5`() {
        let client = Broker().connect("c")
        #expect(client.stopServer() == [0xe0, 1, 0x8b])
        #expect(!client.isConnected)
        client.lose()
        #expect(client.end == .serverShuttingDown)
    }
}
