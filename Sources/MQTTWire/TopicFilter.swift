/// A topic filter that keeps 4.7's rules, split where it asks for a shared subscription.
public struct TopicFilter: Hashable, Sendable, CustomStringConvertible {
    /// The filter as the client wrote it, `$share/...` included.
    public let text: Text
    /// The part that topics are matched against.
    public let pattern: Text
    /// `name` in `$share/name/filter` (MQTT 5, 4.8.2).
    public let shareName: Text?
    public let levelCount: Int

    public var description: String { text.description }
    public var isShared: Bool { shareName != nil }

    /// Nil for a filter that breaks 4.7's rules or has more levels than we keep. The text is UTF-8.
    public init?(_ text: Text) {
        self.text = text
        let prefix = Array("$share/".utf8)
        var pattern = text.bytes[...]
        if text.bytes.starts(with: prefix) {
            let rest = text.bytes.dropFirst(prefix.count)
            guard let slash = rest.firstIndex(of: Self.slash) else { return nil }
            let name = rest[..<slash]
            guard !name.isEmpty, !name.contains(Self.plus), !name.contains(Self.hash) else {
                return nil
            }
            shareName = name.withUnsafeBytes { Text($0) }
            pattern = rest[(slash + 1)...]
        } else {
            shareName = nil
        }
        guard let levelCount = Self.countLevels(of: pattern),
            levelCount <= MQTTWireLimits.topicLevelsMax
        else { return nil }
        self.levelCount = levelCount
        self.pattern = shareName == nil ? text : pattern.withUnsafeBytes { Text($0) }
    }

    public init?(_ string: String) { self.init(Text(string)) }

    /// Nil when a wildcard shares its level, or `#` is not last (4.7.1).
    private static func countLevels(of pattern: ArraySlice<UInt8>) -> Int? {
        guard !pattern.isEmpty, pattern.count <= MQTTWireLimits.fieldBytesMax else { return nil }
        var levels = 0
        var start = pattern.startIndex
        while true {
            let end = pattern[start...].firstIndex(of: slash) ?? pattern.endIndex
            let level = pattern[start..<end]
            levels += 1
            if level.contains(plus) || level.contains(hash) {
                guard level.count == 1 else { return nil }
                guard level.first == plus || end == pattern.endIndex else { return nil }
            }
            guard end < pattern.endIndex else { return levels }
            start = end + 1
        }
    }

    private static let slash = UInt8(ascii: "/")
    private static let plus = UInt8(ascii: "+")
    private static let hash = UInt8(ascii: "#")
}

extension UnsafeRawBufferPointer {
    /// Checks a topic name (4.7.1, 4.7.3): well-formed and without wildcards. It may be empty here.
    @inline(__always)
    func requireTopicName() throws(MQTTWireError) {
        guard !isPlainTopic else { return }
        guard isWellFormedText else { throw .malformedText }
        for byte in self where byte == UInt8(ascii: "+") || byte == UInt8(ascii: "#") {
            throw .topicNameWithWildcard
        }
    }

    /// True when all bytes are ASCII and none is NUL or a wildcard: nearly every topic there is.
    @inline(__always)
    private var isPlainTopic: Bool {
        guard count >= 8, let start = baseAddress else {
            for byte in self where !Self.isPlain(byte) { return false }
            return true
        }
        var marks: UInt64 = 0
        var index = 0
        while index &+ 8 <= count {
            marks |= Self.marks(of: start.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            index &+= 8
        }
        let last = start.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
        return (marks | Self.marks(of: last)) & ByteWords.highBits == 0
    }

    /// A high bit is set if and only if one of eight bytes is not plain. In ASCII only a zero byte
    /// borrows, and a byte that is not ASCII shows its own high bit.
    @inline(__always)
    private static func marks(of word: UInt64) -> UInt64 {
        let plus = word ^ (ByteWords.ones &* UInt64(UInt8(ascii: "+")))
        let hash = word ^ (ByteWords.ones &* UInt64(UInt8(ascii: "#")))
        return word | (word &- ByteWords.ones) | (plus &- ByteWords.ones)
            | (hash &- ByteWords.ones)
    }

    @inline(__always)
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte > 0 && byte < 0x80 && byte != UInt8(ascii: "+") && byte != UInt8(ascii: "#")
    }
}
