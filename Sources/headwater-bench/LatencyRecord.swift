import Histogram

/// Latencies in nanoseconds. Acknowledgements that came with one read, for messages that left with
/// one write, have the same: those are recorded together.
struct LatencyRecord {
    private var histogram = Histogram<UInt64>(
        lowestDiscernibleValue: 100,
        highestTrackableValue: 3_600_000_000_000,
        numberOfSignificantValueDigits: .three
    )
    private var pending: Int64 = 0
    private var pendingCount: UInt64 = 0

    @inline(__always)
    mutating func record(_ nanoseconds: Int64) {
        if nanoseconds == pending {
            pendingCount &+= 1
        } else {
            flush()
            pending = nanoseconds
            pendingCount = 1
        }
    }

    /// The percentiles in microseconds; nil without any latency.
    mutating func summary() -> LatencySummary? {
        flush()
        guard histogram.totalCount > 0 else { return nil }
        func microseconds(_ percentile: Double) -> Double {
            Double(histogram.valueAtPercentile(percentile)) / 1_000
        }
        return LatencySummary(
            p50: microseconds(50),
            p99: microseconds(99),
            p999: microseconds(99.9),
            max: microseconds(100)
        )
    }

    private mutating func flush() {
        guard pendingCount > 0 else { return }
        histogram.record(UInt64(max(pending, 0)), count: pendingCount)
        pendingCount = 0
    }
}

/// Microseconds.
struct LatencySummary: Codable {
    var p50: Double
    var p99: Double
    var p999: Double
    var max: Double
}
