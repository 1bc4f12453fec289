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
    /// The watched partitions were read in this very iteration, not by a thread some time ago.
    var isFresh = true
}

/// The fetches that wait, and which of them have reason to be looked at again. A connection has at
/// most one: its requests are answered in order.
///
/// An advance asks each partition that it names once, however many watch it, and then touches only
/// those who watch one that has moved. To wait and to go on costs a few nanoseconds a partition.
struct FetchWaiters {
    private struct Watch {
        let connection: UInt64
        /// The high watermark that the connection has seen.
        var seen: Offset
    }

    private var waiters: [UInt64: FetchWaiter] = [:]
    /// Who watches a partition, by its handle; a list that is empty keeps its memory.
    private var watches: [[Watch]] = []
    /// Who waits for memory; the longest wait stands first. Some have been answered since.
    private var memoryQueue: [UInt64] = []

    var isEmpty: Bool { waiters.isEmpty }
    var count: Int { waiters.count }

    mutating func park(_ waiter: FetchWaiter) {
        remove(waiter.connection)
        waiters[waiter.connection] = waiter
        guard !waiter.needsMemory else { return memoryQueue.append(waiter.connection) }
        for watched in waiter.watched {
            let index = watched.partition.handle.rawValue
            while watches.count <= index { watches.append([]) }
            watches[index].append(
                Watch(connection: waiter.connection, seen: watched.highWatermark)
            )
        }
    }

    /// Forgets a fetch that was answered, or whose connection ended.
    mutating func remove(_ connection: UInt64) {
        guard let waiter = waiters.removeValue(forKey: connection) else { return }
        if waiter.needsMemory { memoryQueue.removeAll { $0 == connection } }
        for watched in waiter.watched {
            let index = watched.partition.handle.rawValue
            guard let place = watches[index].firstIndex(where: { $0.connection == connection })
            else { continue }
            watches[index].swapAt(place, watches[index].count - 1)
            watches[index].removeLast()
        }
    }

    /// The fetches for which records have become visible in these partitions; those that must be
    /// patient come with the time at which to ask for them again, and then not a second time.
    mutating func advanced(
        _ advanced: [PartitionHandle: Offset],
        now: MonotonicTime
    ) -> (ready: [UInt64], later: [(UInt64, MonotonicTime)]) {
        var ready: [UInt64] = []
        var later: [(UInt64, MonotonicTime)] = []
        for (partition, highWatermark) in advanced where partition.rawValue < watches.count {
            let index = partition.rawValue
            for place in watches[index].indices where watches[index][place].seen < highWatermark {
                watches[index][place].seen = highWatermark
                let connection = watches[index][place].connection
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
        var connections: Set<UInt64> = []
        for partition in gone where partition.rawValue < watches.count {
            connections.formUnion(watches[partition.rawValue].lazy.map(\.connection))
        }
        return connections
    }

    /// Those who have waited longest for memory, about as many as can use what is free.
    func needingMemory(free: ByteCount) -> ArraySlice<UInt64> {
        memoryQueue.prefix(4 + free.rawValue / KafkaServerLimits.fetchReservationMin)
    }
}
