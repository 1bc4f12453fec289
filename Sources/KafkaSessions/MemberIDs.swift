import BrokerModel

/// Ids for new members: their client's or instance's name, and 122 bits that do not repeat.
struct MemberIDs: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next(for name: String) -> String {
        let id = UUIDBytes.random(using: &self)
        let digits = Self.hexadecimal(id.high) + Self.hexadecimal(id.low)
        var text = Self.bounded(name)
        for (index, digit) in digits.enumerated() {
            if [0, 8, 12, 16, 20].contains(index) { text.append("-") }
            text.append(digit)
        }
        return text
    }

    /// Whole characters from the front.
    private static func bounded(_ name: String) -> String {
        let bytesMax = KafkaSessionsLimits.memberNameBytesMax
        guard name.utf8.count > bytesMax else { return name }
        var text = ""
        var size = 0
        for scalar in name.unicodeScalars {
            size += UTF8.width(scalar)
            guard size <= bytesMax else { break }
            text.unicodeScalars.append(scalar)
        }
        return text
    }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }

    private static func hexadecimal(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
