/// Zigzag varints whose size is known before they are written: a record begins with its length.
enum Varint {
    /// The length -1, which stands for null.
    static let null: UInt8 = 1

    @inline(__always)
    static func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: value &<< 1 ^ value &>> 63) }

    /// A length or count, which is never negative.
    @inline(__always)
    static func zigzag(length: Int) -> UInt64 { UInt64(truncatingIfNeeded: length) &<< 1 }

    /// How many bytes `bits` take at seven a byte; 0 takes one, too.
    @inline(__always)
    static func size(_ bits: UInt64) -> Int {
        (70 &- (bits | 1).leadingZeroBitCount) / 7
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
}
