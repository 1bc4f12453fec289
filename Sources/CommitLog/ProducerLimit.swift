import BrokerModel
import Synchronization

/// How many producers all partitions of a broker may know together, one counted in each of its
/// partitions, and what became of those that were too many.
///
/// When all is taken, a partition that learns of another producer forgets those of its own that
/// have been quiet for longest; what they send later is taken as from a new one. One partition has
/// at most half, and a few in any case: so each can tell the producers that use it.
public final class ProducerLimit: Sendable {
    /// What a partition may always have.
    static let partitionMin = 8
    /// No broker gives an id from here on: a client has made it up.
    public static let idEnd = Int64(1) << 62

    public let most: Int
    /// Forgotten because others came.
    public let evicted = Counter()
    /// Forgotten because they sent nothing for long.
    public let expired = Counter()
    private let count = Atomic<Int>(0)
    private let highest = Atomic<Int64>(-1)

    public init(most: Int = 20_000) { self.most = most }

    public var known: Int { count.load(ordering: .relaxed) }
    /// The highest producer id that any partition has known, but for those that nobody gave.
    public var highestID: Int64 { highest.load(ordering: .relaxed) }

    func isFull(partitionHas own: Int) -> Bool {
        own >= Self.partitionMin && (known >= most || own >= max(most / 2, Self.partitionMin))
    }

    func noteAdded(_ producerID: Int64) {
        count.add(1, ordering: .relaxed)
        if producerID < Self.idEnd { highest.max(producerID, ordering: .relaxed) }
    }

    func noteRemoved(_ removed: Int) { count.subtract(removed, ordering: .relaxed) }
}
