import Synchronization

/// A named share of the memory ceiling. Whoever wants memory asks first; a full pool says no, and
/// the asker pushes back on its peer: it stops reading, waits, or drops what may be dropped.
public final class MemoryPool: Sendable {
    public let name: String
    public let capacity: ByteCount
    private let reserved = Atomic<Int>(0)
    private let refusals = Atomic<Int>(0)

    public init(name: String, capacity: ByteCount) {
        self.name = name
        self.capacity = capacity
    }

    public var used: ByteCount { ByteCount(reserved.load(ordering: .relaxed)) }
    /// How often the pool was full.
    public var refusalCount: Int { refusals.load(ordering: .relaxed) }

    /// Takes `size` from the pool, or nothing when it does not fit. A request larger than the whole
    /// pool is granted while the pool is empty: otherwise it would wait for ever.
    public func reserve(_ size: ByteCount) -> Bool {
        let before = reserved.add(size.rawValue, ordering: .relaxed).oldValue
        guard before > 0, before + size.rawValue > capacity.rawValue else { return true }
        reserved.subtract(size.rawValue, ordering: .relaxed)
        refusals.add(1, ordering: .relaxed)
        return false
    }

    /// Takes `size` although the pool is full: for what has arrived already. The taker stops its
    /// peer, so that this happens once before there is room again.
    public func overdraw(_ size: ByteCount) {
        reserved.add(size.rawValue, ordering: .relaxed)
    }

    /// Gives back what `reserve` granted.
    public func release(_ size: ByteCount) {
        let left = reserved.subtract(size.rawValue, ordering: .relaxed).newValue
        precondition(left >= 0, "a pool gets back only what it lent")
    }
}
