import BrokerModel
import Posix

// How bytes come in: through the loop's shared buffer as long as little is kept between two reads,
// else straight into memory of the connection's own. `reserved` in the input pool is always
// `kept.capacity`, plus what is lent to the one read that is under way.
extension Connection {
    /// The least that a read asks the pool for when the pool is nearly full.
    private static let readBytesMin = 4_096

    func receiveIntoShared() {
        let before = kept.count
        let lent = borrowForRead(max: loop.readBuffer.count - before)
        guard lent > 0 else { return waitForInput(Self.readBytesMin) }
        kept.copy(to: loop.readBuffer)
        let received = socket.receive(
            into: .init(rebasing: loop.readBuffer[before..<before + lent])
        )
        guard received > 0 else {
            loop.settings.input.release(ByteCount(lent))
            return receiveEnded(received)
        }
        loop.counters.bytesReceived.add(received)
        let bytes = UnsafeRawBufferPointer(rebasing: loop.readBuffer[..<(before + received)])
        if bytes.count < frameBytes {
            keep(bytes, lent: lent, isNewFrame: false)
        } else {
            deliver(bytes, lent: lent)
        }
    }

    func receiveIntoKept() {
        if kept.count == kept.capacity { keep(kept.bytes, lent: 0, isNewFrame: false) }
        guard inputNeed == .zero else { return }
        let received = socket.receive(into: kept.room)
        guard received > 0 else { return receiveEnded(received) }
        loop.counters.bytesReceived.add(received)
        kept.grew(by: received)
        if kept.count >= frameBytes { deliver(kept.bytes, lent: 0) }
    }

    /// Shows bytes to the handler and keeps what it leaves. They lie in the shared buffer or in
    /// `kept`, which therefore stays as it is until the handler has returned.
    func deliver(_ bytes: UnsafeRawBufferPointer, lent: Int) {
        let consumed = callHandler(bytes)
        guard phase == .open else {
            loop.settings.input.release(ByteCount(lent))
            return dropInput()
        }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[consumed...])
        keep(rest, lent: lent, isNewFrame: consumed > 0)
    }

    /// Keeps `rest` for the next read, in memory as large as its frame, or twice its size where
    /// the frame's size is unknown. Without that memory in the pool the connection waits for it.
    private func keep(_ rest: UnsafeRawBufferPointer, lent: Int, isNewFrame: Bool) {
        let pool = loop.settings.input
        let held = kept.capacity + lent
        var capacity = kept.capacity(for: rest.count, frameBytes: frameBytes)
        if isPaused { capacity = min(capacity, rest.count) }
        if capacity > held, !pool.reserve(ByteCount(capacity - held)) {
            waitForInput(capacity - rest.count)
            capacity = rest.count  // Not more than is held already: it came from there.
        }
        if capacity < held { pool.release(ByteCount(held - capacity)) }
        kept.replace(with: rest, capacity: capacity)
        inputKept(isNewFrame: isNewFrame)
    }

    func dropInput() {
        guard kept.capacity > 0 else { return }
        loop.settings.input.release(ByteCount(kept.capacity))
        kept.replace(with: UnsafeRawBufferPointer(start: nil, count: 0), capacity: 0)
    }

    /// Reads and forgets, until the peer has seen our end and sends its own.
    func discardInput() {
        let received = socket.receive(into: loop.readBuffer)
        if received <= 0 { receiveEnded(received) }
    }

    private func borrowForRead(max: Int) -> Int {
        let pool = loop.settings.input
        let least = min(max, Self.readBytesMin)
        let size = min(max, Swift.max(least, (pool.capacity - pool.used).rawValue))
        if pool.reserve(ByteCount(size)) { return size }
        return size > least && pool.reserve(ByteCount(least)) ? least : 0
    }
}

/// Input that was received and not consumed. Owns no memory while there is none.
final class KeptInput {
    private var start: UnsafeMutableRawPointer?
    private(set) var capacity = 0
    private(set) var count = 0

    /// Up to here, copying what is kept in front of each read costs less than memory would.
    private static let smallBytesMax = 4_096

    deinit { start?.deallocate() }

    /// Whether reads go straight in here.
    var isLarge: Bool { capacity > Self.smallBytesMax }

    var bytes: UnsafeRawBufferPointer { .init(start: start, count: count) }

    /// What the next read can fill.
    var room: UnsafeMutableRawBufferPointer {
        .init(start: start.map { $0 + count }, count: capacity - count)
    }

    /// How much memory to keep `count` bytes in. Of a frame of unknown size it doubles when it is
    /// full, and stays while it is neither full nor much too large.
    func capacity(for count: Int, frameBytes: Int) -> Int {
        guard count > 0 else { return 0 }
        guard frameBytes <= Self.smallBytesMax else { return frameBytes }
        guard count > Self.smallBytesMax else {
            var small = 64
            while small < count { small *= 2 }
            return small
        }
        return count < capacity && 4 * count >= capacity ? capacity : 2 * count
    }

    func grew(by received: Int) { count += received }

    func copy(to target: UnsafeMutableRawBufferPointer) {
        guard count > 0 else { return }
        target.copyMemory(from: bytes)
    }

    /// Takes `rest` over, which may be a part of what is kept now.
    func replace(with rest: UnsafeRawBufferPointer, capacity: Int) {
        count = rest.count
        guard capacity != self.capacity else {
            if let start, let from = rest.baseAddress, from != UnsafeRawPointer(start) {
                start.copyMemory(from: from, byteCount: rest.count)
            }
            return
        }
        let old = start
        start = capacity > 0 ? .allocate(byteCount: capacity, alignment: 16) : nil
        self.capacity = capacity
        if let start, let from = rest.baseAddress {
            start.copyMemory(from: from, byteCount: rest.count)
        }
        old?.deallocate()
    }
}
