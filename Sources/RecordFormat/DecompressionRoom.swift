import BrokerModel

/// The memory that a decompressor fills: it grows up to a limit and is kept from batch to batch.
struct DecompressionRoom: ~Copyable {
    private static let roomMin = 64 << 10

    private var storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var limit = 0
    /// Bytes filled since `begin`.
    private(set) var used = 0

    deinit { storage.deallocate() }

    var memory: ByteCount { ByteCount(storage.count) }

    var filled: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(storage)[..<used])
    }

    /// What may still be filled without growing.
    var free: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: storage[used..<min(storage.count, limit)])
    }

    /// Forgets the contents. `claim` is what the input says it holds, and nothing to rely on: the
    /// first room has some proportion to the input, and only real output makes it larger.
    mutating func begin(
        _ input: UnsafeRawBufferPointer,
        limit: ByteCount,
        claim: UInt64? = nil
    ) throws(RecordFormatError) {
        self.limit = max(limit.rawValue, 0)
        used = 0
        if let claim, claim > UInt64(self.limit) { throw .decompressedTooLarge(limit: limit) }
        let inputBytes = min(input.count, 1 << 30)
        let likely = claim.map { min(Int($0), 16 &* inputBytes) } ?? 4 &* inputBytes
        allocate(max(min(max(likely, Self.roomMin), self.limit), 1))
    }

    /// Doubles the room, keeping what is filled.
    mutating func grow() throws(RecordFormatError) {
        guard storage.count < limit else {
            throw .decompressedTooLarge(limit: ByteCount(limit))
        }
        allocate(min(2 &* max(storage.count, Self.roomMin), limit))
    }

    /// Grows until `count` bytes are free.
    mutating func reserve(_ count: Int) throws(RecordFormatError) {
        guard count <= limit &- used else {
            throw .decompressedTooLarge(limit: ByteCount(limit))
        }
        guard free.count < count else { return }
        allocate(min(max(2 &* storage.count, used &+ count), limit))
    }

    /// Counts bytes that were written to the front of `free`.
    mutating func fill(_ count: Int) {
        precondition(count >= 0 && count <= free.count, "a decompressor stays inside its room")
        used &+= count
    }

    mutating func release() {
        storage.deallocate()
        storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        used = 0
    }

    private mutating func allocate(_ size: Int) {
        guard storage.count < size else { return }
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        larger.copyMemory(from: filled)
        storage.deallocate()
        storage = larger
    }
}
