import BrokerModel

/// Finds one scalar in a JSON document (RFC 8259) without building the document.
///
/// It reads only as far as the value, and never more than `bytesMax`. What it passes over must be
/// well-formed in its structure; what stands behind the value is not looked at. Of members with the
/// same name the first one counts.
package struct JSONScanner {
    package static let bytesMax = 64 << 10
    /// Objects and arrays inside each other, on the way or passed over.
    package static let depthMax = 64

    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    /// The value's text: of a string what its quotes hold, escapes resolved into `scratch`; of a
    /// number or a truth value the bytes as they stand. Nil when there is no such scalar, for null,
    /// and for a document that is malformed up to there. Lives as long as `bytes` and `scratch` do.
    package static func value(
        at path: JSONPath,
        in bytes: UnsafeRawBufferPointer,
        scratch: inout ByteWriter
    ) -> UnsafeRawBufferPointer? {
        var scanner = JSONScanner(bytes)
        for step in path.steps {
            guard scanner.enter(step, scratch: &scratch) else { return nil }
        }
        return scanner.scalar(scratch: &scratch)
    }

    private init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.bytesMax))
    }

    // MARK: Bytes

    /// The next byte that is no space; nil at the end.
    private mutating func peek() -> UInt8? {
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"):
                position &+= 1
            case let byte: return byte
            }
        }
        return nil
    }

    private mutating func take(_ wanted: UInt8) -> Bool {
        guard peek() == wanted else { return false }
        position &+= 1
        return true
    }

    // MARK: Structure

    /// Moves to the value that one step leads to. False when there is none.
    private mutating func enter(_ step: JSONPath.Step, scratch: inout ByteWriter) -> Bool {
        switch peek() {
        case UInt8(ascii: "{"):
            position &+= 1
            return enterMember(step.name, scratch: &scratch)
        case UInt8(ascii: "["):
            position &+= 1
            guard let index = step.index else { return false }
            return enterElement(index)
        default: return false
        }
    }

    private mutating func enterMember(_ name: [UInt8], scratch: inout ByteWriter) -> Bool {
        guard peek() != UInt8(ascii: "}") else { return false }
        while true {
            guard let found = string(scratch: &scratch), take(UInt8(ascii: ":")) else {
                return false
            }
            if found.elementsEqual(name) { return true }
            guard skipValue(), take(UInt8(ascii: ",")) else { return false }
        }
    }

    private mutating func enterElement(_ index: Int) -> Bool {
        guard peek() != UInt8(ascii: "]") else { return false }
        var passed = 0
        while passed < index {
            guard skipValue(), take(UInt8(ascii: ",")) else { return false }
            passed &+= 1
        }
        return true
    }

    /// Passes over one value. Without recursion: a bit a level tells objects from arrays.
    private mutating func skipValue() -> Bool {
        var isObject: UInt64 = 0
        var depth = 0
        repeat {
            guard let byte = peek() else { return false }
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                guard depth < Self.depthMax else { return false }
                position &+= 1
                depth &+= 1
                isObject = isObject &<< 1 | (byte == UInt8(ascii: "{") ? 1 : 0)
                if closes(isObject & 1 == 1) {
                    depth &-= 1
                    isObject &>>= 1
                } else {
                    guard isObject & 1 == 0 || skipName() else { return false }
                    continue
                }
            default:
                guard skipScalar(byte) else { return false }
            }
            guard endValue(&isObject, &depth) else { return false }
        } while depth > 0
        return true
    }

    /// After a value: its comma and the next name, or the ends of what it was the last of.
    private mutating func endValue(_ isObject: inout UInt64, _ depth: inout Int) -> Bool {
        while depth > 0 {
            if take(UInt8(ascii: ",")) { return isObject & 1 == 0 || skipName() }
            guard closes(isObject & 1 == 1) else { return false }
            depth &-= 1
            isObject &>>= 1
        }
        return true
    }

    private mutating func closes(_ object: Bool) -> Bool {
        take(object ? UInt8(ascii: "}") : UInt8(ascii: "]"))
    }

    private mutating func skipName() -> Bool {
        skipString() && take(UInt8(ascii: ":"))
    }

    // MARK: Scalars

    private mutating func scalar(scratch: inout ByteWriter) -> UnsafeRawBufferPointer? {
        guard let first = peek() else { return nil }
        if first == UInt8(ascii: "\"") { return string(scratch: &scratch) }
        guard first != UInt8(ascii: "n") else { return nil }
        let start = position
        guard skipScalar(first) else { return nil }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<position])
    }

    private mutating func skipScalar(_ first: UInt8) -> Bool {
        switch first {
        case UInt8(ascii: "\""): skipString()
        case UInt8(ascii: "t"): skipWord("true")
        case UInt8(ascii: "f"): skipWord("false")
        case UInt8(ascii: "n"): skipWord("null")
        default: skipNumber()
        }
    }

    private mutating func skipWord(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard position &+ count <= bytes.count else { return false }
        for index in 0..<count where bytes[position &+ index] != word.utf8Start[index] {
            return false
        }
        position &+= count
        return endsWord
    }

    /// A word or number that runs on into other letters is none.
    private var endsWord: Bool {
        guard position < bytes.count else { return true }
        return switch bytes[position] {
        case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: " "),
            UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"):
            true
        default: false
        }
    }

    private mutating func skipNumber() -> Bool {
        skip(UInt8(ascii: "-"))
        if !skip(UInt8(ascii: "0")) { guard skipDigits() else { return false } }
        if skip(UInt8(ascii: ".")) { guard skipDigits() else { return false } }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            if !skip(UInt8(ascii: "+")) { skip(UInt8(ascii: "-")) }
            guard skipDigits() else { return false }
        }
        // What was cut off by our own limit may have gone on.
        return endsWord && (position < bytes.count || bytes.count < Self.bytesMax)
    }

    @discardableResult
    private mutating func skip(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position &+= 1
        return true
    }

    private mutating func skipDigits() -> Bool {
        let start = position
        while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= bytes[position] {
            position &+= 1
        }
        return position > start
    }
}

