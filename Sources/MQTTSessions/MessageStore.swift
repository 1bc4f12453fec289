import BrokerModel
import MQTTWire

/// The memory of the messages that wait for subscribers: blocks of few sizes, used again and again,
/// so that a message costs no allocation. All of it comes from one pool.
///
/// Confined to one loop, like the sessions that it serves.
final class MessageStore {
    /// What is taken from the pool at once.
    private static let step = 64 << 10
    /// Free blocks kept for their next use.
    private static let freeBytesMax = 256 << 10
    private static let classes = 22

    private let pool: MemoryPool
    /// The first free block of each size; a free block begins with the address of the next one.
    private var free = [UnsafeMutableRawPointer?](repeating: nil, count: MessageStore.classes)
    private var freeBytes = 0
    /// Blocks in use and free ones.
    private var allocated = 0
    private var reserved = 0

    init(pool: MemoryPool) { self.pool = pool }

    deinit {
        dropFree()
        pool.release(ByteCount(reserved))
    }

    /// What a single subscriber may still take: as much as is free. So those who never acknowledge
    /// leave to everybody else as much as they hold themselves, however many they are.
    var room: Int { pool.capacity.rawValue &- allocated &+ freeBytes }

    /// Copies a message. The caller keeps it, and releases it. Nil when the pool is full.
    func store(_ packet: PublishPacket, now: MonotonicTime) -> StoredMessage? {
        let size = StoredMessage.size(of: packet)
        let place = Self.sizeClass(size)
        let capacity = place.map(Self.capacity) ?? size
        guard let block = takeFree(place, capacity) ?? allocate(capacity) else { return nil }
        let message = StoredMessage(start: block)
        message.fill(packet, capacity: capacity, now: now)
        return message
    }

    func retain(_ message: StoredMessage) { message.head.pointee.references &+= 1 }

    func release(_ message: StoredMessage) {
        message.head.pointee.references &-= 1
        guard message.head.pointee.references == 0 else { return }
        let capacity = Int(message.head.pointee.capacity)
        guard let place = Self.sizeClass(capacity), freeBytes + capacity <= Self.freeBytesMax else {
            return deallocate(message.start, capacity)
        }
        message.start.storeBytes(of: free[place], as: UnsafeMutableRawPointer?.self)
        free[place] = message.start
        freeBytes += capacity
    }

    /// Takes room for what a session keeps beside messages. False when the pool is full.
    func reserve(_ size: Int) -> Bool {
        guard allocated + size > reserved else {
            allocated += size
            return true
        }
        let missing = allocated + size - reserved
        let step = max(Self.step, missing)
        if pool.reserve(ByteCount(step)) {
            reserved += step
        } else {
            dropFree()
            let less = max(0, allocated + size - reserved)
            guard less == 0 || pool.reserve(ByteCount(less)) else { return false }
            reserved += less
        }
        allocated += size
        return true
    }

    func unreserve(_ size: Int) {
        allocated -= size
        let surplus = reserved - allocated
        guard surplus >= 2 * Self.step || allocated == 0 else { return }
        pool.release(ByteCount(surplus))
        reserved -= surplus
    }

    private func takeFree(_ place: Int?, _ capacity: Int) -> UnsafeMutableRawPointer? {
        guard let place, let block = free[place] else { return nil }
        free[place] = block.load(as: UnsafeMutableRawPointer?.self)
        freeBytes -= capacity
        return block
    }

    private func allocate(_ capacity: Int) -> UnsafeMutableRawPointer? {
        guard reserve(capacity) else { return nil }
        return .allocate(byteCount: capacity, alignment: 16)
    }

    private func deallocate(_ block: UnsafeMutableRawPointer, _ capacity: Int) {
        block.deallocate()
        unreserve(capacity)
    }

    private func dropFree() {
        for place in free.indices {
            let capacity = Self.capacity(place)
            while let block = takeFree(place, capacity) { deallocate(block, capacity) }
        }
    }

    /// Steps of 64 bytes up to 1 KiB, then doubled up to 64 KiB. What is larger is worth an
    /// allocation of its own.
    private static func sizeClass(_ size: Int) -> Int? {
        if size <= 1_024 { return (size &- 1) / 64 }
        guard size <= 65_536 else { return nil }
        return 16 &+ (64 &- (size &- 1).leadingZeroBitCount) &- 11
    }

    private static func capacity(_ sizeClass: Int) -> Int {
        sizeClass < 16 ? 64 &* (sizeClass &+ 1) : 2_048 << (sizeClass &- 16)
    }
}
