import BrokerModel
import MQTTSessions
import MQTTWire
import Testing

@Suite struct ConnectTests {
    @Test func `a packet before CONNECT closes the connection without a word`() {
        let client = Broker().open()
        #expect(client.send([0xc0, 0]) == [])
        #expect(client.end == .refused(.protocolError))
    }

    @Test func `bytes that are not MQTT close the connection without a word`() {
        let client = Broker().open()
        #expect(client.send(Array("GET / HTTP/1.1\r\n\r\n".utf8)) == [])
        #expect(client.end == .malformed(.reservedFlags(.puback)))
    }

    @Test func `CONNECT of 3.1.1 is accepted with the plain CONNACK`() {
        let client = Broker().open()
        let connack = client.connect("c", .v311)
        #expect(connack == ConnackPacket())
        #expect(client.isConnected)
    }

    @Test func `CONNACK of 5 tells what the server offers`() {
        let client = Broker().open()
        let properties = client.connect("c")?.properties
        #expect(properties?.integer(.receiveMaximum) == 1024)
        #expect(properties?.has(.maximumQoS) == false, "without it QoS 2 is allowed")
        #expect(properties?.integer(.retainAvailable) == 0)
        #expect(properties?.integer(.maximumPacketSize) == 1 << 20)
        #expect(properties?.integer(.topicAliasMaximum) == 16)
        #expect(properties?.integer(.sharedSubscriptionAvailable) == 0)
        #expect(properties?.has(.assignedClientIdentifier) == false)
        #expect(properties?.has(.serverKeepAlive) == false)
        #expect(properties?.has(.sessionExpiryInterval) == false)
    }

    @Test func `a second CONNECT is a protocol error`() {
        let newer = Broker().connect("c")
        let again = ConnectPacket(version: .v5, clientIdentifier: "c")
        #expect(newer.send { again.write(to: &$0) } == [0xe0, 1, 0x82])
        #expect(newer.end == .refused(.protocolError))
        let older = Broker().connect("c", .v311)
        #expect(older.send { again.write(to: &$0) } == [])
        #expect(older.end == .refused(.protocolError))
    }

    @Test func `unknown versions are refused in words that they understand`() {
        let broker = Broker()
        let old = broker.open()
        let name: [UInt8] = [0x10, 14, 0, 6] + Array("MQIsdp".utf8) + [3, 2, 0, 60, 0, 0]
        #expect(old.send(name) == [0x20, 2, 0, 1])
        #expect(old.end == .malformed(.unsupportedProtocolLevel(3)))
        let head: [UInt8] = [0x10, 12, 0, 4] + Array("MQTT".utf8)
        #expect(broker.open().send(head + [6, 2, 0, 60, 0, 0]) == [0x20, 3, 0, 0x84, 0])
        // A mosquitto bridge tries this level first and falls back when it is refused so.
        #expect(broker.open().send(head + [0x84, 2, 0, 60, 0, 0]) == [0x20, 2, 0, 1])
    }

    @Test func `a malformed CONNECT is answered in 5 and not in 3.1.1`() {
        let head: [UInt8] = [0x10, 13, 0, 4] + Array("MQTT".utf8)
        let newer = Broker().open()
        #expect(newer.send(head + [5, 3, 0, 60, 0, 0, 0]) == [0x20, 3, 0, 0x81, 0])
        #expect(newer.end == .malformed(.reservedConnectFlags))
        let older = Broker().open()
        #expect(older.send(head + [4, 3, 0, 60, 0, 0, 0]) == [])
    }

