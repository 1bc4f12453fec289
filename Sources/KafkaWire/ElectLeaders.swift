import BrokerModel

/// ElectLeaders (key 43): partitions that shall choose a leader now (KIP-183, KIP-460).
public struct ElectLeadersRequest: Equatable, Sendable {
    /// From version 1 on (KIP-460).
    public var type = ElectionType.preferred
    /// Nil asks for all partitions.
    public var topics: [Topic]?
    public var timeoutMilliseconds: Int32 = 60_000

    public init(topics: [Topic]? = nil) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.electLeaders.check(version)
        let flexible = KafkaAPI.electLeaders.isFlexible(version)
        if version >= 1 { type = ElectionType(rawValue: try reader.readFixed()) }
        topics = try reader.readNullableArray(version: version, flexible: flexible)
        timeoutMilliseconds = try reader.readFixed()
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.electLeaders.isFlexible(version)
        if version >= 1 { output.writeInteger(type.rawValue) }
        output.writeArray(topics, version: version, flexible: flexible)
        output.writeInteger(timeoutMilliseconds)
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
            let flexible = KafkaAPI.electLeaders.isFlexible(version)
            name = try reader.readString(flexible: flexible)
            partitions = try reader.readIntegers(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.electLeaders.isFlexible(version)
            output.writeString(name, flexible: flexible)
            output.writeIntegers(partitions, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}

/// Who may be elected.
@frozen public struct ElectionType: RawRepresentable, Hashable, Sendable {
    public var rawValue: Int8

    @inlinable public init(rawValue: Int8) { self.rawValue = rawValue }

    /// The first replica of the assignment, if it is in sync.
    public static let preferred = ElectionType(rawValue: 0)
    /// Any replica that lives, when none is in sync.
    public static let unclean = ElectionType(rawValue: 1)
}

public struct ElectLeadersResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    /// From version 1 on.
    public var errorCode = KafkaErrorCode.none
    public var topics: [Topic]

    public init(topics: [Topic]) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.electLeaders.check(version)
        let flexible = KafkaAPI.electLeaders.isFlexible(version)
        throttleMilliseconds = try reader.readFixed()
        if version >= 1 { errorCode = try reader.readErrorCode() }
        topics = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.electLeaders.isFlexible(version)
        output.writeInteger(throttleMilliseconds)
        if version >= 1 { output.writeErrorCode(errorCode) }
        output.writeArray(topics, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public typealias Topic = TopicBlock<Partition>

    public struct Partition: Equatable, Sendable, WireElement, TopicBlockElement {
        static var api: KafkaAPI { .electLeaders }
        static var topicIDVersionMin: Int16? { nil }

        public var index: Int32
        public var errorCode = KafkaErrorCode.none
        public var errorMessage: String?

        static let bytesMin = 8

        public init(index: Int32) {
            self.index = index
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.electLeaders.isFlexible(version)
            index = try reader.readFixed()
            errorCode = try reader.readErrorCode()
            errorMessage = try reader.readNullableString(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.electLeaders.isFlexible(version)
            output.writeInteger(index)
            output.writeErrorCode(errorCode)
            output.writeNullableString(errorMessage, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}
