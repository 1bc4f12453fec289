import BrokerModel

/// Names a scheduled timer, for cancelling it.
public struct TimerID: Hashable, Sendable {
    let rawValue: UInt64
}

/// Timers by deadline, equal ones in the order in which they were scheduled.
struct TimerHeap {
    private struct Entry {
        let deadline: MonotonicTime
        let id: UInt64

        func precedes(_ other: Entry) -> Bool {
            deadline == other.deadline ? id < other.id : deadline < other.deadline
        }
    }

    /// A binary heap. A cancelled timer's entry stays until it surfaces or the heap is rebuilt.
    private var entries: [Entry] = []
    private var bodies: [UInt64: () -> Void] = [:]
    private var lastID: UInt64 = 0

    /// The earliest deadline of a timer that was not cancelled.
    var nextDeadline: MonotonicTime? {
        mutating get {
            while let first = entries.first, bodies[first.id] == nil { removeFirst() }
            return entries.first?.deadline
        }
    }

    mutating func schedule(at deadline: MonotonicTime, _ body: @escaping () -> Void) -> TimerID {
        lastID += 1
        bodies[lastID] = body
        entries.append(Entry(deadline: deadline, id: lastID))
        siftUp(from: entries.count - 1)
        return TimerID(rawValue: lastID)
    }

    mutating func cancel(_ timer: TimerID) {
        bodies[timer.rawValue] = nil
        guard entries.count > 2 * bodies.count + 64 else { return }
        entries.removeAll { bodies[$0.id] == nil }
        for index in entries.indices.reversed() { siftDown(from: index) }
    }

    /// The next timer that is due; it then counts as fired. Timers scheduled after `limit` wait for
    /// the next iteration, so that a timer which schedules itself for now cannot hold the loop.
    mutating func popDue(now: MonotonicTime, limit: TimerID) -> (() -> Void)? {
        guard let deadline = nextDeadline, deadline <= now,
            let first = entries.first, first.id <= limit.rawValue
        else { return nil }
        removeFirst()
        return bodies.removeValue(forKey: first.id)
    }

    var latest: TimerID { TimerID(rawValue: lastID) }

    mutating func removeAll() {
        entries = []
        bodies = [:]
    }

    private mutating func removeFirst() {
        guard let last = entries.popLast(), !entries.isEmpty else { return }
        entries[0] = last
        siftDown(from: 0)
    }

    private mutating func siftUp(from start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard entries[index].precedes(entries[parent]) else { return }
            entries.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func siftDown(from start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < entries.count {
                if entries[child].precedes(entries[least]) { least = child }
            }
            guard least != index else { return }
            entries.swapAt(index, least)
            index = least
        }
    }
}
