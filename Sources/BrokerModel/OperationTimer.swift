import Synchronization

/// Times what one thread does again and again, and lets others see a time that does not end.
public final class OperationTimer: Sendable {
    public let latency = LatencyHistogram()
    private let start = Atomic<Int64>(OperationTimer.resting)

    private static let resting = Int64.min

    public init() {}

    public func began(at time: MonotonicTime) {
        start.store(time.rawValue, ordering: .relaxed)
    }

    /// Follows each `began`, on the same thread.
    public func ended(at time: MonotonicTime) {
        let began = MonotonicTime(nanoseconds: start.load(ordering: .relaxed))
        start.store(Self.resting, ordering: .relaxed)
        latency.observe(time - began)
    }

    /// How long the present operation has been running; nil between two.
    public func running(at now: MonotonicTime) -> Duration? {
        let began = start.load(ordering: .relaxed)
        guard began != Self.resting else { return nil }
        return max(.zero, now - MonotonicTime(nanoseconds: began))
    }
}
