import BrokerModel

/// CreateTopics (key 19), the answer: what became of each topic.
public struct CreateTopicsResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    public var topics: [Topic]

    public init(topics: [Topic]) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.createTopics.check(version)
        let flexible = KafkaAPI.createTopics.isFlexible(version)
        throttleMilliseconds = try reader.readFixed()
        topics = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.createTopics.isFlexible(version)
        output.writeInteger(throttleMilliseconds)
        output.writeArray(topics, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }
}

extension CreateTopicsResponse {
    public struct Topic: Equatable, Sendable, WireElement {
        public var name: String
        /// From version 7 on.
        public var id = UUIDBytes.zero
        public var errorCode = KafkaErrorCode.none
        public var errorMessage: String?
        /// What the topic has got, from version 5 on (KIP-525).
        public var partitionCount: Int32 = -1
        public var replicationFactor: Int16 = -1
        /// Nil where they may not be told; empty beside an error.
        public var settings: [Setting]? = []
        /// Why `settings` is nil, tagged.
        public var settingsErrorCode = KafkaErrorCode.none

        static let bytesMin = 5

        public init(name: String) {
            self.name = name
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.createTopics.isFlexible(version)
            name = try reader.readString(flexible: flexible)
            if version >= 7 { id = try reader.readUUID() }
            errorCode = try reader.readErrorCode()
            errorMessage = try reader.readNullableString(flexible: flexible)
            guard version >= 5 else { return }
            partitionCount = try reader.readFixed()
            replicationFactor = try reader.readFixed()
            settings = try reader.readNullableArray(version: version, flexible: flexible)
            var fields = try TaggedFields(reading: &reader)
            while var field = try fields.next(&reader) {
                guard field.tag == 0 else { continue }
                settingsErrorCode = try field.body.readErrorCode()
                try field.finish()
            }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.createTopics.isFlexible(version)
            output.writeString(name, flexible: flexible)
            if version >= 7 { output.writeUUID(id) }
            output.writeErrorCode(errorCode)
            output.writeNullableString(errorMessage, flexible: flexible)
            guard version >= 5 else { return }
            output.writeInteger(partitionCount)
            output.writeInteger(replicationFactor)
            output.writeArray(settings, version: version, flexible: flexible)
            guard settingsErrorCode != .none else { return output.writeNoTaggedFields() }
            var fields = TaggedFieldsWriter()
            fields.add(0) { $0.writeErrorCode(settingsErrorCode) }
            fields.write(to: &output)
        }
    }

    /// One setting of a new topic. Only flexible versions have these.
    public struct Setting: Equatable, Sendable, WireElement {
        public var name: String
        public var value: String?
        public var isReadOnly = false
        public var source: ConfigSource
        public var isSensitive = false

        static let bytesMin = 6

        public init(name: String, value: String?, source: ConfigSource) {
            self.name = name
            self.value = value
            self.source = source
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            name = try reader.readString(flexible: true)
            value = try reader.readNullableString(flexible: true)
            isReadOnly = try reader.readBool()
            source = ConfigSource(rawValue: try reader.readFixed())
            isSensitive = try reader.readBool()
            try reader.skipTaggedFields()
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeString(name, flexible: true)
            output.writeNullableString(value, flexible: true)
            output.writeBool(isReadOnly)
            output.writeInteger(source.rawValue)
            output.writeBool(isSensitive)
            output.writeNoTaggedFields()
        }
    }
}
