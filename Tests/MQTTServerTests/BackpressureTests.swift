import BrokerModel
import CommitLog
import EventLoop
import Ingest
import MQTTServer
import MQTTSessions
import Testing

/// What is full pushes back on whoever fills it, and on nobody else for longer than it takes.
@Suite struct BackpressureTests {
    @Test func `a full ingest pool stops reading, and everything is stored in the end`() throws {
        var settings = MQTTServerSettings()
        settings.session.inFlightMax = 65_535
        let bench = try BrokerBench(
            settings: settings,
            pools: BenchPools(ingest: .kibibytes(256))
        )
        let peer = try bench.connected("a")
        bench.gate.close()
        let payload = [UInt8](repeating: 7, count: 1_000)
        let total = 1_000
        for identifier in 1...UInt16(total) {
            try peer.publish("t", payload, identifier: identifier)
        }
        #expect(try bench.eventually { $0.lane.isFull })
        #expect(bench.counters.received.count < total)
        #expect(bench.pools.ingest.used.rawValue <= 2 * 256 << 10)
        bench.gate.open()
        let answers = try peer.read { $0.identifier == UInt16(total) }
        #expect(answers.map(\.identifier) == Array(1...UInt16(total)))
        #expect(bench.reader.highWatermark == Offset(Int64(total)))
        #expect(try bench.eventually { $0.lane.isIdle })
        #expect(bench.pools.ingest.used == .zero)
    }

    @Test func `a subscriber that does not read loses messages, and holds up nobody`() throws {
        var settings = MQTTServerSettings()
        settings.outputBytesMax = .kibibytes(64)
        let bench = try BrokerBench(settings: settings)
        let slow = try bench.connected("slow", receiveBufferBytes: 4_096)
        try slow.subscribe("#")
        let publisher = try bench.connected("publisher")
        let payload = [UInt8](repeating: 7, count: 8_000)
        for identifier in 1...2_000 as ClosedRange<UInt16> {
            try publisher.publish("t", payload, identifier: identifier)
            let answer = try #require(try publisher.next())
            #expect(answer.identifier == identifier)
        }
        #expect(bench.counters.dropped.count > 0)
        #expect(bench.counters.delivered.count + bench.counters.dropped.count == 2_000)
        try slow.sendPing()
        let came = try slow.read { $0.kind == .pingresp }
        #expect(came.count == bench.counters.delivered.count + 1, "whole messages, then the pong")
        try publisher.publish("marker")
        #expect(try slow.next()?.topic == "marker")
    }

    @Test func `what a client has not read yet never costs it its PUBACK`() throws {
        var settings = MQTTServerSettings()
        settings.outputBytesMax = .kibibytes(64)
        let bench = try BrokerBench(settings: settings)
        let both = try bench.connected("both", receiveBufferBytes: 4_096)
        try both.subscribe("#")
        bench.gate.close()
        let own = (1...50).flatMap { Peer.publish("own", [1], identifier: UInt16($0)) }
        try both.send(own)
        #expect(bench.gate.waitUntilBlocked())
        let publisher = try bench.connected("publisher")
        for size in [8_000, 100] {
            let payload = [UInt8](repeating: 7, count: size)
            let dropped = bench.counters.dropped.count
            while bench.counters.dropped.count == dropped { try publisher.publish("t", payload) }
        }
        bench.gate.open()
        let came = try both.read { $0.kind == .puback && $0.identifier == 50 }
        #expect(came.filter { $0.kind == .puback }.count == 50)
    }

    @Test func `a connection that had to wait for room still has to say CONNECT in time`() throws {
        var settings = MQTTServerSettings()
        settings.session.connectTimeout = .milliseconds(500)
        settings.session.inFlightMax = 65_535
        let bench = try BrokerBench(
            settings: settings,
            pools: BenchPools(ingest: .kibibytes(64))
        )
        let publisher = try bench.connected("publisher")
        bench.gate.close()
        let payload = [UInt8](repeating: 7, count: 1_000)
        for identifier in 1...200 as ClosedRange<UInt16> {
            try publisher.publish("t", payload, identifier: identifier)
        }
        #expect(try bench.eventually { $0.lane.isFull })
        let silent = try bench.peer()
        try silent.send([0x10, 0x10])
        let counters = bench.loopCounters
        #expect(try bench.eventually { _ in counters.accepted.count == 2 })
        bench.gate.open()
        _ = try publisher.read { $0.identifier == 200 }
        #expect(try silent.next() == nil)
    }

    @Test func `a client with too many bytes on their way waits, and the others do not`() throws {
        var settings = MQTTServerSettings()
        settings.inFlightBytesMax = .kibibytes(64)
        let bench = try BrokerBench(settings: settings)
        let greedy = try bench.connected("greedy")
        let modest = try bench.connected("modest")
        bench.gate.close()
        let payload = [UInt8](repeating: 7, count: 8_000)
        for identifier in 1...100 as ClosedRange<UInt16> {
            try greedy.publish("t", payload, identifier: identifier)
        }
        #expect(bench.gate.waitUntilBlocked())
        try modest.publish("t", [1], identifier: 1)
        let counters = bench.counters
        // Nine of 8,001 bytes pass 64 KiB, and the tenth waits; the modest client's one comes in.
        #expect(try bench.eventually { _ in counters.received.count == 10 })
        bench.gate.open()
        #expect(try modest.next()?.identifier == 1)
        let answers = try greedy.read { $0.identifier == 100 }
        #expect(answers.map(\.identifier) == Array(1...100))
    }
}
