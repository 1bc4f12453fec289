import BrokerModel

/// What is configured. A struct and not an enum, for the reason that `KafkaErrorCode` gives.
@frozen public struct ConfigResourceType: RawRepresentable, Hashable, Sendable {
    public var rawValue: Int8

    @inlinable public init(rawValue: Int8) { self.rawValue = rawValue }

    public static let unknown = ConfigResourceType(rawValue: 0)
    public static let topic = ConfigResourceType(rawValue: 2)
    public static let broker = ConfigResourceType(rawValue: 4)
    /// The levels of a broker's log messages (KIP-412).
    public static let brokerLogger = ConfigResourceType(rawValue: 8)
    /// What clients are asked to measure (KIP-714).
    public static let clientMetrics = ConfigResourceType(rawValue: 16)
    /// KIP-848.
    public static let group = ConfigResourceType(rawValue: 32)
}

/// Where a configured value comes from (KIP-226).
@frozen public struct ConfigSource: RawRepresentable, Hashable, Sendable {
    public var rawValue: Int8

    @inlinable public init(rawValue: Int8) { self.rawValue = rawValue }

    public static let unknown = ConfigSource(rawValue: 0)
    public static let topic = ConfigSource(rawValue: 1)
    /// The broker's own configuration: a file, the environment or a flag.
    public static let broker = ConfigSource(rawValue: 4)
    public static let byDefault = ConfigSource(rawValue: 5)
    /// KIP-412.
    public static let brokerLogger = ConfigSource(rawValue: 6)
}

/// What kind of value a key takes (KIP-569).
@frozen public struct ConfigType: RawRepresentable, Hashable, Sendable {
    public var rawValue: Int8

    @inlinable public init(rawValue: Int8) { self.rawValue = rawValue }

    public static let unknown = ConfigType(rawValue: 0)
    public static let boolean = ConfigType(rawValue: 1)
    public static let string = ConfigType(rawValue: 2)
    public static let int = ConfigType(rawValue: 3)
    public static let long = ConfigType(rawValue: 5)
    public static let double = ConfigType(rawValue: 6)
    public static let list = ConfigType(rawValue: 7)
}

/// One key of a topic or broker, as DescribeConfigs tells it.
public struct ConfigEntry: Equatable, Sendable, WireElement {
    public var name: String
    public var value: String?
    public var isReadOnly = false
    public var source: ConfigSource
    public var isSensitive = false
    public var synonyms: [ConfigSynonym] = []
    /// Both from version 3 on.
    public var type = ConfigType.unknown
    public var documentation: String?

    static let bytesMin = 6

    public init(name: String, value: String?, source: ConfigSource) {
        self.name = name
        self.value = value
        self.source = source
    }

    init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        let flexible = KafkaAPI.describeConfigs.isFlexible(version)
        name = try reader.readString(flexible: flexible)
        value = try reader.readNullableString(flexible: flexible)
        isReadOnly = try reader.readBool()
        source = ConfigSource(rawValue: try reader.readFixed())
        isSensitive = try reader.readBool()
        synonyms = try reader.readArray(version: version, flexible: flexible)
        if version >= 3 {
            type = ConfigType(rawValue: try reader.readFixed())
            documentation = try reader.readNullableString(flexible: flexible)
        }
        if flexible { try reader.skipTaggedFields() }
    }

    func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.describeConfigs.isFlexible(version)
        output.writeString(name, flexible: flexible)
        output.writeNullableString(value, flexible: flexible)
        output.writeBool(isReadOnly)
        output.writeInteger(source.rawValue)
        output.writeBool(isSensitive)
        output.writeArray(synonyms, version: version, flexible: flexible)
        if version >= 3 {
            output.writeInteger(type.rawValue)
            output.writeNullableString(documentation, flexible: flexible)
        }
        if flexible { output.writeNoTaggedFields() }
    }
}

/// A key that might have given the value, under the name that it has there.
public struct ConfigSynonym: Equatable, Sendable, WireElement {
    public var name: String
    public var value: String?
    public var source: ConfigSource

    static let bytesMin = 3

    public init(name: String, value: String?, source: ConfigSource) {
        self.name = name
        self.value = value
        self.source = source
    }

    init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        let flexible = KafkaAPI.describeConfigs.isFlexible(version)
        name = try reader.readString(flexible: flexible)
        value = try reader.readNullableString(flexible: flexible)
        source = ConfigSource(rawValue: try reader.readFixed())
        if flexible { try reader.skipTaggedFields() }
    }

    func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.describeConfigs.isFlexible(version)
        output.writeString(name, flexible: flexible)
        output.writeNullableString(value, flexible: flexible)
        output.writeInteger(source.rawValue)
        if flexible { output.writeNoTaggedFields() }
    }
}
