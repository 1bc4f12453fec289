import BrokerModel

/// Deadlines by key, where moving one later costs a look into a table and no more: its place in the
/// heap is mended when it comes up. A member's heartbeat moves one every few seconds.
struct DeadlineQueue<Key: Hashable & Sendable>: Sendable {
    private struct Deadline {
        var time: MonotonicTime
        /// Where it stands in the heap, never later than `time`.
        var queued: MonotonicTime
    }

    private struct Entry {
        let time: MonotonicTime
        let key: Key
    }

    private var deadlines: [Key: Deadline] = [:]
    private var heap: [Entry] = []

    var count: Int { deadlines.count }

    /// When to look again: nothing is due before that. It may be too early, never too late.
    var earliest: MonotonicTime? { heap.first?.time }

    func deadline(of key: Key) -> MonotonicTime? { deadlines[key]?.time }

    mutating func set(_ key: Key, to time: MonotonicTime) {
        if let known = deadlines[key], known.queued <= time {
            deadlines[key] = Deadline(time: time, queued: known.queued)
            return
        }
        deadlines[key] = Deadline(time: time, queued: time)
        push(Entry(time: time, key: key))
    }

    mutating func cancel(_ key: Key) {
        guard deadlines.removeValue(forKey: key) != nil else { return }
        guard heap.count > 64, heap.count > 2 * deadlines.count else { return }
        sweep()
    }

    /// Takes a key whose deadline has come; nil when there is none.
    mutating func popDue(_ now: MonotonicTime) -> Key? {
        while let first = heap.first, first.time <= now {
            pop()
            guard let known = deadlines[first.key], known.queued == first.time else { continue }
            guard known.time > now else {
                deadlines[first.key] = nil
                return first.key
            }
            deadlines[first.key] = Deadline(time: known.time, queued: known.time)
            push(Entry(time: known.time, key: first.key))
        }
        return nil
    }

    /// Cancelled deadlines leave their entries behind until these are more than half.
    private mutating func sweep() {
        deadlines = deadlines.mapValues { Deadline(time: $0.time, queued: $0.time) }
        heap = deadlines.map { Entry(time: $0.value.time, key: $0.key) }
        heap.sort { $0.time < $1.time }
    }

    private mutating func push(_ entry: Entry) {
        heap.append(entry)
        var index = heap.count - 1
        while index > 0, heap[(index - 1) / 2].time > heap[index].time {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func pop() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < heap.count && heap[child].time < heap[least].time {
                least = child
            }
            guard least != index else { return }
            heap.swapAt(index, least)
            index = least
        }
    }
}
