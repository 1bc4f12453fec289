import BrokerModel

/// DeleteTopics (key 20): topics by name, or from version 6 on also by id (KIP-516).
public struct DeleteTopicsRequest: Equatable, Sendable {
    public var topics: [Topic]
    public var timeoutMilliseconds: Int32

    public init(topics: [Topic], timeoutMilliseconds: Int32) {
        self.topics = topics
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.deleteTopics.check(version)
        let flexible = KafkaAPI.deleteTopics.isFlexible(version)
        topics = try reader.readArray(version: version, flexible: flexible)
        timeoutMilliseconds = try reader.readFixed()
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.deleteTopics.isFlexible(version)
        output.writeArray(topics, version: version, flexible: flexible)
        output.writeInteger(timeoutMilliseconds)
        if flexible { output.writeNoTaggedFields() }
    }

    /// Named, or from version 6 on by its id with a nil name.
    public struct Topic: Equatable, Sendable, WireElement {
        public var name: String?
        public var id: UUIDBytes

        static let bytesMin = 1

        public init(name: String?, id: UUIDBytes = .zero) {
            self.name = name
            self.id = id
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.deleteTopics.isFlexible(version)
            guard version >= 6 else {
                name = try reader.readString(flexible: flexible)
                id = .zero
                return
            }
            name = try reader.readNullableString(flexible: flexible)
            id = try reader.readUUID()
            try reader.skipTaggedFields()
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.deleteTopics.isFlexible(version)
            guard version >= 6 else { return output.writeString(name ?? "", flexible: flexible) }
            output.writeNullableString(name, flexible: flexible)
            output.writeUUID(id)
            output.writeNoTaggedFields()
        }
    }
}

public struct DeleteTopicsResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    public var topics: [Topic]

    public init(topics: [Topic]) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.deleteTopics.check(version)
        let flexible = KafkaAPI.deleteTopics.isFlexible(version)
        throttleMilliseconds = try reader.readFixed()
        topics = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.deleteTopics.isFlexible(version)
        output.writeInteger(throttleMilliseconds)
        output.writeArray(topics, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public struct Topic: Equatable, Sendable, WireElement {
        /// Nil, from version 6 on, for an id that no topic has.
        public var name: String?
        /// From version 6 on.
        public var id = UUIDBytes.zero
        public var errorCode = KafkaErrorCode.none
        /// From version 5 on.
        public var errorMessage: String?

        static let bytesMin = 3

        public init(name: String?) {
            self.name = name
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.deleteTopics.isFlexible(version)
            name =
                version >= 6
                ? try reader.readNullableString(flexible: flexible)
                : try reader.readString(flexible: flexible)
            if version >= 6 { id = try reader.readUUID() }
            errorCode = try reader.readErrorCode()
            if version >= 5 { errorMessage = try reader.readNullableString(flexible: flexible) }
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.deleteTopics.isFlexible(version)
            if version >= 6 {
                output.writeNullableString(name, flexible: flexible)
                output.writeUUID(id)
            } else {
                output.writeString(name ?? "", flexible: flexible)
            }
            output.writeErrorCode(errorCode)
            if version >= 5 { output.writeNullableString(errorMessage, flexible: flexible) }
            if flexible { output.writeNoTaggedFields() }
        }
    }
}
