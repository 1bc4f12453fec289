/// SplitMix64: the same numbers from the same seed on every machine.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// `bytes` with a few of them changed, most of them near the front where lengths stand.
    mutating func damage(_ bytes: [UInt8]) -> [UInt8] {
        guard !bytes.isEmpty else { return bytes }
        var damaged = bytes
        let awkward: [UInt8] = [0, 1, 0x7f, 0x80, 0xfe, 0xff]
        for _ in 0..<Int.random(in: 1...4, using: &self) {
            let reach = Bool.random(using: &self) ? min(96, bytes.count) : bytes.count
            let place = Int.random(in: 0..<reach, using: &self)
            damaged[place] =
                awkward.randomElement(using: &self) ?? UInt8.random(in: 0...255, using: &self)
        }
        return damaged
    }

    /// `bytes` with one bit changed.
    mutating func flipBit(_ bytes: [UInt8]) -> [UInt8] {
        guard !bytes.isEmpty else { return bytes }
        var damaged = bytes
        let place = Int.random(in: 0..<bytes.count, using: &self)
        damaged[place] ^= 1 << UInt8.random(in: 0..<8, using: &self)
        return damaged
    }
}
