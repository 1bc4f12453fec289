import Synchronization

/// What something amounts to now, set by its owner and read from any thread.
public final class Gauge: Sendable {
    private let amount = Atomic<Int>(0)

    public init() {}

    public var value: Int { amount.load(ordering: .relaxed) }
    public func set(_ value: Int) { amount.store(value, ordering: .relaxed) }
}
