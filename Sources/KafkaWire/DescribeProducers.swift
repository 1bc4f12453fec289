import BrokerModel

/// DescribeProducers (key 61): what a partition remembers of its producers (KIP-664).
public struct DescribeProducersRequest: Equatable, Sendable {
    public var topics: [Topic]

    public init(topics: [Topic]) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.describeProducers.check(version)
        topics = try reader.readArray(version: version, flexible: true)
        try reader.skipTaggedFields()
    }

    public func write(to output: inout ByteWriter, version: Int16) {
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

public struct DescribeProducersResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    public var topics: [Topic]

    public init(topics: [Topic]) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.describeProducers.check(version)
        throttleMilliseconds = try reader.readFixed()
        topics = try reader.readArray(version: version, flexible: true)
        try reader.skipTaggedFields()
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        output.writeInteger(throttleMilliseconds)
        output.writeArray(topics, version: version, flexible: true)
        output.writeNoTaggedFields()
    }

    public typealias Topic = TopicBlock<Partition>

    public struct Partition: Equatable, Sendable, WireElement, TopicBlockElement {
        static var api: KafkaAPI { .describeProducers }
        static var topicIDVersionMin: Int16? { nil }

        public var index: Int32
        public var errorCode = KafkaErrorCode.none
        public var errorMessage: String?
        public var activeProducers: [Producer] = []

        static let bytesMin = 9

        public init(index: Int32) {
            self.index = index
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            index = try reader.readFixed()
            errorCode = try reader.readErrorCode()
            errorMessage = try reader.readNullableString(flexible: true)
            activeProducers = try reader.readArray(version: version, flexible: true)
            try reader.skipTaggedFields()
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeInteger(index)
            output.writeErrorCode(errorCode)
            output.writeNullableString(errorMessage, flexible: true)
            output.writeArray(activeProducers, version: version, flexible: true)
            output.writeNoTaggedFields()
        }
    }

    public struct Producer: Equatable, Sendable, WireElement {
        public var producerID: Int64
        public var producerEpoch: Int32
        /// The sequence number of its last record here.
        public var lastSequence: Int32 = -1
        public var lastTimestamp = Timestamp.none
        /// Of the last transaction marker; -1 when there was none.
        public var coordinatorEpoch: Int32 = 0
        /// Where the transaction that is open began; -1 without one.
        public var transactionStartOffset = Offset(-1)

        static let bytesMin = 37

        public init(producerID: Int64, producerEpoch: Int32) {
            self.producerID = producerID
            self.producerEpoch = producerEpoch
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            producerID = try reader.readFixed()
            producerEpoch = try reader.readFixed()
            lastSequence = try reader.readFixed()
            lastTimestamp = Timestamp(milliseconds: try reader.readFixed())
            coordinatorEpoch = try reader.readFixed()
            transactionStartOffset = Offset(try reader.readFixed())
            try reader.skipTaggedFields()
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeInteger(producerID)
            output.writeInteger(producerEpoch)
            output.writeInteger(lastSequence)
            output.writeInteger(lastTimestamp.rawValue)
            output.writeInteger(coordinatorEpoch)
            output.writeInteger(transactionStartOffset.rawValue)
            output.writeNoTaggedFields()
        }
    }
}
