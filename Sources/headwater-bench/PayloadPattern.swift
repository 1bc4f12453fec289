import BrokerModel

/// What the load's messages hold: telemetry as JSON, which says at fixed places who sent it, as
/// which message, and when.
///
///     {"dev":10042,"seq":1000000007,"ns":1000000012345678901,"temperature":23.41,...}
struct PayloadPattern {
    /// Shorter ones have no room for what is checked.
    static let sizeMin = 64
    static let devices = 90_000

    private static let head = "{\"dev\":10000,\"seq\":1000000000,\"ns\":1000000000000000000"
    private static let devicePlace = 7
    static let deviceDigits = 5
    private static let sequencePlace = 19
    static let sequenceDigits = 10
    private static let timePlace = 35
    static let timeDigits = 19
    /// So much in all that zstd's window at level 1, an eighth of it, seldom sees a body twice:
    /// what repeats is what telemetry repeats, its names and the look of its numbers.
    private static let bodiesBytes = 4 << 20
    // Digits with a leading one: JSON allows no leading zero.
    static let deviceBase = 10_000
    static let sequenceBase = 1_000_000_000
    static let timeBase = 1_000_000_000_000_000_000

    let size: Int
    /// All variants, one behind the other; their number is a power of two.
    private let bodies: [UInt8]
    private let variantMask: Int

    init(size: Int) {
        precondition(size >= Self.sizeMin, "the command line was checked")
        self.size = size
        var random = PatternGenerator(state: 88_172_645_463_325_252)
        var variants = 8
        while variants * size < Self.bodiesBytes { variants *= 2 }
        variantMask = variants - 1
        bodies = Self.bodies(variants, of: Self.template(size), &random)
    }

    /// Writes a message at `target`. `device`, `sequence` and `time` are their digits.
    @inline(__always)
    func write(
        device: UnsafeRawPointer,
        variant: Int,
        sequence: UnsafeRawPointer,
        time: UnsafeRawPointer,
        to target: UnsafeMutableRawPointer
    ) {
        bodies.withUnsafeBytes { bodies in
            guard let start = bodies.baseAddress else { return }
            let body = start + (variant & variantMask) &* size
            target.copyMemory(from: body, byteCount: size)
        }
        (target + Self.devicePlace).copyMemory(from: device, byteCount: Self.deviceDigits)
        (target + Self.sequencePlace).copyMemory(from: sequence, byteCount: Self.sequenceDigits)
        (target + Self.timePlace).copyMemory(from: time, byteCount: Self.timeDigits)
    }

    struct Stamp {
        var device: Int
        var sequence: Int
        var time: Int64
    }

    /// What a message says of itself; nil when it is none of ours, or not as it was sent.
    @inline(__always)
    func stamp(of payload: UnsafeRawBufferPointer) -> Stamp? {
        guard payload.count == size, let start = payload.baseAddress,
            let device = Digits.read(start + Self.devicePlace, count: Self.deviceDigits),
            let sequence = Digits.read(start + Self.sequencePlace, count: Self.sequenceDigits),
            let time = Digits.read(start + Self.timePlace, count: Self.timeDigits)
        else { return nil }
        let stamp = Stamp(
            device: device &- Self.deviceBase,
            sequence: sequence &- Self.sequenceBase,
            time: Int64(time &- Self.timeBase)
        )
        let variant = Self.variant(device: stamp.device, sequence: stamp.sequence)
        return hasTail(payload, variant: variant) ? stamp : nil
    }

    /// The variant that a publisher uses for its message.
    @inline(__always)
    static func variant(device: Int, sequence: Int) -> Int {
        // Mixed, so that devices side by side do not send the same bodies.
        let mixed = UInt64(truncatingIfNeeded: sequence) &* 0x9e37_79b9_7f4a_7c15
        let other = UInt64(truncatingIfNeeded: device) &* 0xc2b2_ae3d_27d4_eb4f
        return Int(truncatingIfNeeded: (mixed &+ other) &>> 33)
    }

    /// Whether all behind the stamp is as it was sent.
    @inline(__always)
    private func hasTail(_ payload: UnsafeRawBufferPointer, variant: Int) -> Bool {
        bodies.withUnsafeBytes { bodies in
            let place = (variant & variantMask) &* size
            let end = Self.timePlace + Self.timeDigits
            let sent = UnsafeRawBufferPointer(rebasing: bodies[place &+ end..<place &+ size])
            return sent.elementsEqualBytes(UnsafeRawBufferPointer(rebasing: payload[end...]))
        }
    }

