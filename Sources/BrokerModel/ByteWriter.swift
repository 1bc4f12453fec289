/// Growable bytes with a cursor at their end, that writes big-endian values.
///
/// Owned by one connection, loop or batch, and reused: `removeAll` keeps the memory.
@frozen public struct ByteWriter: ~Copyable {
    @usableFromInline var storage: UnsafeMutableRawPointer
    @inlinable public var capacity: Int { room }
    @usableFromInline var room: Int
    /// Bytes written so far.
    @inlinable public var count: Int { used }
    @usableFromInline var used = 0

    public init(capacity: Int = 0) {
        room = capacity
        storage = .allocate(byteCount: max(capacity, 1), alignment: 16)
    }

    deinit { storage.deallocate() }

    @inlinable public var isEmpty: Bool { count == 0 }

    /// What was written. Valid until the next write, `release` or the writer's end.
    @inlinable public var bytes: UnsafeRawBufferPointer { .init(start: storage, count: count) }

    /// The same bytes, for changing them in place.
    @inlinable public var mutableBytes: UnsafeMutableRawBufferPointer {
        .init(start: storage, count: count)
    }

    /// Makes room for `additional` more bytes.
    @inlinable public mutating func reserve(_ additional: Int) {
        guard count &+ additional > capacity else { return }
        grow(to: count + additional)
    }

    @inlinable public mutating func writeByte(_ value: UInt8) {
        reserve(1)
        storage.storeBytes(of: value, toByteOffset: count, as: UInt8.self)
        used &+= 1
    }

    @inlinable public mutating func writeInteger<T: FixedWidthInteger>(_ value: T) {
        reserve(MemoryLayout<T>.size)
        storage.storeBytes(of: value.bigEndian, toByteOffset: count, as: T.self)
        used &+= MemoryLayout<T>.size
    }

    @inlinable public mutating func writeBytes(_ source: UnsafeRawBufferPointer) {
        guard let start = source.baseAddress, source.count > 0 else { return }
        reserve(source.count)
        (storage + count).copyMemory(from: start, byteCount: source.count)
        used &+= source.count
    }

    @inlinable public mutating func writeBytes(_ source: some Collection<UInt8>) {
        let length = source.count
        reserve(length)
        let target = UnsafeMutableRawBufferPointer(start: storage + count, count: length)
        target.copyBytes(from: source)
        used &+= length
    }

    /// The string's UTF-8 bytes, without a length.
    public mutating func writeUTF8(_ string: String) {
        var string = string
        string.withUTF8 { writeBytes(UnsafeRawBufferPointer($0)) }
    }

    @inlinable public mutating func writeUnsignedVarint(_ value: UInt32) {
        writeVarint64(UInt64(value))
    }

    @inlinable public mutating func writeVarint(_ value: Int32) {
        writeVarint64(UInt64(UInt32(bitPattern: (value &<< 1) ^ (value &>> 31))))
    }

    @inlinable public mutating func writeVarlong(_ value: Int64) {
        writeVarint64(UInt64(bitPattern: (value &<< 1) ^ (value &>> 63)))
    }

    /// Overwrites an integer written earlier, for lengths and checksums known only later.
    @inlinable public mutating func patchInteger<T: FixedWidthInteger>(_ value: T, at position: Int)
    {
        precondition(
            position >= 0 && position + MemoryLayout<T>.size <= count,
            "a patch stays inside what was written"
        )
        storage.storeBytes(of: value.bigEndian, toByteOffset: position, as: T.self)
    }

    /// Lets `body` fill up to `capacity` further bytes; it returns how many it wrote.
    @inlinable public mutating func writeUpTo<Failure: Error>(
        _ room: Int,
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) {
        reserve(room)
        let written = try body(UnsafeMutableRawBufferPointer(start: storage + count, count: room))
        precondition(written >= 0 && written <= room, "a filler stays inside its room")
        used &+= written
    }

    /// Forgets all bytes and keeps the memory.
    @inlinable public mutating func removeAll() { used = 0 }

    /// Forgets what was written after `length`.
    @inlinable public mutating func truncate(to length: Int) {
        precondition(length >= 0 && length <= count, "a truncation only shortens")
        used = length
    }

    /// Forgets the first `length` bytes and moves the rest to the front.
    public mutating func removeFirst(_ length: Int) {
        precondition(length >= 0 && length <= count, "only what was written can be removed")
        used &-= length
        guard count > 0, length > 0 else { return }
        storage.copyMemory(from: storage + length, byteCount: count)
    }

    /// Forgets all bytes and gives the memory back.
    public mutating func release() {
        storage.deallocate()
        storage = .allocate(byteCount: 1, alignment: 16)
        room = 0
        used = 0
    }

    @inlinable mutating func writeVarint64(_ value: UInt64) {
        reserve(10)
        var value = value
        while value >= 0x80 {
            storage.storeBytes(
                of: UInt8(truncatingIfNeeded: value) | 0x80,
                toByteOffset: count,
                as: UInt8.self
            )
            used &+= 1
            value >>= 7
        }
        storage.storeBytes(
            of: UInt8(truncatingIfNeeded: value),
            toByteOffset: count,
            as: UInt8.self
        )
        used &+= 1
    }

    @inline(never) @usableFromInline mutating func grow(to needed: Int) {
        let larger = max(needed, capacity * 2, 64)
        let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        moved.copyMemory(from: storage, byteCount: count)
        storage.deallocate()
        storage = moved
        room = larger
    }
}
