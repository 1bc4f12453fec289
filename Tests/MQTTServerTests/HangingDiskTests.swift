import BrokerModel
import EventLoop
import Partitions
import Testing

/// What health looks at when the disk does not answer.
@Suite struct HangingDiskTests {
    @Test func `a sync that hangs shows as work and as silence until it ends`() throws {
        let bench = try BrokerBench()
        let peer = try bench.connected("a")
        #expect(bench.shardCounters.work.running(at: .current) == nil)
        bench.gate.close()
        try peer.publish("t", identifier: 5)
        #expect(bench.gate.waitUntilBlocked())
        bench.storagePulse.ping(at: .current)
        let later = MonotonicTime.current + .seconds(3)
        #expect(bench.shardCounters.work.running(at: later) ?? .zero >= .seconds(3))
        #expect(bench.storagePulse.silence(at: later) >= .seconds(3))
        bench.gate.open()
        #expect(try peer.next()?.kind == .puback)
        let goesOn = try bench.eventually {
            [counters = bench.shardCounters, pulse = bench.storagePulse] _ in
            counters.work.running(at: .current) == nil && pulse.silence(at: .current) == .zero
        }
        #expect(goesOn)
        #expect(bench.shardCounters.commits.snapshot.count == 1)
        #expect(bench.shardCounters.appends.snapshot.sum > .zero)
    }
}
