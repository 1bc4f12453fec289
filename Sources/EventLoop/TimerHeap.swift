import BrokerModel

/// Names a scheduled timer, for cancelling it.
public struct TimerID: Hashable, Sendable {
    let rawValue: UInt64
}

/// Timers by deadline, equal ones in the order in which they were scheduled.
final class TimerHeap {
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

    /// No timer fires before this. It may be that of a cancelled one: then a loop wakes in vain.
    private(set) var earliest = MonotonicTime.never

    func schedule(at deadline: MonotonicTime, _ body: @escaping () -> Void) -> TimerID {
        lastID += 1
        bodies[lastID] = body
        entries.append(Entry(deadline: deadline, id: lastID))
        siftUp(from: entries.count - 1)
        earliest = min(earliest, deadline)
        return TimerID(rawValue: lastID)
    }

    func cancel(_ timer: TimerID) {
        bodies[timer.rawValue] = nil
        guard entries.count > 2 * bodies.count + 64 else { return }
        entries.removeAll { bodies[$0.id] == nil }
        for index in entries.indices.reversed() { siftDown(from: index) }
    }

    /// Fires what is due. Timers that are scheduled meanwhile wait for the next iteration, so that
    /// one which schedules itself for now cannot hold the loop.
    func fire(now: MonotonicTime) {
        let newest = lastID
        while let first = entries.first, first.deadline <= now, first.id <= newest {
            removeFirst()
            bodies.removeValue(forKey: first.id)?()
        }
        earliest = entries.first?.deadline ?? .never
    }

    func removeAll() {
        entries = []
        bodies = [:]
        earliest = .never
    }

    private func removeFirst() {
        guard let last = entries.popLast(), !entries.isEmpty else { return }
        entries[0] = last
        siftDown(from: 0)
    }

    private func siftUp(from start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard entries[index].precedes(entries[parent]) else { return }
            entries.swapAt(index, parent)
            index = parent
        }
    }

    private func siftDown(from start: Int) {
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
