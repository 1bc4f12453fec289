import BrokerModel

/// CreatePartitions (key 37): topics that shall have more partitions (KIP-195).
public struct CreatePartitionsRequest: Equatable, Sendable {
    public var topics: [Topic]
    public var timeoutMilliseconds: Int32
    /// Asks what would happen, and changes nothing.
    public var validatesOnly = false

    public init(topics: [Topic], timeoutMilliseconds: Int32) {
        self.topics = topics
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.createPartitions.check(version)
        let flexible = KafkaAPI.createPartitions.isFlexible(version)
        topics = try reader.readArray(version: version, flexible: flexible)
        timeoutMilliseconds = try reader.readFixed()
        validatesOnly = try reader.readBool()
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.createPartitions.isFlexible(version)
        output.writeArray(topics, version: version, flexible: flexible)
        output.writeInteger(timeoutMilliseconds)
        output.writeBool(validatesOnly)
        if flexible { output.writeNoTaggedFields() }
    }

    public struct Topic: Equatable, Sendable, WireElement {
        public var name: String
        /// How many partitions there are to be afterwards.
        public var count: Int32
        /// On which brokers each new partition is to lie; nil leaves that to the broker.
        public var assignments: [Assignment]?

        static let bytesMin = 7

        public init(name: String, count: Int32) {
            self.name = name
            self.count = count
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.createPartitions.isFlexible(version)
            name = try reader.readString(flexible: flexible)
            count = try reader.readFixed()
            assignments = try reader.readNullableArray(version: version, flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.createPartitions.isFlexible(version)
            output.writeString(name, flexible: flexible)
            output.writeInteger(count)
            output.writeArray(assignments, version: version, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }

    /// The brokers of one new partition.
    public struct Assignment: Equatable, Sendable, WireElement {
        public var brokerIDs: [Int32]

        static let bytesMin = 2

        public init(brokerIDs: [Int32]) {
            self.brokerIDs = brokerIDs
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.createPartitions.isFlexible(version)
            brokerIDs = try reader.readIntegers(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.createPartitions.isFlexible(version)
            output.writeIntegers(brokerIDs, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}

public struct CreatePartitionsResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    public var results: [Topic]

    public init(results: [Topic]) {
        self.results = results
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.createPartitions.check(version)
        let flexible = KafkaAPI.createPartitions.isFlexible(version)
        throttleMilliseconds = try reader.readFixed()
        results = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.createPartitions.isFlexible(version)
        output.writeInteger(throttleMilliseconds)
        output.writeArray(results, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public struct Topic: Equatable, Sendable, WireElement {
        public var name: String
        public var errorCode = KafkaErrorCode.none
        public var errorMessage: String?

        static let bytesMin = 5

        public init(name: String) {
            self.name = name
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.createPartitions.isFlexible(version)
            name = try reader.readString(flexible: flexible)
            errorCode = try reader.readErrorCode()
            errorMessage = try reader.readNullableString(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.createPartitions.isFlexible(version)
            output.writeString(name, flexible: flexible)
            output.writeErrorCode(errorCode)
            output.writeNullableString(errorMessage, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}