    /// A body whose readings are still `#`s, and its filler `~`s.
    private static func template(_ size: Int) -> [UInt8] {
        let names = [
            "temperature", "humidity", "pressure", "vibration_x", "vibration_y", "voltage",
            "current", "speed", "flow", "level",
        ]
        var text = head
        var index = 0
        while true {
            let field = ",\"\(names[index % names.count])\":##.##"
            guard text.utf8.count + field.utf8.count + 1 <= size else { break }
            text += field
            index += 1
        }
        let left = size - text.utf8.count - 1
        let filler = String(repeating: "~", count: max(0, left - 7))
        text += left >= 8 ? ",\"t\":\"\(filler)\"" : String(repeating: " ", count: left)
        return [UInt8]((text + "}").utf8)
    }

    private static func bodies(
        _ count: Int,
        of template: [UInt8],
        _ random: inout PatternGenerator
    ) -> [UInt8] {
        var bodies: [UInt8] = []
        bodies.reserveCapacity(count * template.count)
        for _ in 0..<count { bodies += template }
        let marks = template.indices.filter { template[$0] == 0x23 || template[$0] == 0x7e }
        for start in stride(from: 0, to: bodies.count, by: template.count) {
            for mark in marks {
                let isLeading = template[mark - 1] == 0x3a
                bodies[start + mark] =
                    0x30 + UInt8(isLeading ? 1 + random.next(9) : random.next(10))
            }
        }
        return bodies
    }
}

/// Numbers of a fixed count of decimal digits.
enum Digits {
    @inline(__always)
    static func write(_ value: Int, count: Int, to target: UnsafeMutableRawPointer) {
        var rest = UInt(bitPattern: value)
        for place in stride(from: count &- 1, through: 0, by: -1) {
            let digit = UInt8(truncatingIfNeeded: rest % 10) &+ 0x30
            target.storeBytes(of: digit, toByteOffset: place, as: UInt8.self)
            rest /= 10
        }
    }

    /// Nil when something there is no digit.
    @inline(__always)
    static func read(_ source: UnsafeRawPointer, count: Int) -> Int? {
        var value = 0
        for place in 0..<count {
            let digit = source.load(fromByteOffset: place, as: UInt8.self) &- 0x30
            guard digit < 10 else { return nil }
            value = value &* 10 &+ Int(digit)
        }
        return value
    }

    /// Adds one in place.
    @inline(__always)
    static func increment(_ digits: UnsafeMutablePointer<UInt8>, count: Int) {
        var place = count &- 1
        while place >= 0, digits[place] == 0x39 {
            digits[place] = 0x30
            place &-= 1
        }
        if place >= 0 { digits[place] &+= 1 }
    }
}

/// Xorshift, so that every run sends the same bytes.
struct PatternGenerator {
    var state: UInt64

    mutating func next(_ below: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(below))
    }
}

extension UnsafeRawBufferPointer {
    /// Eight bytes at a time.
    @inline(__always)
    func elementsEqualBytes(_ other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        var place = 0
        while place &+ 8 <= count {
            let mine = loadUnaligned(fromByteOffset: place, as: UInt64.self)
            guard mine == other.loadUnaligned(fromByteOffset: place, as: UInt64.self) else {
                return false
            }
            place &+= 8
        }
        while place < count {
            guard self[place] == other[place] else { return false }
            place &+= 1
        }
        return true
    }
}

extension PayloadPattern {
    /// Writes a message whose digits are not at hand.
    func write(device: Int, sequence: Int, time: Int64, to target: UnsafeMutableRawPointer) {
        let digits = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 8)
        defer { digits.deallocate() }
        let (sequencePlace, timePlace) = (digits + 8, digits + 32)
        Digits.write(Self.deviceBase + device, count: Self.deviceDigits, to: digits)
        Digits.write(Self.sequenceBase + sequence, count: Self.sequenceDigits, to: sequencePlace)
        Digits.write(Self.timeBase + Int(time), count: Self.timeDigits, to: timePlace)
        write(
            device: digits,
            variant: Self.variant(device: device, sequence: sequence),
            sequence: sequencePlace,
            time: timePlace,
            to: target
        )
    }
}
