/// A topic's name: 1 to 249 of `a-z A-Z 0-9 . _ -`, neither `.` nor `..` (Kafka's rule).
public struct TopicName: Hashable, Comparable, Sendable, CustomStringConvertible {
    public static let lengthMax = 249
    public let description: String

    /// Nil when the name breaks the rule.
    public init?(_ text: String) {
        let bytes = text.utf8
        guard (1...Self.lengthMax).contains(bytes.count), text != ".", text != "..",
            bytes.allSatisfy(Self.isLegal)
        else { return nil }
        description = text
    }

    /// True for the topics that only the broker writes.
    public var isInternal: Bool { description.hasPrefix("__") }

    public static func < (a: TopicName, b: TopicName) -> Bool { a.description < b.description }

    private static func isLegal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }
}

/// One partition of a topic; its folder is named `topic-partition`.
public struct TopicPartition: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let topic: TopicName
    public let partition: Int32

    public init(topic: TopicName, partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    /// Reads a folder name; nil for a folder that is no partition's.
    public init?(folderName: String) {
        guard let dash = folderName.lastIndex(of: "-"),
            let topic = TopicName(String(folderName[..<dash])),
            let partition = Int32(folderName[folderName.index(after: dash)...]), partition >= 0
        else { return nil }
        self.init(topic: topic, partition: partition)
        guard description == folderName else { return nil }  // "t-+1" and "t-01" are not ours.
    }

    public var description: String { "\(topic)-\(partition)" }

    public static func < (a: TopicPartition, b: TopicPartition) -> Bool {
        (a.topic, a.partition) < (b.topic, b.partition)
    }
}
