import BrokerModel

/// Metadata (key 3): the brokers, and the topics with their partitions and leaders.
public struct MetadataRequest: Equatable, Sendable {
    /// Nil asks for all topics. Version 0 has no null and says it with an empty array.
    public var topics: [Topic]?
    /// From version 4 on.
    public var allowsTopicCreation = true
    /// Versions 8 to 10.
    public var wantsClusterOperations = false
    /// From version 8 on.
    public var wantsTopicOperations = false

    public init(topics: [Topic]?) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.metadata.check(version)
        let flexible = KafkaAPI.metadata.isFlexible(version)
        if version == 0 {
            let named: [Topic] = try reader.readArray(version: version, flexible: flexible)
            topics = named.isEmpty ? nil : named
        } else {
            topics = try reader.readNullableArray(version: version, flexible: flexible)
        }
        if version >= 4 { allowsTopicCreation = try reader.readBool() }
        if (8...10).contains(version) { wantsClusterOperations = try reader.readBool() }
        if version >= 8 { wantsTopicOperations = try reader.readBool() }
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.metadata.isFlexible(version)
        let named = version == 0 ? topics ?? [] : topics
        output.writeArray(named, version: version, flexible: flexible)
        if version >= 4 { output.writeBool(allowsTopicCreation) }
        if (8...10).contains(version) { output.writeBool(wantsClusterOperations) }
        if version >= 8 { output.writeBool(wantsTopicOperations) }
        if flexible { output.writeNoTaggedFields() }
    }

    /// A topic asked for by name, or from version 12 on by id with a nil name.
    public struct Topic: Hashable, Sendable, WireElement {
        public var id: UUIDBytes
        public var name: String?

        static let bytesMin = 2

        public init(name: String?, id: UUIDBytes = .zero) {
            self.name = name
            self.id = id
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.metadata.isFlexible(version)
            id = version >= 10 ? try reader.readUUID() : .zero
            name =
                version >= 10
                ? try reader.readNullableString(flexible: flexible)
                : try reader.readString(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.metadata.isFlexible(version)
            if version >= 10 {
                output.writeUUID(id)
                output.writeNullableString(name, flexible: flexible)
            } else {
                output.writeString(name ?? "", flexible: flexible)
            }
            if flexible { output.writeNoTaggedFields() }
        }
    }
}

public struct MetadataResponse: Equatable, Sendable {
    /// «Not asked for», in place of a set of authorized operations.
    public static let operationsUnknown = Int32.min

    public var throttleMilliseconds: Int32 = 0
    public var brokers: [Broker] = []
    public var clusterID: String?
    public var controllerID: Int32 = -1
    public var topics: [Topic] = []
    public var clusterOperations = Self.operationsUnknown
    /// From version 13 on.
    public var errorCode = KafkaErrorCode.none

    public init() {}

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.metadata.check(version)
        let flexible = KafkaAPI.metadata.isFlexible(version)
        if version >= 3 { throttleMilliseconds = try reader.readFixed() }
        brokers = try reader.readArray(version: version, flexible: flexible)
        if version >= 2 { clusterID = try reader.readNullableString(flexible: flexible) }
        if version >= 1 { controllerID = try reader.readFixed() }
        topics = try reader.readArray(version: version, flexible: flexible)
        if (8...10).contains(version) { clusterOperations = try reader.readFixed() }
        if version >= 13 { errorCode = try reader.readErrorCode() }
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.metadata.isFlexible(version)
        if version >= 3 { output.writeInteger(throttleMilliseconds) }
        output.writeArray(brokers, version: version, flexible: flexible)
        if version >= 2 { output.writeNullableString(clusterID, flexible: flexible) }
        if version >= 1 { output.writeInteger(controllerID) }
        output.writeArray(topics, version: version, flexible: flexible)
        if (8...10).contains(version) { output.writeInteger(clusterOperations) }
        if version >= 13 { output.writeErrorCode(errorCode) }
        if flexible { output.writeNoTaggedFields() }
    }
}
