import BrokerModel

/// DescribeConfigs (key 32): how topics and brokers are set.
public struct DescribeConfigsRequest: Equatable, Sendable {
    public var resources: [Resource]
    /// From where each value might have come, the one that counts first (KIP-226).
    public var wantsSynonyms = false
    /// From version 3 on (KIP-569).
    public var wantsDocumentation = false

    public init(resources: [Resource]) {
        self.resources = resources
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.describeConfigs.check(version)
        let flexible = KafkaAPI.describeConfigs.isFlexible(version)
        resources = try reader.readArray(version: version, flexible: flexible)
        wantsSynonyms = try reader.readBool()
        if version >= 3 { wantsDocumentation = try reader.readBool() }
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.describeConfigs.isFlexible(version)
        output.writeArray(resources, version: version, flexible: flexible)
        output.writeBool(wantsSynonyms)
        if version >= 3 { output.writeBool(wantsDocumentation) }
        if flexible { output.writeNoTaggedFields() }
    }

    public struct Resource: Equatable, Sendable, WireElement {
        public var type: ConfigResourceType
        public var name: String
        /// Nil asks for all keys.
        public var keys: [String]?

        static let bytesMin = 3

        public init(type: ConfigResourceType, name: String, keys: [String]? = nil) {
            self.type = type
            self.name = name
            self.keys = keys
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.describeConfigs.isFlexible(version)
            type = ConfigResourceType(rawValue: try reader.readFixed())
            name = try reader.readString(flexible: flexible)
            keys = try reader.readNullableStrings(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.describeConfigs.isFlexible(version)
            output.writeInteger(type.rawValue)
            output.writeString(name, flexible: flexible)
            output.writeStrings(keys, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}

public struct DescribeConfigsResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    public var results: [Result]

    public init(results: [Result]) {
        self.results = results
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.describeConfigs.check(version)
        let flexible = KafkaAPI.describeConfigs.isFlexible(version)
        throttleMilliseconds = try reader.readFixed()
        results = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.describeConfigs.isFlexible(version)
        output.writeInteger(throttleMilliseconds)
        output.writeArray(results, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public struct Result: Equatable, Sendable, WireElement {
        public var errorCode = KafkaErrorCode.none
        public var errorMessage: String?
        public var type: ConfigResourceType
        public var name: String
        public var entries: [ConfigEntry] = []

        static let bytesMin = 6

        public init(type: ConfigResourceType, name: String) {
            self.type = type
            self.name = name
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.describeConfigs.isFlexible(version)
            errorCode = try reader.readErrorCode()
            errorMessage = try reader.readNullableString(flexible: flexible)
            type = ConfigResourceType(rawValue: try reader.readFixed())
            name = try reader.readString(flexible: flexible)
            entries = try reader.readArray(version: version, flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.describeConfigs.isFlexible(version)
            output.writeErrorCode(errorCode)
            output.writeNullableString(errorMessage, flexible: flexible)
            output.writeInteger(type.rawValue)
            output.writeString(name, flexible: flexible)
            output.writeArray(entries, version: version, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}
