/// A queue whose memory is reused: first in, first out, or last in, first out.
///
/// It is a class of plain fields over raw memory because an array inside a class is checked for
/// exclusive access at each use, and those checks were half the cost of an iteration.
final class WorkQueue<Item> {
    private var memory: UnsafeMutablePointer<Item>
    private var capacity = 16
    /// Items live from here up to `end`.
    private var first = 0
    private var end = 0

    init() { memory = .allocate(capacity: capacity) }

    deinit {
        (memory + first).deinitialize(count: count)
        memory.deallocate()
    }

    var count: Int { end &- first }
    var isEmpty: Bool { end == first }

    func append(_ item: Item) {
        if end == capacity { makeRoom() }
        (memory + end).initialize(to: item)
        end &+= 1
    }

    func popFirst() -> Item? {
        guard first < end else { return nil }
        let item = (memory + first).move()
        first &+= 1
        if first == end { (first, end) = (0, 0) }
        return item
    }

    func popLast() -> Item? {
        guard first < end else { return nil }
        end &-= 1
        return (memory + end).move()
    }

    private func makeRoom() {
        capacity = max(16, 2 * count)
        let moved = UnsafeMutablePointer<Item>.allocate(capacity: capacity)
        moved.moveInitialize(from: memory + first, count: count)
        memory.deallocate()
        (memory, first, end) = (moved, 0, count)
    }
}
