import BrokerModel

/// AlterReplicaLogDirs (key 34): replicas that shall move to another directory (KIP-113).
public struct AlterReplicaLogDirsRequest: Equatable, Sendable {
    public var directories: [Directory]

    public init(directories: [Directory]) {
        self.directories = directories
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.alterReplicaLogDirs.check(version)
        let flexible = KafkaAPI.alterReplicaLogDirs.isFlexible(version)
        directories = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.alterReplicaLogDirs.isFlexible(version)
        output.writeArray(directories, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public struct Directory: Equatable, Sendable, WireElement {
        /// Absolute, as DescribeLogDirs tells it.
        public var path: String
        public var topics: [Topic]

        static let bytesMin = 3

        public init(path: String, topics: [Topic]) {
            self.path = path
            self.topics = topics
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.alterReplicaLogDirs.isFlexible(version)
            path = try reader.readString(flexible: flexible)
            topics = try reader.readArray(version: version, flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.alterReplicaLogDirs.isFlexible(version)
            output.writeString(path, flexible: flexible)
            output.writeArray(topics, version: version, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
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
            let flexible = KafkaAPI.alterReplicaLogDirs.isFlexible(version)
            name = try reader.readString(flexible: flexible)
            partitions = try reader.readIntegers(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.alterReplicaLogDirs.isFlexible(version)
            output.writeString(name, flexible: flexible)
            output.writeIntegers(partitions, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}

public struct AlterReplicaLogDirsResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    public var topics: [Topic]

    public init(topics: [Topic]) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.alterReplicaLogDirs.check(version)
        let flexible = KafkaAPI.alterReplicaLogDirs.isFlexible(version)
        throttleMilliseconds = try reader.readFixed()
        topics = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.alterReplicaLogDirs.isFlexible(version)
        output.writeInteger(throttleMilliseconds)
        output.writeArray(topics, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public typealias Topic = TopicBlock<Partition>

    public struct Partition: Equatable, Sendable, WireElement, TopicBlockElement {
        static var api: KafkaAPI { .alterReplicaLogDirs }
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
            if KafkaAPI.alterReplicaLogDirs.isFlexible(version) { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeInteger(index)
            output.writeErrorCode(errorCode)
            if KafkaAPI.alterReplicaLogDirs.isFlexible(version) { output.writeNoTaggedFields() }
        }
    }
}
