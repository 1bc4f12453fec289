import BrokerModel
import CommitLog
import Partitions

/// A partition that a fetch has read to its end, and the high watermark that it met there.
struct WatchedPartition: Sendable {
    let partition: PartitionEntry
    let highWatermark: Offset

    var hasAdvanced: Bool { partition.reader.highWatermark > highWatermark }
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
///
/// An advance asks each partition that it names once, however many watch it, and then touches only
/// those who watch one that has moved.
struct FetchWaiters {
    private struct Partition {
        let reader: PartitionReader
        /// What each watching connection has seen.
        var seen: [UInt64: Offset] = [:]
        /// At most the least of them.
        var least: Offset

        mutating func add(_ connection: UInt64, _ offset: Offset) {
            // One that stands twice in a request has seen the lesser of the two.
            seen[connection] = min(offset, seen[connection] ?? offset)
            least = min(least, offset)
        }

        /// Who has news, which is told once; nil when nobody has.
        mutating func takeMoved() -> [UInt64]? {
            let highWatermark = reader.highWatermark
            guard highWatermark > least else { return nil }
            let moved = seen.filter { $0.value < highWatermark }.map(\.key)
            for connection in moved { seen[connection] = highWatermark }
            least = highWatermark
            return moved
        }
    }

    private var waiters: [UInt64: FetchWaiter] = [:]
    private var partitions: [PartitionHandle: Partition] = [:]
    /// Who waits for memory; the longest wait stands first. Some have been answered since.
    private var memoryQueue: [UInt64] = []

    var isEmpty: Bool { waiters.isEmpty }
    var count: Int { waiters.count }

    mutating func park(_ waiter: FetchWaiter) {
        remove(waiter.connection)
        waiters[waiter.connection] = waiter
        guard !waiter.needsMemory else { return memoryQueue.append(waiter.connection) }
        for watched in waiter.watched {
            let offset = watched.highWatermark
            partitions[
                watched.partition.handle,
                default: Partition(reader: watched.partition.reader, least: offset)
            ].add(waiter.connection, offset)
        }
    }

    /// Forgets a fetch that was answered, or whose connection ended.
    mutating func remove(_ connection: UInt64) {
        guard let waiter = waiters.removeValue(forKey: connection) else { return }
        if waiter.needsMemory { memoryQueue.removeAll { $0 == connection } }
        for watched in waiter.watched {
            let key = watched.partition.handle
            partitions[key]?.seen[connection] = nil
            if partitions[key]?.seen.isEmpty == true { partitions[key] = nil }
        }
    }

    /// The fetches for which records have become visible in these partitions; those that must be
    /// patient come with the time at which to ask for them again, and then not a second time.
    mutating func advanced(
        _ advanced: some Sequence<PartitionHandle>,
        now: MonotonicTime
    ) -> (ready: [UInt64], later: [(UInt64, MonotonicTime)]) {
        var ready: [UInt64] = []
        var later: [(UInt64, MonotonicTime)] = []
        for partition in advanced {
            guard let moved = partitions[partition]?.takeMoved() else { continue }
            for connection in moved {
                guard let waiter = waiters[connection] else { continue }
                if waiter.earliest <= now {
                    ready.append(connection)
                } else {
                    later.append((connection, waiter.earliest))
                }
            }
        }
        return (ready, later)
    }

    /// Who watches these partitions, which are no more.
    func watching(_ gone: some Sequence<PartitionHandle>) -> Set<UInt64> {
        Set(gone.flatMap { partitions[$0].map { Array($0.seen.keys) } ?? [] })
    }

    /// Those who have waited longest for memory, about as many as can use what is free.
    func needingMemory(free: ByteCount) -> ArraySlice<UInt64> {
        memoryQueue.prefix(4 + free.rawValue / KafkaServerLimits.fetchReservationMin)
    }
}
