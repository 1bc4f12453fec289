import BrokerModel

/// OffsetDelete (key 47): a group's offsets of some partitions (KIP-496). It has no flexible
/// version.
public struct OffsetDeleteRequest: Equatable, Sendable {
    public var groupID: String
    public var topics: [Topic]

    public init(groupID: String, topics: [Topic]) {
        self.groupID = groupID
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.offsetDelete.check(version)
        groupID = try reader.readString(flexible: false)
        topics = try reader.readArray(version: version, flexible: false)
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        output.writeString(groupID, flexible: false)
        output.writeArray(topics, version: version, flexible: false)
    }

    public typealias Topic = TopicBlock<Partition>

    public struct Partition: Equatable, Sendable, WireElement, TopicBlockElement {
        static var api: KafkaAPI { .offsetDelete }
        static var topicIDVersionMin: Int16? { nil }

        public var index: Int32

        static let bytesMin = 4

        public init(index: Int32) {
            self.index = index
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            index = try reader.readFixed()
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeInteger(index)
        }
    }
}

public struct OffsetDeleteResponse: Equatable, Sendable {
    public var errorCode = KafkaErrorCode.none
    public var throttleMilliseconds: Int32 = 0
    public var topics: [Topic]

    public init(topics: [Topic]) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.offsetDelete.check(version)
        errorCode = try reader.readErrorCode()
        throttleMilliseconds = try reader.readFixed()
        topics = try reader.readArray(version: version, flexible: false)
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        output.writeErrorCode(errorCode)
        output.writeInteger(throttleMilliseconds)
        output.writeArray(topics, version: version, flexible: false)
    }

    public typealias Topic = TopicBlock<Partition>

    public struct Partition: Equatable, Sendable, WireElement, TopicBlockElement {
        static var api: KafkaAPI { .offsetDelete }
        static var topicIDVersionMin: Int16? { nil }

        public var index: Int32
        public var errorCode = KafkaErrorCode.none

        static let bytesMin = 6

        public init(index: Int32) {
            self.index = index
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            index = try reader.readFixed()
            errorCode = try reader.readErrorCode()
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeInteger(index)
            output.writeErrorCode(errorCode)
        }
    }
}
