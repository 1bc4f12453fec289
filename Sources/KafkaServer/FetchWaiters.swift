import BrokerModel
import CommitLog

/// A partition that a fetch has read to its end, and the high watermark that it met there.
struct WatchedPartition {
    let reader: PartitionReader
    let highWatermark: Offset

    var hasAdvanced: Bool { reader.highWatermark > highWatermark }
}

/// A fetch that was not answered yet, under its connection's number.
struct FetchWaiter {
    let connection: UInt64
    let watched: [WatchedPartition]
    /// Answered then with whatever there is.
    let deadline: MonotonicTime
    /// Not looked at before this: it wants more than the next record will bring.
    let earliest: MonotonicTime
    /// Waits for memory, not for records.
    let needsMemory: Bool
}

/// The fetches that wait, and which of them have reason to be looked at again. A connection has at
/// most one: its requests are answered in order.
struct FetchWaiters {
    private var waiters: [UInt64: FetchWaiter] = [:]

    var isEmpty: Bool { waiters.isEmpty }
    var count: Int { waiters.count }

    mutating func park(_ waiter: FetchWaiter) {
        waiters[waiter.connection] = waiter
    }

    /// Forgets a fetch that was answered, or whose connection ended.
    mutating func remove(_ connection: UInt64) {
        waiters[connection] = nil
    }

    /// The fetches for which records have become visible; those that must be patient come with the
    /// time at which to ask for them again.
    func advanced(now: MonotonicTime) -> (ready: [UInt64], later: [(UInt64, MonotonicTime)]) {
        var ready: [UInt64] = []
        var later: [(UInt64, MonotonicTime)] = []
        for waiter in waiters.values {
            guard !waiter.needsMemory, waiter.watched.contains(where: \.hasAdvanced) else {
                continue
            }
            if waiter.earliest <= now {
                ready.append(waiter.connection)
            } else {
                later.append((waiter.connection, waiter.earliest))
            }
        }
        return (ready, later)
    }

    /// The fetches that wait for memory.
    func needingMemory() -> [UInt64] {
        waiters.values.lazy.filter(\.needsMemory).map(\.connection)
    }
}
