/// A cursor that reads big-endian values from bytes that somebody else owns and keeps alive.
///
/// Too little input is nil and consumes nothing.
@frozen public struct ByteReader {
    public let bytes: UnsafeRawBufferPointer
    /// Bytes consumed since the start.
    @inlinable public var position: Int { cursor }
    @usableFromInline var cursor = 0

    @inlinable public var remaining: Int { bytes.count &- position }
    @inlinable public var isAtEnd: Bool { position == bytes.count }
    /// What has not been consumed, without consuming it.
    @inlinable public var rest: UnsafeRawBufferPointer { .init(rebasing: bytes[position...]) }

    @inlinable public init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The byte `index` places ahead, nil past the end. `index` is never negative.
    @inlinable public func peekByte(at index: Int = 0) -> UInt8? {
        guard index < remaining else { return nil }
        return bytes[position &+ index]
    }

    /// Consumes `count` bytes that the caller knows to be there.
    @inlinable public mutating func skip(_ count: Int) {
        precondition(count >= 0 && count <= remaining, "a caller skips only what it has seen")
        cursor &+= count
    }

    @inlinable public mutating func readByte() -> UInt8? {
        guard position < bytes.count else { return nil }
        defer { cursor &+= 1 }
        return bytes[position]
    }

    @inlinable public mutating func readInteger<T: FixedWidthInteger>(_: T.Type = T.self) -> T? {
        let size = MemoryLayout<T>.size
        guard remaining >= size else { return nil }
        defer { cursor &+= size }
        return T(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: T.self))
    }

    /// The next `count` bytes; they live as long as the reader's own bytes do.
    @inlinable public mutating func readBytes(_ count: Int) -> UnsafeRawBufferPointer? {
        guard count >= 0, count <= remaining else { return nil }
        defer { cursor &+= count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position &+ count])
    }

    /// An unsigned varint of Kafka's flexible versions. Nil when short or longer than five bytes.
    @inlinable public mutating func readUnsignedVarint() -> UInt32? {
        guard let value = readVarint64(bytesMax: 5) else { return nil }
        return UInt32(exactly: value)
    }

    /// A zigzag varint of up to 64 bits, as records use them. Nil when short or over ten bytes.
    @inlinable public mutating func readVarlong() -> Int64? {
        guard let value = readVarint64(bytesMax: 10) else { return nil }
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// A zigzag varint of up to 32 bits. Nil when short, over five bytes or out of range.
    @inlinable public mutating func readVarint() -> Int32? {
        guard let value = readVarint64(bytesMax: 5), let bits = UInt32(exactly: value) else {
            return nil
        }
        return Int32(bitPattern: bits >> 1) ^ -Int32(bitPattern: bits & 1)
    }

    @inlinable mutating func readVarint64(bytesMax: Int) -> UInt64? {
        var value: UInt64 = 0
        for index in 0..<bytesMax {
            guard let byte = peekByte(at: index) else { return nil }
            // A tenth byte has room for one bit only: what does not fit makes the value wrong.
            guard index < 9 || byte <= 1 else { return nil }
            value |= UInt64(byte & 0x7f) &<< UInt64(7 &* index)
            guard byte & 0x80 == 0 else { continue }
            cursor &+= index &+ 1
            return value
        }
        return nil
    }
}
