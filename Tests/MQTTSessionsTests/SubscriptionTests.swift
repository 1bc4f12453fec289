import BrokerModel
import MQTTSessions
import MQTTWire
import Testing

@Suite struct SubscriptionTests {
    @Test(arguments: [ProtocolVersion.v311, .v5])
    func `a filter is granted the QoS that it asks for, and 1 for 2`(version: ProtocolVersion) {
        let client = Broker().connect("c", version)
        for (wanted, granted) in [
            (QualityOfService.atMostOnce, ReasonCode.success), (.atLeastOnce, .grantedQoS1),
            (.exactlyOnce, .grantedQoS1), (.atMostOnce, .success),
        ] {
            let options = SubscriptionOptions(qosMax: wanted)
            #expect(client.subscribe("a", "+/b", options: options) == [granted, granted])
        }
    }

    @Test func `a bad filter fails alone, with its own code in 5 and 0x80 in 3.1.1`() {
        let newer = Broker().connect("c")
        #expect(
            newer.subscribe("a", "b#", "") == [.success, .topicFilterInvalid, .topicFilterInvalid]
        )
        let older = Broker().connect("c", .v311)
        #expect(older.subscribe("a", "b#") == [.success, .unspecifiedError])
        #expect(older.isConnected)
    }

    @Test func `a shared subscription is refused`() {
        let newer = Broker().connect("c")
        #expect(newer.subscribe("$share/g/a") == [.sharedSubscriptionsNotSupported])
        #expect(Broker().connect("c", .v311).subscribe("$share/g/a") == [.unspecifiedError])
        #expect(newer.subscribe("$share/g/a", options: .init(isNoLocal: true)) == [])
        #expect(newer.end == .refused(.protocolError))
    }

    @Test func `subscriptions are bounded in number and memory`() {
        let few = Broker { $0.subscriptionsPerSessionMax = 2 }.connect("c")
        #expect(
            few.subscribe("a", "b", "a", "c") == [.success, .success, .success, .quotaExceeded]
        )
        let broker = Broker(memory: .kibibytes(4))
        let client = broker.connect("c")
        var granted = 0
        while client.subscribe(Text("t/\(granted)")) == [.success], granted < 100 { granted += 1 }
        #expect(granted > 2 && granted < 20)
        #expect(client.unsubscribe("t/0") == [.success])
        #expect(client.subscribe("t/x") == [.success])
    }

    @Test func `what a session's filters take together is bounded, and given back`() {
        let client = Broker { $0.filterBytesPerSessionMax = 10 }.connect("c")
        #expect(client.subscribe("aaaa", "bbbb", "ccc") == [.success, .success, .quotaExceeded])
        #expect(client.subscribe("aaaa") == [.success], "no filter more")
        #expect(client.unsubscribe("bbbb") == [.success])
        #expect(client.subscribe("cccccc", "d") == [.success, .quotaExceeded])
    }

    @Test func `UNSUBSCRIBE says which subscription was there`() {
        let broker = Broker()
        let client = broker.connect("c")
        client.subscribe("a")
        #expect(
            client.unsubscribe("a", "b", "c#")
                == [.success, .noSubscriptionExisted, .topicFilterInvalid]
        )
        #expect(broker.deliver("a", to: [client]) == [nil])
        let older = broker.connect("d", .v311)
        #expect(older.send([0xa2, 5, 0, 9, 0, 1, 0x61]) == [0xb0, 2, 0, 9])
    }

    @Test func `a message goes to each subscriber in its own version`() {
        let broker = Broker()
        let older = broker.connect("a", .v311)
        let newer = broker.connect("b")
        let other = broker.connect("c")
        older.subscribe("t/#")
        newer.subscribe("t/+")
        other.subscribe("u")
        var properties = Properties()
        properties.append(.contentType, "j")
        let copies = broker.deliver("t/1", "x", properties: properties, to: [older, newer, other])
        #expect(copies[0] == [0x30, 6, 0, 3, 0x74, 0x2f, 0x31, 0x78])
        #expect(
            copies[1]
                == [0x30, 11, 0, 3, 0x74, 0x2f, 0x31, 4, 0x03, 0, 1, 0x6a, 0x78]
        )
        #expect(copies[2] == nil)
    }

    @Test func `overlapping subscriptions give one copy with all identifiers`() {
        let broker = Broker()
        let client = broker.connect("c")
        client.subscribe("a/#", identifier: 5)
        client.subscribe("a/+", identifier: 6)
        client.subscribe("+/b")
        let copy = broker.deliver("a/b", to: [client]).first
        #expect(
            copy == [0x30, 11, 0, 3, 0x61, 0x2f, 0x62, 4, 0x0b, 6, 0x0b, 5, 0x78]
                || copy == [0x30, 11, 0, 3, 0x61, 0x2f, 0x62, 4, 0x0b, 5, 0x0b, 6, 0x78]
        )
    }

    @Test func `the same filter again replaces the subscription`() {
        let broker = Broker()
        let client = broker.connect("c")
        client.subscribe("a", identifier: 5)
        client.subscribe("a", identifier: 9)
        #expect(broker.subscriptions.count == 1)
        #expect(
            broker.deliver("a", to: [client]) == [[0x30, 7, 0, 1, 0x61, 2, 0x0b, 9, 0x78]]
        )
    }

    @Test func `no local keeps a client's own messages from it, and only from it`() {
        let broker = Broker()
        let client = broker.connect("c")
        let other = broker.connect("d")
        client.subscribe("a", options: .init(isNoLocal: true))
        other.subscribe("a", options: .init(isNoLocal: true))
        let copies = broker.deliver("a", from: client, to: [client, other])
        #expect(copies[0] == nil)
        #expect(copies[1] != nil)
        client.subscribe("#")
        #expect(broker.deliver("a", from: client, to: [client])[0] != nil)
    }

    @Test func `a message larger than the client takes is dropped for it alone`() {
        let broker = Broker()
        let small = broker.open()
        small.connect("a") { $0.properties.append(.maximumPacketSize, 20) }
        let large = broker.connect("b")
        small.subscribe("a")
        large.subscribe("a")
        let payload = String(repeating: "x", count: 15)
        let copies = broker.deliver("a", payload, to: [small, large])
        #expect(copies[0] == nil)
        #expect(copies[1]?.count == 21)
        #expect(broker.deliver("a", "x", to: [small])[0] != nil)
    }

    @Test func `a client that is away gets nothing`() {
        let broker = Broker()
        let client = broker.connect("c", expiry: 100)
        client.subscribe("a")
        client.lose()
        #expect(broker.deliver("a", to: [client]) == [nil])
    }
}
