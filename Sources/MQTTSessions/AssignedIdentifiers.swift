import MQTTWire

/// Client identifiers for clients that bring none (3.1.3-6): 128 bits that do not repeat.
struct AssignedIdentifiers {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> Text {
        Text("auto-" + hexadecimal(nextWord()) + hexadecimal(nextWord()))
    }

    /// SplitMix64.
    private mutating func nextWord() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }

    private func hexadecimal(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
