/// Growable bytes that are copied by the machine and not by the element: a debug build walks an
/// array of bytes one by one, and a simulation has no time for that.
final class SimulatedBytes {
    private(set) var count = 0
    private var storage = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 16)
    private var capacity = 64

    init() {}

    init(_ bytes: UnsafeRawBufferPointer) { write(bytes, at: 0) }

    deinit { storage.deallocate() }

    var bytes: UnsafeRawBufferPointer { .init(start: storage, count: count) }

    func copy() -> SimulatedBytes { SimulatedBytes(bytes) }

    /// Writes, growing where needed; what lies between the old end and `position` becomes zero.
    func write(_ source: UnsafeRawBufferPointer, at position: Int) {
        guard let start = source.baseAddress, source.count > 0 else { return }
        extend(to: position + source.count)
        (storage + position).copyMemory(from: start, byteCount: source.count)
    }

    /// Grows with zeros; never shrinks.
    func extend(to size: Int) {
        guard size > count else { return }
        if size > capacity {
            let larger = max(size, 2 * capacity)
            let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
            moved.copyMemory(from: storage, byteCount: count)
            storage.deallocate()
            storage = moved
            capacity = larger
        }
        (storage + count).initializeMemory(as: UInt8.self, repeating: 0, count: size - count)
        count = size
    }

    func truncate(to size: Int) {
        if size > count { extend(to: size) } else { count = size }
    }

    func read(at position: Int, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let length = max(0, min(buffer.count, count - position))
        guard length > 0, let start = buffer.baseAddress else { return 0 }
        start.copyMemory(from: storage + position, byteCount: length)
        return length
    }
}
