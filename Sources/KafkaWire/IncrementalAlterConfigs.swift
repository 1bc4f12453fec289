import BrokerModel

/// IncrementalAlterConfigs (key 44): changes to some settings (KIP-339).
public struct IncrementalAlterConfigsRequest: Equatable, Sendable {
    public var resources: [Resource]
    /// Asks what would happen, and changes nothing.
    public var validatesOnly = false

    public init(resources: [Resource]) {
        self.resources = resources
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.incrementalAlterConfigs.check(version)
        let flexible = KafkaAPI.incrementalAlterConfigs.isFlexible(version)
        resources = try reader.readArray(version: version, flexible: flexible)
        validatesOnly = try reader.readBool()
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.incrementalAlterConfigs.isFlexible(version)
        output.writeArray(resources, version: version, flexible: flexible)
        output.writeBool(validatesOnly)
        if flexible { output.writeNoTaggedFields() }
    }

    public struct Resource: Equatable, Sendable, WireElement {
        public var type: ConfigResourceType
        public var name: String
        public var settings: [Setting]

        static let bytesMin = 4

        public init(type: ConfigResourceType, name: String, settings: [Setting]) {
            self.type = type
            self.name = name
            self.settings = settings
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.incrementalAlterConfigs.isFlexible(version)
            type = ConfigResourceType(rawValue: try reader.readFixed())
            name = try reader.readString(flexible: flexible)
            settings = try reader.readArray(version: version, flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.incrementalAlterConfigs.isFlexible(version)
            output.writeInteger(type.rawValue)
            output.writeString(name, flexible: flexible)
            output.writeArray(settings, version: version, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }

    public struct Setting: Equatable, Sendable, WireElement {
        public var name: String
        public var operation: ConfigOperation
        /// Nil for a deletion.
        public var value: String?

        static let bytesMin = 4

        public init(name: String, operation: ConfigOperation, value: String? = nil) {
            self.name = name
            self.operation = operation
            self.value = value
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.incrementalAlterConfigs.isFlexible(version)
            name = try reader.readString(flexible: flexible)
            operation = ConfigOperation(rawValue: try reader.readFixed())
            value = try reader.readNullableString(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.incrementalAlterConfigs.isFlexible(version)
            output.writeString(name, flexible: flexible)
            output.writeInteger(operation.rawValue)
            output.writeNullableString(value, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}

/// What is done to one key.
@frozen public struct ConfigOperation: RawRepresentable, Hashable, Sendable {
    public var rawValue: Int8

    @inlinable public init(rawValue: Int8) { self.rawValue = rawValue }

    public static let set = ConfigOperation(rawValue: 0)
    /// The default holds again.
    public static let delete = ConfigOperation(rawValue: 1)
    /// Adds elements to the value, which has to be a list.
    public static let append = ConfigOperation(rawValue: 2)
    /// Takes elements from the value, which has to be a list.
    public static let subtract = ConfigOperation(rawValue: 3)
}

public struct IncrementalAlterConfigsResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    public var results: [Result]

    public init(results: [Result]) {
        self.results = results
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.incrementalAlterConfigs.check(version)
        let flexible = KafkaAPI.incrementalAlterConfigs.isFlexible(version)
        throttleMilliseconds = try reader.readFixed()
        results = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.incrementalAlterConfigs.isFlexible(version)
        output.writeInteger(throttleMilliseconds)
        output.writeArray(results, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public struct Result: Equatable, Sendable, WireElement {
        public var errorCode = KafkaErrorCode.none
        public var errorMessage: String?
        public var type: ConfigResourceType
        public var name: String

        static let bytesMin = 6

        public init(type: ConfigResourceType, name: String) {
            self.type = type
            self.name = name
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.incrementalAlterConfigs.isFlexible(version)
            errorCode = try reader.readErrorCode()
            errorMessage = try reader.readNullableString(flexible: flexible)
            type = ConfigResourceType(rawValue: try reader.readFixed())
            name = try reader.readString(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.incrementalAlterConfigs.isFlexible(version)
            output.writeErrorCode(errorCode)
            output.writeNullableString(errorMessage, flexible: flexible)
            output.writeInteger(type.rawValue)
            output.writeString(name, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}
