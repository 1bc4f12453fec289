/// 128 random bits: a topic id or a cluster id. Written as Kafka does: base64url, 22 characters.
public struct UUIDBytes: Hashable, Sendable, CustomStringConvertible {
    public let high: UInt64
    public let low: UInt64

    public static let zero = UUIDBytes(high: 0, low: 0)
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8
    )

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A random id (version 4, RFC 9562) that does not begin with `-`, as Kafka's tools want it.
    public static func random(using generator: inout some RandomNumberGenerator) -> UUIDBytes {
        var id = zero
        repeat {
            let high = generator.next() & ~0xf000 | 0x4000
            let low = generator.next() & ~(0b11 << 62) | 0b10 << 62
            id = UUIDBytes(high: high, low: low)
        } while id.description.hasPrefix("-")
        return id
    }

    /// Reads the base64url form; nil when it is not one.
    public init?(_ text: String) {
        let characters = Array(text.utf8)
        guard characters.count == 22 else { return nil }
        var bits: [UInt64] = [0, 0]
        var filled = 0
        for character in characters {
            guard let value = Self.alphabet.firstIndex(of: character) else { return nil }
            for bit in (0..<6).reversed() where filled < 128 {
                bits[filled / 64] = bits[filled / 64] << 1 | UInt64(value >> bit & 1)
                filled += 1
            }
        }
        self.init(high: bits[0], low: bits[1])
        guard description == text else { return nil }
    }

    public var description: String {
        var text: [UInt8] = []
        for group in 0..<22 {
            var value = 0
            for bit in group * 6..<group * 6 + 6 {
                let word = bit < 64 ? high : low
                let set = bit < 128 ? Int(word >> UInt64(63 - bit % 64) & 1) : 0
                value = value << 1 | set
            }
            text.append(Self.alphabet[value])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
