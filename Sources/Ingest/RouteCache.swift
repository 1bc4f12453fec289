import BrokerModel

/// What a route makes of one MQTT topic, worked out once: which topic, which key, which headers.
struct CachedRoute {
    enum Kind: UInt8 {
        case empty
        /// No route takes it.
        case unrouted
        /// It differs by client: look again, with the client.
        case perClient
        case routed
    }

    var kind = Kind.empty
    var isLiveSynced = false
    /// The key stands in the payload.
    var usesPayload = false
    /// The route wants a key that the publish cannot give.
    var lacksKey = false
    var hash: UInt64 = 0
    /// Of the key, for choosing a partition.
    var keyHash: UInt32 = 0
    var route: Int32 = 0
    var headerCount: Int32 = 0
    /// Lengths of what `storage` holds one after the other; a key of -1 bytes is none.
    var topicBytes: Int32 = 0
    var clientBytes: Int32 = 0
    var keyBytes: Int32 = -1
    var headerBytes: Int32 = 0
    /// Lives as long as its router, which empties the cache before it lets a topic go.
    var target: Unmanaged<RouteTopic>?
    var storage: UnsafeMutableRawPointer?
    var storageBytes: Int32 = 0

    var key: UnsafeRawBufferPointer? {
        guard keyBytes >= 0 else { return nil }
        return slice(Int(topicBytes &+ clientBytes), Int(keyBytes))
    }

    var headers: UnsafeRawBufferPointer {
        slice(Int(topicBytes &+ clientBytes &+ max(keyBytes, 0)), Int(headerBytes))
    }

    private func slice(_ start: Int, _ count: Int) -> UnsafeRawBufferPointer {
        guard let storage else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: storage + start, count: count)
    }

    @inline(__always)
    func isOf(_ publish: RoutedPublish) -> Bool {
        guard let storage, Int(topicBytes) == publish.topic.count,
            Int(clientBytes) == publish.client.count
        else { return false }
        let own = UnsafeRawPointer(storage)
        return publish.topic.hasSameBytes(at: own)
            && publish.client.hasSameBytes(at: own + publish.topic.count)
    }

    /// Makes room for `count` bytes; what was there is forgotten.
    mutating func reserve(_ count: Int) -> UnsafeMutableRawPointer {
        if let storage, Int(storageBytes) >= count { return storage }
        storage?.deallocate()
        // In steps, so that an entry that changes its owner rarely needs new memory.
        let size = max(64, (count &+ 63) & ~63)
        let fresh = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
        storage = fresh
        storageBytes = Int32(truncatingIfNeeded: size)
        return fresh
    }
}

/// What has been worked out for the MQTT topics that were seen last. Bounded: where four topics
/// share a place, a fifth takes the oldest one's.
struct RouteCache: ~Copyable {
    /// Longer topics, keys and headers together are worked out each time.
    static let entryBytesMax = 1 << 10
    private static let ways = 4

    private var entries: UnsafeMutablePointer<CachedRoute>
    /// A power of two, in entries.
    private var capacity: Int
    private let capacityMax: Int
    private var used = 0
    private var nextVictim = 0
    /// Devices choose topics: without a seed they could choose collisions too.
    private let seed: UInt64
    /// Entries that made room for another topic.
    private(set) var evictions = 0

    init(entriesMax: Int, seed: UInt64) {
        self.seed = seed
        var most = 64
        while most * 2 <= entriesMax { most *= 2 }
        capacityMax = most
        capacity = 64
        entries = .allocate(capacity: capacity)
        entries.initialize(repeating: CachedRoute(), count: capacity)
    }

    deinit {
        for index in 0..<capacity { entries[index].storage?.deallocate() }
        entries.deallocate()
    }

    /// The entry of this topic and client. Valid until the next `insert` or `removeAll`.
    @inline(__always)
    func find(_ publish: RoutedPublish) -> UnsafePointer<CachedRoute>? {
        let hash = hash(publish)
        let first = entries + place(of: hash)
        for way in 0..<Self.ways {
            let entry = first + way
            guard entry.pointee.hash == hash, entry.pointee.kind != .empty else { continue }
            if entry.pointee.isOf(publish) { return UnsafePointer(entry) }
        }
        return nil
    }

