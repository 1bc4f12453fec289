import BrokerModel

/// DescribeLogDirs (key 35): what lies in the data directories (KIP-113).
public struct DescribeLogDirsRequest: Equatable, Sendable {
    /// Nil asks for all topics.
    public var topics: [Topic]?

    public init(topics: [Topic]? = nil) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.describeLogDirs.check(version)
        let flexible = KafkaAPI.describeLogDirs.isFlexible(version)
        topics = try reader.readNullableArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.describeLogDirs.isFlexible(version)
        output.writeArray(topics, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
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
            let flexible = KafkaAPI.describeLogDirs.isFlexible(version)
            name = try reader.readString(flexible: flexible)
            partitions = try reader.readIntegers(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.describeLogDirs.isFlexible(version)
            output.writeString(name, flexible: flexible)
            output.writeIntegers(partitions, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}

public struct DescribeLogDirsResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    /// From version 3 on (KIP-784).
    public var errorCode = KafkaErrorCode.none
    public var directories: [Directory]

    public init(directories: [Directory]) {
        self.directories = directories
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.describeLogDirs.check(version)
        let flexible = KafkaAPI.describeLogDirs.isFlexible(version)
        throttleMilliseconds = try reader.readFixed()
        if version >= 3 { errorCode = try reader.readErrorCode() }
        directories = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.describeLogDirs.isFlexible(version)
        output.writeInteger(throttleMilliseconds)
        if version >= 3 { output.writeErrorCode(errorCode) }
        output.writeArray(directories, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public struct Directory: Equatable, Sendable, WireElement {
        public var errorCode = KafkaErrorCode.none
        public var path: String
        public var topics: [Topic] = []
        /// Of the volume, both from version 4 on (KIP-827); -1 when it is not known.
        public var totalBytes: Int64 = -1
        public var usableBytes: Int64 = -1
        /// From version 5 on: no new partitions are put here.
        public var isCordoned = false

        static let bytesMin = 5

        public init(path: String) {
            self.path = path
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.describeLogDirs.isFlexible(version)
            errorCode = try reader.readErrorCode()
            path = try reader.readString(flexible: flexible)
            topics = try reader.readArray(version: version, flexible: flexible)
            if version >= 4 {
                totalBytes = try reader.readFixed()
                usableBytes = try reader.readFixed()
            }
            if version >= 5 { isCordoned = try reader.readBool() }
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.describeLogDirs.isFlexible(version)
            output.writeErrorCode(errorCode)
            output.writeString(path, flexible: flexible)
            output.writeArray(topics, version: version, flexible: flexible)
            if version >= 4 {
                output.writeInteger(totalBytes)
                output.writeInteger(usableBytes)
            }
            if version >= 5 { output.writeBool(isCordoned) }
            if flexible { output.writeNoTaggedFields() }
        }
    }

    public typealias Topic = TopicBlock<Partition>

    public struct Partition: Equatable, Sendable, WireElement, TopicBlockElement {
        static var api: KafkaAPI { .describeLogDirs }
        static var topicIDVersionMin: Int16? { nil }

        public var index: Int32
        /// In bytes, without indexes.
        public var sizeInBytes: Int64 = 0
        /// Offsets between the high watermark and the log's end.
        public var offsetLag: Int64 = 0
        /// Whether this copy is to replace another once it is complete (KIP-113).
        public var isFuture = false

        static let bytesMin = 21

        public init(index: Int32) {
            self.index = index
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            index = try reader.readFixed()
            sizeInBytes = try reader.readFixed()
            offsetLag = try reader.readFixed()
            isFuture = try reader.readBool()
            if KafkaAPI.describeLogDirs.isFlexible(version) { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeInteger(index)
            output.writeInteger(sizeInBytes)
            output.writeInteger(offsetLag)
            output.writeBool(isFuture)
            if KafkaAPI.describeLogDirs.isFlexible(version) { output.writeNoTaggedFields() }
        }
    }
}
