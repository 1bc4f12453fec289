import BrokerModel

/// ListPartitionReassignments (key 46): partitions that are on the move (KIP-455).
public struct ListPartitionReassignmentsRequest: Equatable, Sendable {
    public var timeoutMilliseconds: Int32 = 60_000
    /// Nil asks for all that goes on.
    public var topics: [Topic]?

    public init(topics: [Topic]? = nil) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.listPartitionReassignments.check(version)
        timeoutMilliseconds = try reader.readFixed()
        topics = try reader.readNullableArray(version: version, flexible: true)
        try reader.skipTaggedFields()
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        output.writeInteger(timeoutMilliseconds)
        output.writeArray(topics, version: version, flexible: true)
        output.writeNoTaggedFields()
    }

    public struct Topic: Equatable, Sendable, WireElement {
        public var name: String
        public var partitions: [Int32]

        static let bytesMin = 3

        public init(name: String, partitions: [Int32]) {
            self.name = name
            self.partitions = partitions
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            name = try reader.readString(flexible: true)
            partitions = try reader.readIntegers(flexible: true)
            try reader.skipTaggedFields()
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeString(name, flexible: true)
            output.writeIntegers(partitions, flexible: true)
            output.writeNoTaggedFields()
        }
    }
}

public struct ListPartitionReassignmentsResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    public var errorCode = KafkaErrorCode.none
    public var errorMessage: String?
    public var topics: [Topic]

    public init(topics: [Topic]) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.listPartitionReassignments.check(version)
        throttleMilliseconds = try reader.readFixed()
        errorCode = try reader.readErrorCode()
        errorMessage = try reader.readNullableString(flexible: true)
        topics = try reader.readArray(version: version, flexible: true)
        try reader.skipTaggedFields()
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        output.writeInteger(throttleMilliseconds)
        output.writeErrorCode(errorCode)
        output.writeNullableString(errorMessage, flexible: true)
        output.writeArray(topics, version: version, flexible: true)
        output.writeNoTaggedFields()
    }

    public typealias Topic = TopicBlock<Partition>

    public struct Partition: Equatable, Sendable, WireElement, TopicBlockElement {
        static var api: KafkaAPI { .listPartitionReassignments }
        static var topicIDVersionMin: Int16? { nil }

        public var index: Int32
        public var replicas: [Int32] = []
        public var addingReplicas: [Int32] = []
        public var removingReplicas: [Int32] = []

        static let bytesMin = 8

        public init(index: Int32) {
            self.index = index
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            index = try reader.readFixed()
            replicas = try reader.readIntegers(flexible: true)
            addingReplicas = try reader.readIntegers(flexible: true)
            removingReplicas = try reader.readIntegers(flexible: true)
            try reader.skipTaggedFields()
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeInteger(index)
            output.writeIntegers(replicas, flexible: true)
            output.writeIntegers(addingReplicas, flexible: true)
            output.writeIntegers(removingReplicas, flexible: true)
            output.writeNoTaggedFields()
        }
    }
}