    /// A blank entry that `find` will find once the caller has written the names into its storage.
    mutating func insert(_ publish: RoutedPublish) -> UnsafeMutablePointer<CachedRoute> {
        if used * 4 >= capacity * 3, capacity < capacityMax { grow() }
        let hash = hash(publish)
        let entry = vacant(hash)
        let (storage, bytes) = (entry.pointee.storage, entry.pointee.storageBytes)
        entry.pointee = CachedRoute()
        (entry.pointee.storage, entry.pointee.storageBytes) = (storage, bytes)
        entry.pointee.hash = hash
        return entry
    }

    mutating func removeAll() {
        for index in 0..<capacity { entries[index].kind = .empty }
        used = 0
    }

    private mutating func vacant(_ hash: UInt64) -> UnsafeMutablePointer<CachedRoute> {
        let first = entries + place(of: hash)
        for way in 0..<Self.ways where first[way].kind == .empty {
            used += 1
            return first + way
        }
        nextVictim = (nextVictim &+ 1) & (Self.ways &- 1)
        evictions &+= 1
        return first + nextVictim
    }

    private mutating func grow() {
        let (old, oldCapacity) = (entries, capacity)
        capacity *= 2
        entries = .allocate(capacity: capacity)
        entries.initialize(repeating: CachedRoute(), count: capacity)
        used = 0
        for index in 0..<oldCapacity {
            let entry = old[index]
            guard entry.kind != .empty else {
                entry.storage?.deallocate()
                continue
            }
            let place = vacant(entry.hash)
            place.pointee.storage?.deallocate()
            place.pointee = entry
        }
        old.deallocate()
    }

    private func place(of hash: UInt64) -> Int {
        Int(truncatingIfNeeded: hash) & (capacity &- 1) & ~(Self.ways &- 1)
    }

    @inline(__always)
    private func hash(_ publish: RoutedPublish) -> UInt64 {
        var hash = publish.topic.mixed(into: seed)
        if !publish.client.isEmpty { hash = publish.client.mixed(into: hash) }
        return hash
    }
}

extension UnsafeRawBufferPointer {
    /// A hash of the bytes, eight at a time.
    @inline(__always)
    fileprivate func mixed(into seed: UInt64) -> UInt64 {
        var hash = Self.mix(seed, UInt64(truncatingIfNeeded: count))
        var index = 0
        while index &+ 8 <= count {
            hash = Self.mix(hash, loadUnaligned(fromByteOffset: index, as: UInt64.self))
            index &+= 8
        }
        return index < count ? Self.mix(hash, tail(from: index)) : hash
    }

    @inline(__always)
    private static func mix(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        let product = (hash ^ word ^ 0x9e37_79b9_7f4a_7c15).multipliedFullWidth(
            by: 0xd6e8_feb8_6659_fd93
        )
        return product.high ^ product.low
    }

    /// The last bytes, fewer than eight, as one word.
    @inline(__always)
    private func tail(from start: Int) -> UInt64 {
        guard count < 8 else {
            let word = loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
            return word &>> UInt64(8 &* (start &- (count &- 8)))
        }
        var word: UInt64 = 0
        var index = start
        while index < count {
            word |= UInt64(self[index]) &<< UInt64(8 &* (index &- start))
            index &+= 1
        }
        return word
    }

    @inline(__always)
    fileprivate func hasSameBytes(at other: UnsafeRawPointer) -> Bool {
        var index = 0
        while index &+ 8 <= count {
            guard
                loadUnaligned(fromByteOffset: index, as: UInt64.self)
                    == other.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            else { return false }
            index &+= 8
        }
        while index < count {
            guard self[index] == other.load(fromByteOffset: index, as: UInt8.self) else {
                return false
            }
            index &+= 1
        }
        return true
    }
}
