import Synchronization

/// Counts durations by size, from any thread and without a lock.
///
/// The buckets are fixed: their upper bounds double from 16 microseconds to 8.6 seconds, so that
/// finding one takes no search.
public final class LatencyHistogram: Sendable {
    /// What was counted up to one moment. Observations that come meanwhile are in it or not.
    public struct Snapshot: Sendable {
        /// One count a bound of `LatencyHistogram.bounds`, and a last one for all that is longer.
        public let counts: [Int]
        public let sum: Duration

        public var count: Int { counts.reduce(0, +) }
    }

    private static let smallestShift = 14
    private static let boundCount = 20

    private let buckets: InlineArray<21, Atomic<Int>>
    private let sum = Atomic<Int64>(0)

    public init() { buckets = InlineArray { _ in Atomic(0) } }

    /// The upper bounds of the buckets, ascending; each belongs to its bucket.
    public static var bounds: [Duration] {
        (0..<boundCount).map { .nanoseconds(1 << ($0 + smallestShift)) }
    }

    public func observe(_ duration: Duration) {
        let nanoseconds = max(0, duration.nanoseconds)
        buckets[Self.bucket(nanoseconds)].add(1, ordering: .relaxed)
        sum.add(nanoseconds, ordering: .relaxed)
    }

    public var snapshot: Snapshot {
        Snapshot(
            counts: buckets.indices.map { buckets[$0].load(ordering: .relaxed) },
            sum: .nanoseconds(sum.load(ordering: .relaxed))
        )
    }

    private static func bucket(_ nanoseconds: Int64) -> Int {
        guard nanoseconds > 1 else { return 0 }
        let bits = Int64.bitWidth - (nanoseconds - 1).leadingZeroBitCount
        return min(boundCount, max(0, bits - smallestShift))
    }
}
