import BrokerModel

/// One topic in a request or response, with an element for each partition concerned.
///
/// Newer versions of some APIs give the topic's id instead of its name (KIP-516); the one that the
/// version does not carry is empty or zero.
public struct TopicBlock<Partition> {
    public var name: String
    public var id: UUIDBytes
    public var partitions: [Partition]

    public init(name: String = "", id: UUIDBytes = .zero, partitions: [Partition]) {
        self.name = name
        self.id = id
        self.partitions = partitions
    }
}

extension TopicBlock: Equatable where Partition: Equatable {}
extension TopicBlock: Sendable where Partition: Sendable {}

/// An element that stands inside a `TopicBlock`, and says how its API writes the block around it.
protocol TopicBlockElement {
    static var api: KafkaAPI { get }
    /// The first version with topic ids; nil for an API that only knows names.
    static var topicIDVersionMin: Int16? { get }
}

extension TopicBlockElement {
    static func hasTopicIDs(_ version: Int16) -> Bool {
        topicIDVersionMin.map { version >= $0 } ?? false
    }
}

extension TopicBlock: ReadableElement where Partition: TopicBlockElement & ReadableElement {
    static var bytesMin: Int { 3 }

    init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        let flexible = Partition.api.isFlexible(version)
        let hasID = Partition.hasTopicIDs(version)
        name = hasID ? "" : try reader.readString(flexible: flexible)
        id = hasID ? try reader.readUUID() : .zero
        partitions = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }
}

extension TopicBlock: WritableElement where Partition: TopicBlockElement & WritableElement {
    func write(to output: inout ByteWriter, version: Int16) {
        let flexible = Partition.api.isFlexible(version)
        if Partition.hasTopicIDs(version) {
            output.writeUUID(id)
        } else {
            output.writeString(name, flexible: flexible)
        }
        output.writeArray(partitions, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }
}
