import BrokerModel
import CommitLog
import EventLoop
import Ingest
import MQTTServer
import MQTTSessions
import Testing

/// P1 over real sockets: a PUBACK says that the record is on the disk, and nothing else says it.
@Suite struct DurabilityTests {
    @Test func `a PUBACK leaves only after the sync`() throws {
        let bench = try BrokerBench()
        let peer = try bench.connected("a")
        bench.gate.close()
        try peer.publish("t", identifier: 5)
        #expect(bench.gate.waitUntilBlocked())
        try peer.sendPing()
        #expect(try peer.next()?.kind == .pingresp, "no PUBACK while the disk works")
        #expect(bench.reader.highWatermark == .zero)
        bench.gate.open()
        let answer = try #require(try peer.next())
        #expect(answer.kind == .puback && answer.identifier == 5)
        #expect(bench.reader.highWatermark == Offset(1))
    }

    @Test func `a PUBREC leaves only after the sync`() throws {
        let bench = try BrokerBench()
        let peer = try bench.connected("a")
        bench.gate.close()
        var publish = Peer.publish("t", [1], identifier: 5)
        publish[0] = 0x34
        try peer.send(publish)
        #expect(bench.gate.waitUntilBlocked())
        try peer.sendPing()
        #expect(try peer.next()?.kind == .pingresp, "no PUBREC while the disk works")
        bench.gate.open()
        let answer = try #require(try peer.next())
        #expect(answer.kind == .pubrec && answer.identifier == 5)
        #expect(bench.reader.highWatermark == Offset(1))
    }

    @Test func `a failed sync acknowledges nobody, and ends the connection with the reason`() throws
    {
        let bench = try BrokerBench()
        let old = try bench.connected("old")
        let new = try bench.peer()
        try new.connect("new", isVersion5: true)
        bench.gate.close()
        try old.publish("t", identifier: 1)
        #expect(bench.gate.waitUntilBlocked())
        bench.gate.permit(succeeding: false)
        bench.gate.open()
        #expect(try old.next() == nil, "3.1.1 has no word for it")
        // The log is read-only now. MQTT 5 has a word.
        try new.send([0x32, 7, 0, 1, 0x74, 0, 9, 0, 1])
        let farewell = try #require(try new.next())
        #expect(farewell.kind == .disconnect && farewell.body.first == 0x97)
        #expect(try new.next() == nil)
        #expect(bench.counters.storingFailed.count == 2)
        #expect(bench.reader.highWatermark == .zero)
    }

    @Test func `what nobody waits for never vouches for what somebody waits for`() throws {
        var ingest = IngestSettings()
        ingest.batchesInFlightMax = 64
        let bench = try BrokerBench(ingest: ingest)
        let first = try bench.connected("first")
        let waiting = try bench.connected("waiting")
        let careless = try bench.connected("careless")
        bench.gate.close()
        try first.publish("t", identifier: 1)
        #expect(bench.gate.waitUntilBlocked())
        // Two batches of one group: the second needs no sync. A ping's answer ends each burst.
        try waiting.publish("t", identifier: 2)
        try waiting.sendPing()
        #expect(try waiting.next()?.kind == .pingresp)
        try careless.publish("t")
        try careless.sendPing()
        #expect(try careless.next()?.kind == .pingresp)
        bench.gate.permit(succeeding: true)
        bench.gate.permit(succeeding: false)
        bench.gate.open()
        #expect(try first.next()?.kind == .puback)
        #expect(try waiting.next() == nil, "its sync failed")
        #expect(bench.reader.highWatermark == Offset(1))
    }

    @Test func `a stop reads nothing more, and acknowledges what the log still takes`() throws {
        var settings = MQTTServerSettings()
        settings.session.inFlightMax = 1
        let bench = try BrokerBench(settings: settings)
        let eager = try bench.connected("eager")
        let other = try bench.connected("other")
        bench.gate.close()
        let many = (1...50).flatMap { Peer.publish("t", [1], identifier: UInt16($0)) }
        try eager.send(many)
        #expect(bench.gate.waitUntilBlocked())
        try other.publish("t", identifier: 1)
        let counters = bench.counters
        #expect(try bench.eventually { _ in counters.received.count == 2 })
        bench.perform { $0.server.stop() }
        #expect(try bench.ask { _ in true })
        bench.gate.permit(succeeding: true)
        #expect(bench.gate.waitUntilBlocked())
        bench.gate.open()
        #expect(try eager.read { _ in false }.map(\.kind) == [.puback])
        #expect(try other.read { _ in false }.map(\.kind) == [.puback])
        bench.stop()
        #expect(bench.counters.received.count == 2)
        #expect(bench.reader.highWatermark == Offset(2))
    }
}