// Strings.
extension JSONScanner {
    /// Passes over a string, its escapes unread.
    private mutating func skipString() -> Bool {
        guard take(UInt8(ascii: "\"")) else { return false }
        while position < bytes.count {
            let byte = bytes[position]
            position &+= 1
            switch byte {
            case UInt8(ascii: "\""): return true
            case UInt8(ascii: "\\"): position &+= 1
            case 0..<0x20: return false
            default: continue
            }
        }
        return false
    }

    /// What a string's quotes hold. It is copied only when it has escapes.
    private mutating func string(scratch: inout ByteWriter) -> UnsafeRawBufferPointer? {
        _ = peek()
        let start = position &+ 1
        guard skipString(), position <= bytes.count else { return nil }
        let raw = UnsafeRawBufferPointer(rebasing: bytes[start..<position &- 1])
        guard raw.contains(UInt8(ascii: "\\")) else { return raw }
        scratch.removeAll()
        return Self.resolve(raw, into: &scratch) ? scratch.bytes : nil
    }

    private static func resolve(
        _ raw: UnsafeRawBufferPointer,
        into output: inout ByteWriter
    ) -> Bool {
        var index = 0
        while index < raw.count {
            guard raw[index] == UInt8(ascii: "\\") else {
                output.writeByte(raw[index])
                index &+= 1
                continue
            }
            guard index &+ 1 < raw.count else { return false }
            let kind = raw[index &+ 1]
            index &+= 2
            if kind == UInt8(ascii: "u") {
                guard let scalar = unicode(raw, &index) else { return false }
                for byte in scalar.utf8 { output.writeByte(byte) }
            } else {
                guard let byte = plainEscape(kind) else { return false }
                output.writeByte(byte)
            }
        }
        return true
    }

    private static func plainEscape(_ kind: UInt8) -> UInt8? {
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): kind
        case UInt8(ascii: "b"): 8
        case UInt8(ascii: "t"): 9
        case UInt8(ascii: "n"): 10
        case UInt8(ascii: "f"): 12
        case UInt8(ascii: "r"): 13
        default: nil
        }
    }

    /// The character of `\uXXXX`, or of two that are a surrogate pair; `index` stands behind the u.
    private static func unicode(_ raw: UnsafeRawBufferPointer, _ index: inout Int)
        -> Unicode.Scalar?
    {
        guard let high = hexadecimal(raw, &index) else { return nil }
        guard (0xd800..<0xdc00) ~= high else { return Unicode.Scalar(high) }
        guard index &+ 1 < raw.count, raw[index] == UInt8(ascii: "\\"),
            raw[index &+ 1] == UInt8(ascii: "u")
        else { return nil }
        index &+= 2
        guard let low = hexadecimal(raw, &index), (0xdc00..<0xe000) ~= low else { return nil }
        return Unicode.Scalar(0x10000 &+ (high &- 0xd800) &<< 10 &+ (low &- 0xdc00))
    }

    private static func hexadecimal(_ raw: UnsafeRawBufferPointer, _ index: inout Int) -> UInt32? {
        guard index &+ 4 <= raw.count else { return nil }
        var value: UInt32 = 0
        for place in index..<index &+ 4 {
            let digit: UInt8
            switch raw[place] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = raw[place] &- UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"):
                digit = raw[place] &- UInt8(ascii: "a") &+ 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"):
                digit = raw[place] &- UInt8(ascii: "A") &+ 10
            default: return nil
            }
            value = value &* 16 &+ UInt32(digit)
        }
        index &+= 4
        return value
    }
}
