import BrokerModel

/// Zigzag varints whose size is known before they are written: a record begins with its length.
enum Varint {
    /// No varint of 64 bits is longer.
    static let sizeMax = 10
    /// The length -1, which stands for null.
    static let null: UInt8 = 1

    @inline(__always)
    static func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: value &<< 1 ^ value &>> 63) }

    /// A length or count, which is never negative.
    @inline(__always)
    static func zigzag(length: Int) -> UInt64 { UInt64(truncatingIfNeeded: length) &<< 1 }

    /// How many bytes `bits` take at seven a byte.
    @inline(__always)
    static func size(_ bits: UInt64) -> Int {
        // Nearly all take one or two bytes, and a compare is cheaper than the division.
        guard bits >= 0x80 else { return 1 }
        guard bits >= 0x4000 else { return 2 }
        return (70 &- bits.leadingZeroBitCount) / 7
    }

    /// Writes `bits` at `target` and moves it past them.
    @inline(__always)
    static func write(_ bits: UInt64, to target: inout UnsafeMutableRawPointer) {
        var bits = bits
        while bits >= 0x80 {
            target.storeBytes(of: UInt8(truncatingIfNeeded: bits) | 0x80, as: UInt8.self)
            target += 1
            bits &>>= 7
        }
        target.storeBytes(of: UInt8(truncatingIfNeeded: bits), as: UInt8.self)
        target += 1
    }

    /// Writes what a length announced, and moves `target` past it.
    @inline(__always)
    static func copy(_ bytes: UnsafeRawBufferPointer, to target: inout UnsafeMutableRawPointer) {
        guard let start = bytes.baseAddress else { return }
        target.copyMemory(from: start, byteCount: bytes.count)
        target += bytes.count
    }
}

extension ByteReader {
    /// `readVarint`, with the one byte that nearly every length and delta takes read at once.
    @inline(__always)
    mutating func readRecordVarint() -> Int32? {
        guard let byte = peekByte(), byte < 0x80 else { return readVarint() }
        skip(1)
        return Int32(byte >> 1) ^ -Int32(byte & 1)
    }
}
