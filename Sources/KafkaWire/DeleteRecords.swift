import BrokerModel

/// DeleteRecords (key 21): records before an offset go (KIP-107).
public struct DeleteRecordsRequest: Equatable, Sendable {
    public var topics: [Topic]
    public var timeoutMilliseconds: Int32

    public init(topics: [Topic], timeoutMilliseconds: Int32) {
        self.topics = topics
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.deleteRecords.check(version)
        let flexible = KafkaAPI.deleteRecords.isFlexible(version)
        topics = try reader.readArray(version: version, flexible: flexible)
        timeoutMilliseconds = try reader.readFixed()
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.deleteRecords.isFlexible(version)
        output.writeArray(topics, version: version, flexible: flexible)
        output.writeInteger(timeoutMilliseconds)
        if flexible { output.writeNoTaggedFields() }
    }

    public typealias Topic = TopicBlock<Partition>

    public struct Partition: Equatable, Sendable, WireElement, TopicBlockElement {
        static var api: KafkaAPI { .deleteRecords }
        static var topicIDVersionMin: Int16? { nil }

        public var index: Int32
        /// The first offset to keep; -1 for the high watermark.
        public var offset: Offset

        static let bytesMin = 12

        public init(index: Int32, offset: Offset) {
            self.index = index
            self.offset = offset
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            index = try reader.readFixed()
            offset = Offset(try reader.readFixed())
            if KafkaAPI.deleteRecords.isFlexible(version) { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeInteger(index)
            output.writeInteger(offset.rawValue)
            if KafkaAPI.deleteRecords.isFlexible(version) { output.writeNoTaggedFields() }
        }
    }
}

public struct DeleteRecordsResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    public var topics: [Topic]

    public init(topics: [Topic]) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.deleteRecords.check(version)
        let flexible = KafkaAPI.deleteRecords.isFlexible(version)
        throttleMilliseconds = try reader.readFixed()
        topics = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.deleteRecords.isFlexible(version)
        output.writeInteger(throttleMilliseconds)
        output.writeArray(topics, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public typealias Topic = TopicBlock<Partition>

    public struct Partition: Equatable, Sendable, WireElement, TopicBlockElement {
        static var api: KafkaAPI { .deleteRecords }
        static var topicIDVersionMin: Int16? { nil }

        public var index: Int32
        /// The first offset that is left; -1 beside an error.
        public var lowWatermark = Offset(0)
        public var errorCode = KafkaErrorCode.none

        static let bytesMin = 14

        public init(index: Int32) {
            self.index = index
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            index = try reader.readFixed()
            lowWatermark = Offset(try reader.readFixed())
            errorCode = try reader.readErrorCode()
            if KafkaAPI.deleteRecords.isFlexible(version) { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeInteger(index)
            output.writeInteger(lowWatermark.rawValue)
            output.writeErrorCode(errorCode)
            if KafkaAPI.deleteRecords.isFlexible(version) { output.writeNoTaggedFields() }
        }
    }
}
