import Synchronization

/// Counts events from any thread: refusals, drops, bytes. Read by status lines and metrics.
public final class Counter: Sendable {
    private let value = Atomic<Int>(0)

    public init() {}

    public var count: Int { value.load(ordering: .relaxed) }
    public func add(_ amount: Int = 1) { value.add(amount, ordering: .relaxed) }
}
