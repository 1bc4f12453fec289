import BrokerModel
import Testing

@Suite struct LatencyHistogramTests {
    @Test func `a duration falls into the first bucket whose bound it does not pass`() {
        for (index, bound) in LatencyHistogram.bounds.enumerated() {
            let histogram = LatencyHistogram()
            histogram.observe(bound)
            histogram.observe(bound + .nanoseconds(1))
            let counts = histogram.snapshot.counts
            #expect(counts[index] == 1)
            #expect(counts[index + 1] == 1)
        }
    }

    @Test func `what is longer than every bound, shorter or below zero is counted as well`() {
        let histogram = LatencyHistogram()
        histogram.observe(.seconds(3_600))
        histogram.observe(.zero)
        histogram.observe(.seconds(-1))
        let snapshot = histogram.snapshot
        #expect(snapshot.counts.last == 1 && snapshot.counts.first == 2)
        #expect(snapshot.count == 3 && snapshot.sum == .seconds(3_600))
    }
}

@Suite struct OperationTimerTests {
    private func time(_ seconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: seconds * 1_000_000_000)
    }

    @Test func `an operation shows how long it has been running, and is counted when it ends`() {
        let timer = OperationTimer()
        #expect(timer.running(at: time(5)) == nil)
        timer.began(at: time(5))
        #expect(timer.running(at: time(7)) == .seconds(2))
        #expect(timer.latency.snapshot.count == 0)
        timer.ended(at: time(8))
        #expect(timer.running(at: time(9)) == nil)
        #expect(timer.latency.snapshot.sum == .seconds(3))
    }
}
