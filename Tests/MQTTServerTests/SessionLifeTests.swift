import BrokerModel
import CommitLog
import EventLoop
import Ingest
import MQTTServer
import Synchronization
import Testing

/// Connections that come, go and take each other over.
@Suite struct SessionLifeTests {
    @Test func `a takeover waits until what the first of all predecessors published is stored`()
        throws
    {
        let bench = try BrokerBench()
        let first = try bench.connected("same")
        bench.gate.close()
        try first.publish("t", identifier: 1)
        #expect(bench.gate.waitUntilBlocked())
        let second = try bench.peer()
        try second.sendConnect("same")
        #expect(try first.next() == nil)
        let third = try bench.peer()
        try third.sendConnect("same")
        #expect(try second.next() == nil, "taken over before its own CONNACK")
        #expect(try bench.ask { _ in true })
        #expect(try third.hasNothing())
        bench.gate.open()
        try third.expectConnack()
        try third.publish("t", identifier: 2)
        #expect(try third.next()?.kind == .puback)
        #expect(bench.reader.highWatermark == Offset(2))
    }

    @Test func `a successor that has gone meanwhile leaves nothing behind`() throws {
        let bench = try BrokerBench()
        let first = try bench.connected("same")
        bench.gate.close()
        try first.publish("t", identifier: 1)
        #expect(bench.gate.waitUntilBlocked())
        var second: Peer? = try bench.peer()
        try second?.sendConnect("same")
        #expect(try first.next() == nil)
        second = nil
        bench.gate.open()
        let third = try bench.connected("same")
        try third.publish("t", identifier: 2)
        #expect(try third.next()?.kind == .puback)
        let counters = bench.loopCounters
        #expect(try bench.eventually { _ in counters.open == 1 })
    }

    @Test func `a client that took its leave has no will, however soon it comes back`() throws {
        let bench = try BrokerBench()
        let watcher = try bench.connected("watcher")
        try watcher.subscribe("#")
        let before = try bench.peer()
        try before.connect("same", will: "will")
        let after = try bench.peer()
        let counters = bench.loopCounters
        #expect(try bench.eventually { _ in counters.accepted.count == 3 })
        // Both packets are there before the loop looks again.
        let isHeld = Flag()
        let isReleased = Flag()
        bench.perform { _ in
            isHeld.set()
            _ = isReleased.wait()
        }
        #expect(isHeld.wait())
        try before.sendDisconnect()
        try after.sendConnect("same")
        isReleased.set()
        try after.expectConnack()
        try after.publish("marker")
        #expect(try watcher.next()?.topic == "marker")
        #expect(bench.counters.wills.count == 0)
    }

    @Test func `a client that is cut off leaves its will`() throws {
        let bench = try BrokerBench()
        let watcher = try bench.connected("watcher")
        try watcher.subscribe("#")
        let peer = try bench.peer()
        try peer.connect("p", will: "will")
        try peer.send([0xff, 0xff, 0xff, 0xff])
        #expect(try watcher.next()?.topic == "will")
    }

    @Test func `a storm of connections leaves the steady client alone, and no memory behind`()
        throws
    {
        let bench = try BrokerBench()
        let steady = try bench.connected("steady")
        let sessions = bench.pools.sessions.used
        for round in 0..<200 as Range<UInt16> {
            let peer = try bench.peer()
            switch round % 5 {
            case 0: try peer.send([0x10])
            case 1: try peer.send([0x00, 0x01, 0x02, 0xff])
            case 2:
                try peer.sendConnect("guest\(round)", will: "will")
                try peer.publish("guest", identifier: round + 1)
            case 3:
                try peer.connect("guest")  // Takes the one before over.
                try peer.publish("guest", identifier: round + 1)
            default:
                try peer.connect("subscriber")
                try peer.subscribe("#")
            }
            try steady.publish("steady", identifier: round + 1)
            let answer = try #require(try steady.next())
            #expect(answer.kind == .puback && answer.identifier == round + 1)
        }
        let counters = bench.loopCounters
        #expect(try bench.eventually { counters.open == 1 && $0.lane.isIdle })
        #expect(bench.pools.ingest.used == .zero)
        #expect(bench.pools.input.used == .zero)
        #expect(bench.pools.output.used == .zero)
        #expect(bench.pools.sessions.used == sessions)
    }
}

/// Set by one thread, waited for by another.
private final class Flag: Sendable {
    private let isSet = Atomic(false)
    private let waiter = Waiter()

    func set() {
        isSet.store(true, ordering: .sequentiallyConsistent)
        waiter.wake()
    }

    /// False when nobody sets it in time.
    func wait() -> Bool { waiter.wait { isSet.load(ordering: .sequentiallyConsistent) } }
}
