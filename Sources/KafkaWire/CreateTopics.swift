import BrokerModel

/// CreateTopics (key 19): the topics to make, with how many partitions and which settings.
public struct CreateTopicsRequest: Equatable, Sendable {
    public var topics: [Topic]
    public var timeoutMilliseconds: Int32
    /// Asks what would happen, and changes nothing.
    public var validatesOnly = false

    public init(topics: [Topic], timeoutMilliseconds: Int32) {
        self.topics = topics
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.createTopics.check(version)
        let flexible = KafkaAPI.createTopics.isFlexible(version)
        topics = try reader.readArray(version: version, flexible: flexible)
        timeoutMilliseconds = try reader.readFixed()
        validatesOnly = try reader.readBool()
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.createTopics.isFlexible(version)
        output.writeArray(topics, version: version, flexible: flexible)
        output.writeInteger(timeoutMilliseconds)
        output.writeBool(validatesOnly)
        if flexible { output.writeNoTaggedFields() }
    }
}

extension CreateTopicsRequest {
    public struct Topic: Equatable, Sendable, WireElement {
        public var name: String
        /// -1 leaves it to the broker (KIP-464), or to `assignments`.
        public var partitionCount: Int32 = -1
        public var replicationFactor: Int16 = -1
        public var assignments: [Assignment] = []
        public var settings: [Setting] = []

        static let bytesMin = 10

        public init(name: String) {
            self.name = name
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.createTopics.isFlexible(version)
            name = try reader.readString(flexible: flexible)
            partitionCount = try reader.readFixed()
            replicationFactor = try reader.readFixed()
            assignments = try reader.readArray(version: version, flexible: flexible)
            settings = try reader.readArray(version: version, flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.createTopics.isFlexible(version)
            output.writeString(name, flexible: flexible)
            output.writeInteger(partitionCount)
            output.writeInteger(replicationFactor)
            output.writeArray(assignments, version: version, flexible: flexible)
            output.writeArray(settings, version: version, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }

    /// On which brokers one partition is to lie.
    public struct Assignment: Equatable, Sendable, WireElement {
        public var partition: Int32
        public var brokers: [Int32]

        static let bytesMin = 5

        public init(partition: Int32, brokers: [Int32]) {
            self.partition = partition
            self.brokers = brokers
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.createTopics.isFlexible(version)
            partition = try reader.readFixed()
            brokers = try reader.readIntegers(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.createTopics.isFlexible(version)
            output.writeInteger(partition)
            output.writeIntegers(brokers, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }

    /// One of the topic's own settings; a nil value asks for the default.
    public struct Setting: Equatable, Sendable, WireElement {
        public var name: String
        public var value: String?

        static let bytesMin = 2

        public init(name: String, value: String?) {
            self.name = name
            self.value = value
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.createTopics.isFlexible(version)
            name = try reader.readString(flexible: flexible)
            value = try reader.readNullableString(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.createTopics.isFlexible(version)
            output.writeString(name, flexible: flexible)
            output.writeNullableString(value, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}
