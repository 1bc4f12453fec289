import BrokerModel

// What the three APIs for access control lists share (KIP-140, KIP-290). Types, operations and
// permissions are Kafka's numbers: nothing here looks into them.

/// Which entries a request means; nil matches every text.
public struct AclFilter: Equatable, Sendable, WireElement {
    public var resourceType: Int8
    public var resourceName: String?
    public var patternType: Int8 = AclPattern.literal
    public var principal: String?
    public var host: String?
    public var operation: Int8
    public var permissionType: Int8

    static let bytesMin = 7

    public init(resourceType: Int8, operation: Int8, permissionType: Int8) {
        self.resourceType = resourceType
        self.operation = operation
        self.permissionType = permissionType
    }

    init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        let flexible = KafkaAPI.describeAcls.isFlexible(version)
        resourceType = try reader.readFixed()
        resourceName = try reader.readNullableString(flexible: flexible)
        patternType = try reader.readFixed()
        principal = try reader.readNullableString(flexible: flexible)
        host = try reader.readNullableString(flexible: flexible)
        operation = try reader.readFixed()
        permissionType = try reader.readFixed()
        if flexible { try reader.skipTaggedFields() }
    }

    func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.describeAcls.isFlexible(version)
        output.writeInteger(resourceType)
        output.writeNullableString(resourceName, flexible: flexible)
        output.writeInteger(patternType)
        output.writeNullableString(principal, flexible: flexible)
        output.writeNullableString(host, flexible: flexible)
        output.writeInteger(operation)
        output.writeInteger(permissionType)
        if flexible { output.writeNoTaggedFields() }
    }
}

public enum AclPattern {
    /// The name stands for itself alone.
    public static let literal: Int8 = 3
}

/// One entry: whom it lets do what, or forbids it.
public struct AclEntry: Equatable, Sendable {
    public var resourceType: Int8 = 0
    public var resourceName = ""
    public var patternType: Int8 = AclPattern.literal
    public var rule = AclRule()

    static let bytesMin = 6

    public init() {}

    /// Without the tagged fields: in an answer an error stands before them.
    init(reading reader: inout ByteReader, flexible: Bool) throws(KafkaWireError) {
        resourceType = try reader.readFixed()
        resourceName = try reader.readString(flexible: flexible)
        patternType = try reader.readFixed()
        rule = try AclRule(reading: &reader, flexible: flexible)
    }

    func write(to output: inout ByteWriter, flexible: Bool) {
        output.writeInteger(resourceType)
        output.writeString(resourceName, flexible: flexible)
        output.writeInteger(patternType)
        rule.write(to: &output, flexible: flexible)
    }
}

/// What an entry says of its resource.
public struct AclRule: Equatable, Sendable {
    public var principal = ""
    public var host = ""
    public var operation: Int8 = 0
    public var permissionType: Int8 = 0

    public init() {}

    init(reading reader: inout ByteReader, flexible: Bool) throws(KafkaWireError) {
        principal = try reader.readString(flexible: flexible)
        host = try reader.readString(flexible: flexible)
        operation = try reader.readFixed()
        permissionType = try reader.readFixed()
    }

    func write(to output: inout ByteWriter, flexible: Bool) {
        output.writeString(principal, flexible: flexible)
        output.writeString(host, flexible: flexible)
        output.writeInteger(operation)
        output.writeInteger(permissionType)
    }
}
