/// The 128 bits by which a cleaning knows a key: SipHash-2-4 under a secret, so that nobody who
/// chooses keys can choose two that count as one, of which the cleaning would drop the older.
package struct KeyHash: Hashable {
    /// Another one for every cleaning.
    package struct Secret: Sendable {
        package let low: UInt64
        package let high: UInt64

        package init(low: UInt64, high: UInt64) {
            self.low = low
            self.high = high
        }
    }

    package let low: UInt64
    package let high: UInt64

    package init(of key: UnsafeRawBufferPointer, _ secret: Secret) {
        var state = State(secret)
        var position = 0
        while key.count &- position >= 8 {
            let word = key.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            state.take(UInt64(littleEndian: word))
            position &+= 8
        }
        var last = UInt64(truncatingIfNeeded: key.count) &<< 56
        var shift: UInt64 = 0
        while position < key.count {
            last |= UInt64(key[position]) &<< shift
            position &+= 1
            shift &+= 8
        }
        state.take(last)
        (low, high) = state.finish()
    }

    private struct State {
        private var v0, v1, v2, v3: UInt64

        init(_ secret: Secret) {
            v0 = secret.low ^ 0x736f_6d65_7073_6575
            v1 = secret.high ^ 0x646f_7261_6e64_6f6d ^ 0xee
            v2 = secret.low ^ 0x6c79_6765_6e65_7261
            v3 = secret.high ^ 0x7465_6462_7974_6573
        }

        mutating func take(_ word: UInt64) {
            v3 ^= word
            round()
            round()
            v0 ^= word
        }

        mutating func finish() -> (UInt64, UInt64) {
            v2 ^= 0xee
            for _ in 0..<4 { round() }
            let low = v0 ^ v1 ^ v2 ^ v3
            v1 ^= 0xdd
            for _ in 0..<4 { round() }
            return (low, v0 ^ v1 ^ v2 ^ v3)
        }

        @inline(__always)
        private mutating func round() {
            v0 &+= v1
            v1 = Self.rotate(v1, 13) ^ v0
            v0 = Self.rotate(v0, 32)
            v2 &+= v3
            v3 = Self.rotate(v3, 16) ^ v2
            v0 &+= v3
            v3 = Self.rotate(v3, 21) ^ v0
            v2 &+= v1
            v1 = Self.rotate(v1, 17) ^ v2
            v2 = Self.rotate(v2, 32)
        }

        @inline(__always)
        private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
            value &<< count | value &>> (64 &- count)
        }
    }
}
