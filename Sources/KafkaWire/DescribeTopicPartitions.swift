import BrokerModel

/// DescribeTopicPartitions (key 75): topics, in parts of a bounded size (KIP-966).
public struct DescribeTopicPartitionsRequest: Equatable, Sendable {
    /// Empty asks for all topics.
    public var topics: [Topic]
    /// At most so many partitions come in one answer.
    public var responsePartitionLimit: Int32 = 2_000
    /// Where to go on; nil begins.
    public var cursor: PartitionCursor?

    public init(topics: [Topic]) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.describeTopicPartitions.check(version)
        topics = try reader.readArray(version: version, flexible: true)
        responsePartitionLimit = try reader.readFixed()
        cursor = try reader.readNullableStructure(version: version)
        try reader.skipTaggedFields()
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        output.writeArray(topics, version: version, flexible: true)
        output.writeInteger(responsePartitionLimit)
        output.writeNullableStructure(cursor, version: version)
        output.writeNoTaggedFields()
    }

    public struct Topic: Equatable, Sendable, WireElement {
        public var name: String

        static let bytesMin = 2

        public init(name: String) {
            self.name = name
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            name = try reader.readString(flexible: true)
            try reader.skipTaggedFields()
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeString(name, flexible: true)
            output.writeNoTaggedFields()
        }
    }
}

/// The partition with which the next part of an answer begins.
public struct PartitionCursor: Equatable, Sendable, WireElement {
    public var name: String
    public var index: Int32

    static let bytesMin = 6

    public init(name: String, index: Int32) {
        self.name = name
        self.index = index
    }

    init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        name = try reader.readString(flexible: true)
        index = try reader.readFixed()
        try reader.skipTaggedFields()
    }

    func write(to output: inout ByteWriter, version: Int16) {
        output.writeString(name, flexible: true)
        output.writeInteger(index)
        output.writeNoTaggedFields()
    }
}

public struct DescribeTopicPartitionsResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    public var topics: [Topic]
    /// Where to go on; nil when this was the last part.
    public var nextCursor: PartitionCursor?

    public init(topics: [Topic]) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.describeTopicPartitions.check(version)
        throttleMilliseconds = try reader.readFixed()
        topics = try reader.readArray(version: version, flexible: true)
        nextCursor = try reader.readNullableStructure(version: version)
        try reader.skipTaggedFields()
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        output.writeInteger(throttleMilliseconds)
        output.writeArray(topics, version: version, flexible: true)
        output.writeNullableStructure(nextCursor, version: version)
        output.writeNoTaggedFields()
    }

    public struct Topic: Equatable, Sendable, WireElement {
        public var errorCode = KafkaErrorCode.none
        /// Nil for an id that no topic has.
        public var name: String?
        public var id = UUIDBytes.zero
        public var isInternal = false
        public var partitions: [Partition] = []
        /// A bit for each operation; the least number where it is not told (KIP-430).
        public var operations = MetadataResponse.operationsUnknown

        static let bytesMin = 26

        public init(name: String?) {
            self.name = name
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            errorCode = try reader.readErrorCode()
            name = try reader.readNullableString(flexible: true)
            id = try reader.readUUID()
            isInternal = try reader.readBool()
            partitions = try reader.readArray(version: version, flexible: true)
            operations = try reader.readFixed()
            try reader.skipTaggedFields()
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeErrorCode(errorCode)
            output.writeNullableString(name, flexible: true)
            output.writeUUID(id)
            output.writeBool(isInternal)
            output.writeArray(partitions, version: version, flexible: true)
            output.writeInteger(operations)
            output.writeNoTaggedFields()
        }
    }

    public struct Partition: Equatable, Sendable, WireElement {
        public var errorCode = KafkaErrorCode.none
        public var index: Int32
        public var leaderID: Int32 = 0
        public var leaderEpoch = LeaderEpoch.none
        public var replicas: [Int32] = []
        public var inSyncReplicas: [Int32] = []
        /// Replicas that left the in-sync set and may lead all the same (KIP-966).
        public var eligibleLeaderReplicas: [Int32]?
        public var lastKnownEligibleLeaders: [Int32]?
        public var offlineReplicas: [Int32] = []

        static let bytesMin = 20

        public init(index: Int32) {
            self.index = index
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            errorCode = try reader.readErrorCode()
            index = try reader.readFixed()
            leaderID = try reader.readFixed()
            leaderEpoch = LeaderEpoch(try reader.readFixed())
            replicas = try reader.readIntegers(flexible: true)
            inSyncReplicas = try reader.readIntegers(flexible: true)
            eligibleLeaderReplicas = try reader.readNullableIntegers(flexible: true)
            lastKnownEligibleLeaders = try reader.readNullableIntegers(flexible: true)
            offlineReplicas = try reader.readIntegers(flexible: true)
            try reader.skipTaggedFields()
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeErrorCode(errorCode)
            output.writeInteger(index)
            output.writeInteger(leaderID)
            output.writeInteger(leaderEpoch.rawValue)
            output.writeIntegers(replicas, flexible: true)
            output.writeIntegers(inSyncReplicas, flexible: true)
            output.writeIntegers(eligibleLeaderReplicas, flexible: true)
            output.writeIntegers(lastKnownEligibleLeaders, flexible: true)
            output.writeIntegers(offlineReplicas, flexible: true)
            output.writeNoTaggedFields()
        }
    }
}
