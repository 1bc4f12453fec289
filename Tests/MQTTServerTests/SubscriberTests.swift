import BrokerModel
import EventLoop
import MQTTServer
import MQTTSessions
import Posix
import Synchronization
import Testing

/// Subscribers at QoS 1 on sockets: in time, slow, stuck, gone and back.
@Suite struct SubscriberTests {
    @Test func `a message reaches a subscriber at QoS 1 before the disk has it`() throws {
        let bench = try BrokerBench()
        let subscriber = try bench.connected("s")
        try subscriber.subscribe("t", qos: 1)
        let publisher = try bench.connected("p")
        bench.gate.close()
        try publisher.publish("t", [7], identifier: 1)
        let packet = try #require(try subscriber.next())
        #expect(packet.flags == 0b0010)
        #expect(packet.payload == [7])
        try subscriber.acknowledge(packet)
        bench.gate.open()
        #expect(try publisher.next()?.kind == .puback)
        let counters = bench.counters
        #expect(try bench.eventually { _ in counters.delivered.count == 1 })
    }

    @Test func `thousands of messages arrive in order through a small window`() throws {
        var settings = MQTTServerSettings()
        settings.session.deliveriesInFlightMax = 10
        let bench = try BrokerBench(settings: settings)
        let subscriber = try bench.connected("s")
        try subscriber.subscribe("t", qos: 1)
        let publisher = try bench.connected("p")
        let total = 5_000
        let burst = (1...UInt16(total)).flatMap {
            Peer.publish("t", [UInt8($0 >> 8), UInt8($0 & 0xff)], identifier: $0)
        }
        let sender = try Sending(publisher, burst)
        for number in 1...UInt16(total) {
            let packet = try #require(try subscriber.next())
            #expect(packet.payload == [UInt8(number >> 8), UInt8(number & 0xff)])
            #expect(!packet.isDuplicate)
            try subscriber.acknowledge(packet)
        }
        try sender.finish()
        _ = try publisher.read { $0.identifier == UInt16(total) }
        #expect(bench.counters.queueDropped.count == 0)
        #expect(bench.counters.delivered.count == total)
    }

    @Test func `a subscriber that never acknowledges loses messages, and holds up nobody`() throws {
        var settings = MQTTServerSettings()
        settings.session.deliveriesInFlightMax = 5
        settings.session.deliveryQueueMax = 10
        let bench = try BrokerBench(settings: settings)
        let reports = Mutex<[Int]>([])
        bench.perform { scope in
            scope.server.reportDropped = { report in
                reports.withLock { $0.append(report.count) }
            }
        }
        let silent = try bench.connected("silent")
        try silent.subscribe("t", qos: 1)
        let good = try bench.connected("good")
        try good.subscribe("t", qos: 1)
        let publisher = try bench.connected("p")
        for number in 1...100 as ClosedRange<UInt16> {
            try publisher.publish("t", [UInt8(number)], identifier: number)
            #expect(try publisher.next()?.identifier == number)
            let packet = try #require(try good.next())
            #expect(packet.payload == [UInt8(number)])
            try good.acknowledge(packet)
        }
        #expect(bench.counters.queueDropped.count == 85)
        #expect(
            try bench.eventually { _ in reports.withLock { $0.reduce(0, +) } == 85 },
            "within a second of the last drop"
        )
        for number in 1...5 as ClosedRange<UInt8> {
            let packet = try #require(try silent.next())
            #expect(packet.payload == [number])
        }
        try silent.sendPing()
        #expect(try silent.next()?.kind == .pingresp, "no sixth message")
    }

    @Test func `a subscriber that does not read for a while gets all of it in the end`() throws {
        var settings = MQTTServerSettings()
        settings.outputBytesMax = .kibibytes(64)
        let bench = try BrokerBench(settings: settings)
        let slow = try bench.connected("slow", receiveBufferBytes: 4_096)
        try slow.subscribe("t", qos: 1)
        let publisher = try bench.connected("p")
        let payload = [UInt8](repeating: 7, count: 8_000)
        let total = 400 as UInt16
        for identifier in 1...total {
            try publisher.publish("t", [UInt8(identifier & 0xff)] + payload, identifier: identifier)
            #expect(try publisher.next()?.identifier == identifier)
        }
        #expect(bench.counters.delivered.count < Int(total), "the output is full before that")
        for number in 1...total {
            let packet = try #require(try slow.next())
            #expect(packet.payload.first == UInt8(number & 0xff))
            try slow.acknowledge(packet)
        }
        #expect(bench.counters.queueDropped.count == 0)
    }

    @Test func `a subscriber that was cut off gets again what it had not acknowledged`() throws {
        let bench = try BrokerBench()
        var subscriber: Peer? = try bench.peer()
        try subscriber?.connect("s", isClean: false)
        try subscriber?.subscribe("t", qos: 1)
        let publisher = try bench.connected("p")
        for number in 1...3 as ClosedRange<UInt8> {
            try publisher.publish("t", [number], identifier: UInt16(number))
            #expect(try publisher.next()?.kind == .puback)
        }
        let first = try #require(try subscriber?.next())
        try subscriber?.acknowledge(first)
        try subscriber?.sendPing()
        _ = try subscriber?.read { $0.kind == .pingresp }
        subscriber = nil
        let counters = bench.loopCounters
        #expect(try bench.eventually { _ in counters.open == 1 })
        try publisher.publish("t", [9], identifier: 9)
        #expect(try publisher.next()?.kind == .puback)
        #expect(bench.counters.missed.count == 1, "nothing is queued for who is away")
        let again = try bench.peer()
        try again.sendConnect("s", isClean: false)
        #expect(try again.next()?.body == [1, 0], "session present")
        for number in 2...3 as ClosedRange<UInt8> {
            let packet = try #require(try again.next())
            #expect(packet.payload == [number])
            #expect(packet.isDuplicate)
            try again.acknowledge(packet)
        }
        try publisher.publish("t", [4], identifier: 4)
        let fresh = try #require(try again.next())
        #expect(fresh.payload == [4])
        #expect(!fresh.isDuplicate)
        #expect(bench.counters.redelivered.count == 2)
    }

    @Test func `a full output memory delays deliveries at QoS 1 and loses none`() throws {
        let bench = try BrokerBench(pools: BenchPools(output: .kibibytes(64)))
        let stuck = try bench.connected("stuck", receiveBufferBytes: 4_096)
        try stuck.subscribe("stuck", qos: 1)
        let other = try bench.connected("other")
        try other.subscribe("t", qos: 1)
        let publisher = try bench.connected("p")
        let payload = [UInt8](repeating: 7, count: 8_000)
        for identifier in 1...600 as ClosedRange<UInt16> {
            try publisher.publish("stuck", payload, identifier: identifier)
            #expect(try publisher.next()?.identifier == identifier)
        }
        try publisher.publish("t", [5], identifier: 7)
        let packet = try #require(try other.next())
        #expect(packet.payload == [5])
        for _ in 1...(600 - bench.counters.queueDropped.count) {
            try stuck.acknowledge(try #require(try stuck.next()))
        }
    }
}

/// Sends a long burst from a thread of its own, so that a test can read what comes of it meanwhile.
private struct Sending {
    private let thread: SystemThread

    init(_ peer: Peer, _ bytes: [UInt8]) throws {
        nonisolated(unsafe) let peer = peer
        thread = try SystemThread.start(named: "sending") { try? peer.send(bytes) }
    }

    func finish() throws { thread.join() }
}
