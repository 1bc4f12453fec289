import BrokerModel

/// AlterPartitionReassignments (key 45): partitions that shall lie elsewhere (KIP-455).
public struct AlterPartitionReassignmentsRequest: Equatable, Sendable {
    public var timeoutMilliseconds: Int32 = 60_000
    /// From version 1 on (KIP-860).
    public var allowsReplicationFactorChange = true
    public var topics: [Topic]

    public init(topics: [Topic]) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.alterPartitionReassignments.check(version)
        timeoutMilliseconds = try reader.readFixed()
        if version >= 1 { allowsReplicationFactorChange = try reader.readBool() }
        topics = try reader.readArray(version: version, flexible: true)
        try reader.skipTaggedFields()
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        output.writeInteger(timeoutMilliseconds)
        if version >= 1 { output.writeBool(allowsReplicationFactorChange) }
        output.writeArray(topics, version: version, flexible: true)
        output.writeNoTaggedFields()
    }

    public typealias Topic = TopicBlock<Partition>

    public struct Partition: Equatable, Sendable, WireElement, TopicBlockElement {
        static var api: KafkaAPI { .alterPartitionReassignments }
        static var topicIDVersionMin: Int16? { nil }

        public var index: Int32
        /// Nil cancels what is going on.
        public var replicas: [Int32]?

        static let bytesMin = 6

        public init(index: Int32, replicas: [Int32]? = nil) {
            self.index = index
            self.replicas = replicas
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            index = try reader.readFixed()
            replicas = try reader.readNullableIntegers(flexible: true)
            try reader.skipTaggedFields()
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeInteger(index)
            output.writeIntegers(replicas, flexible: true)
            output.writeNoTaggedFields()
        }
    }
}

public struct AlterPartitionReassignmentsResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    /// From version 1 on (KIP-860).
    public var allowsReplicationFactorChange = true
    public var errorCode = KafkaErrorCode.none
    public var errorMessage: String?
    public var topics: [Topic]

    public init(topics: [Topic]) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.alterPartitionReassignments.check(version)
        throttleMilliseconds = try reader.readFixed()
        if version >= 1 { allowsReplicationFactorChange = try reader.readBool() }
        errorCode = try reader.readErrorCode()
        errorMessage = try reader.readNullableString(flexible: true)
        topics = try reader.readArray(version: version, flexible: true)
        try reader.skipTaggedFields()
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        output.writeInteger(throttleMilliseconds)
        if version >= 1 { output.writeBool(allowsReplicationFactorChange) }
        output.writeErrorCode(errorCode)
        output.writeNullableString(errorMessage, flexible: true)
        output.writeArray(topics, version: version, flexible: true)
        output.writeNoTaggedFields()
    }

    public typealias Topic = TopicBlock<Partition>

    public struct Partition: Equatable, Sendable, WireElement, TopicBlockElement {
        static var api: KafkaAPI { .alterPartitionReassignments }
        static var topicIDVersionMin: Int16? { nil }

        public var index: Int32
        public var errorCode = KafkaErrorCode.none
        public var errorMessage: String?

        static let bytesMin = 8

        public init(index: Int32) {
            self.index = index
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            index = try reader.readFixed()
            errorCode = try reader.readErrorCode()
            errorMessage = try reader.readNullableString(flexible: true)
            try reader.skipTaggedFields()
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeInteger(index)
            output.writeErrorCode(errorCode)
            output.writeNullableString(errorMessage, flexible: true)
            output.writeNoTaggedFields()
        }
    }
}