    @Test func `an empty identifier needs a clean session in 3.1.1 and is assigned in 5`() {
        let broker = Broker()
        let refused = broker.open()
        #expect(
            refused.connect("", .v311, isCleanStart: false)?.reasonCode
                == .clientIdentifierNotValid
        )
        #expect(refused.end == .refused(.clientIdentifierNotValid))
        #expect(broker.open().connect("", .v311)?.reasonCode == .success)
        let first = broker.open().connect("")?.properties.text(.assignedClientIdentifier)
        let second = broker.open().connect("")?.properties.text(.assignedClientIdentifier)
        #expect(first?.isEmpty == false)
        #expect(second?.isEmpty == false)
        #expect(first != second)
    }

    @Test func `an identifier too long or with control characters is refused`() {
        let broker = Broker { $0.clientIdentifierBytesMax = 10 }
        #expect(broker.open().connect("0123456789")?.reasonCode == .success)
        for wrong: Text in ["0123456789x", "a\nb", "a\u{7f}", "a\u{85}"] {
            #expect(broker.open().connect(wrong)?.reasonCode == .clientIdentifierNotValid)
            #expect(broker.open().connect(wrong, .v311)?.reasonCode == .clientIdentifierNotValid)
        }
    }

    @Test func `an authentication method is refused`() {
        let client = Broker().open()
        let connack = client.connect("c") { $0.properties.append(.authenticationMethod, "SCRAM") }
        #expect(connack?.reasonCode == .badAuthenticationMethod)
        #expect(client.end == .refused(.badAuthenticationMethod))
    }

    @Test func `a user name and password are not looked at`() {
        let connack = Broker().open().connect("c") {
            $0.userName = "anybody"
            $0.password = [1]
        }
        #expect(connack?.reasonCode == .success)
    }

    @Test func `a will with retain is refused in 5 and taken in 3.1.1`() {
        let broker = Broker()
        let qos2 = Will(topic: "w", payload: [], qos: .exactlyOnce)
        #expect(broker.open().connect("c", will: qos2)?.reasonCode == .success)
        let retained = Will(topic: "w", payload: [], isRetained: true)
        #expect(broker.open().connect("a", will: retained)?.reasonCode == .retainNotSupported)
        #expect(broker.open().connect("b", .v311, will: retained)?.reasonCode == .success)
    }

    @Test func `a keep alive over the cap is replaced, and 5 is told`() {
        let broker = Broker { $0.keepAliveMax = 30 }
        let client = broker.open()
        let connack = client.connect("c", keepAlive: 100)
        #expect(connack?.properties.integer(.serverKeepAlive) == 30)
        #expect(client.deadline == broker.now + .seconds(45))
        let none = broker.open().connect("d", keepAlive: 0)
        #expect(none?.properties.integer(.serverKeepAlive) == 30)
        let less = broker.open().connect("e", keepAlive: 29)
        #expect(less?.properties.has(.serverKeepAlive) == false)
    }

    @Test func `packets behind CONNECT wait until CONNACK is sent`() {
        let client = Broker().open()
        client.holdsConnack = true
        let connect = ConnectPacket(version: .v311, clientIdentifier: "c")
        #expect(client.send { connect.write(to: &$0) } == [])
        #expect(!client.mayRead)
        #expect(client.deadline == nil)
        #expect(client.send([0xc0, 0]) == [])
        #expect(client.sendConnack() == [0x20, 2, 0, 0])
        #expect(client.send([0xc0, 0]) == [0xd0, 0])
    }

    @Test func `the number of sessions is bounded, and stored ones that expired make room`() {
        let broker = Broker { $0.sessionsMax = 2 }
        broker.connect("a", expiry: 10).disconnect()
        _ = broker.connect("b")
        #expect(broker.open().connect("c")?.reasonCode == .quotaExceeded)
        #expect(broker.open().connect("c", .v311)?.reasonCode == .serverUnavailable)
        #expect(broker.open().connect("b")?.reasonCode == .success)
        broker.advance(.seconds(10))
        #expect(broker.open().connect("c")?.reasonCode == .success)
        #expect(broker.sessionCount == 2)
    }

    @Test func `a full memory pool refuses clients, and is empty when all have gone`() {
        let broker = Broker(memory: .kibibytes(64))
        var clients: [Client] = []
        var refusal: ReasonCode?
        let will = Will(topic: "w", payload: [UInt8](repeating: 0, count: 8_000))
        while refusal == nil, clients.count < 100 {
            let client = broker.open()
            clients.append(client)
            let reason = client.connect(Text("c\(clients.count)"), will: will)?.reasonCode
            if reason != .success { refusal = reason }
        }
        #expect(refusal == .quotaExceeded)
        #expect(clients.count == 8)
        for client in clients where client.end == nil { client.disconnect() }
        #expect(broker.memory.used == .zero)
        #expect(broker.sessionCount == 0)
    }
}
