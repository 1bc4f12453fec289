import BrokerModel

/// UTF-8 text that is compared byte by byte, as MQTT does: a `String` would call two spellings of
/// an accented letter equal, and two devices one.
public struct Text: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    public let bytes: [UInt8]

    public init(_ string: String) { bytes = Array(string.utf8) }
    public init(stringLiteral string: String) { self.init(string) }
    /// Copies bytes that are known to be well-formed.
    public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = Array(bytes) }

    public var isEmpty: Bool { bytes.isEmpty }
    public var description: String { String(decoding: bytes, as: UTF8.self) }
}

extension UnsafeRawBufferPointer {
    /// True for UTF-8 without U+0000 and surrogates (MQTT 5, 1.5.4). ASCII goes by eight bytes.
    public var isWellFormedText: Bool {
        var index = 0
        while index &+ 8 <= count {
            let word = loadUnaligned(fromByteOffset: index, as: UInt64.self)
            guard ByteWords.isASCII(word), !ByteWords.hasZero(word) else { break }
            index &+= 8
        }
        while index < count {
            let size = characterSize(at: index)
            guard size > 0 else { return false }
            index &+= size
        }
        return true
    }

    /// The size of the character that starts at `index`, zero when none legal does.
    private func characterSize(at index: Int) -> Int {
        let lead = self[index]
        switch lead {
        case 0x01...0x7f: return 1
        case 0xc2...0xdf: return continues(at: index, 1, 0x80...0xbf) ? 2 : 0
        case 0xe0: return continues(at: index, 2, 0xa0...0xbf) ? 3 : 0
        case 0xed: return continues(at: index, 2, 0x80...0x9f) ? 3 : 0  // Above: surrogates.
        case 0xe1...0xef: return continues(at: index, 2, 0x80...0xbf) ? 3 : 0
        case 0xf0: return continues(at: index, 3, 0x90...0xbf) ? 4 : 0
        case 0xf1...0xf3: return continues(at: index, 3, 0x80...0xbf) ? 4 : 0
        case 0xf4: return continues(at: index, 3, 0x80...0x8f) ? 4 : 0  // Above: past U+10FFFF.
        default: return 0
        }
    }

    private func continues(at lead: Int, _ following: Int, _ second: ClosedRange<UInt8>) -> Bool {
        guard lead &+ following < count, second.contains(self[lead &+ 1]) else { return false }
        for index in 1..<following where self[lead &+ 1 &+ index] & 0xc0 != 0x80 { return false }
        return true
    }
}

/// Tests on eight bytes at once.
enum ByteWords {
    static let ones: UInt64 = 0x0101_0101_0101_0101
    static let highBits: UInt64 = 0x8080_8080_8080_8080

    @inline(__always)
    static func isASCII(_ word: UInt64) -> Bool { word & highBits == 0 }

    @inline(__always)
    static func hasZero(_ word: UInt64) -> Bool { (word &- ones) & ~word & highBits != 0 }
}

extension ByteReader {
    /// Reads a field with a two-byte length (MQTT 5, 1.5.6) inside a body.
    @inline(__always)
    mutating func readBinary() throws(MQTTWireError) -> UnsafeRawBufferPointer {
        guard let length: UInt16 = readInteger(), let field = readBytes(Int(length)) else {
            throw .packetTooShort
        }
        return field
    }

    /// Reads a UTF-8 field and checks it (MQTT 5, 1.5.4).
    mutating func readText() throws(MQTTWireError) -> UnsafeRawBufferPointer {
        let field = try readBinary()
        guard field.isWellFormedText else { throw .malformedText }
        return field
    }

    @inline(__always)
    mutating func require<T: FixedWidthInteger>(_: T.Type) throws(MQTTWireError) -> T {
        guard let value: T = readInteger() else { throw .packetTooShort }
        return value
    }

    func requireEnd() throws(MQTTWireError) {
        guard isAtEnd else { throw .trailingBytes }
    }

    @inline(__always)
    mutating func readPacketIdentifier() throws(MQTTWireError) -> UInt16 {
        let identifier = try require(UInt16.self)
        guard identifier != 0 else { throw .packetIdentifierZero }
        return identifier
    }
}

extension ByteWriter {
    mutating func writeField(_ field: some Collection<UInt8>) {
        precondition(field.count <= MQTTWireLimits.fieldBytesMax, "a field's length has two bytes")
        writeInteger(UInt16(truncatingIfNeeded: field.count))
        writeBytes(field)
    }

    mutating func writeField(_ field: UnsafeRawBufferPointer) {
        precondition(field.count <= MQTTWireLimits.fieldBytesMax, "a field's length has two bytes")
        writeInteger(UInt16(truncatingIfNeeded: field.count))
        writeBytes(field)
    }
}
