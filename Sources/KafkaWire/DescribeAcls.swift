import BrokerModel

/// DescribeAcls (key 29): the entries that match a filter (KIP-140).
public struct DescribeAclsRequest: Equatable, Sendable {
    public var filter: AclFilter

    public init(filter: AclFilter) {
        self.filter = filter
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.describeAcls.check(version)
        filter = try AclFilter(reading: &reader, version: version)
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        filter.write(to: &output, version: version)
    }
}

public struct DescribeAclsResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    public var errorCode = KafkaErrorCode.none
    public var errorMessage: String?
    public var resources: [Resource] = []

    public init() {}

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.describeAcls.check(version)
        let flexible = KafkaAPI.describeAcls.isFlexible(version)
        throttleMilliseconds = try reader.readFixed()
        errorCode = try reader.readErrorCode()
        errorMessage = try reader.readNullableString(flexible: flexible)
        resources = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.describeAcls.isFlexible(version)
        output.writeInteger(throttleMilliseconds)
        output.writeErrorCode(errorCode)
        output.writeNullableString(errorMessage, flexible: flexible)
        output.writeArray(resources, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    /// All entries of one resource.
    public struct Resource: Equatable, Sendable, WireElement {
        public var type: Int8
        public var name: String
        public var patternType: Int8 = AclPattern.literal
        public var rules: [Rule] = []

        static let bytesMin = 5

        public init(type: Int8, name: String) {
            self.type = type
            self.name = name
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.describeAcls.isFlexible(version)
            type = try reader.readFixed()
            name = try reader.readString(flexible: flexible)
            patternType = try reader.readFixed()
            rules = try reader.readArray(version: version, flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.describeAcls.isFlexible(version)
            output.writeInteger(type)
            output.writeString(name, flexible: flexible)
            output.writeInteger(patternType)
            output.writeArray(rules, version: version, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }

    public struct Rule: Equatable, Sendable, WireElement {
        public var rule: AclRule

        static let bytesMin = 5

        public init(_ rule: AclRule) {
            self.rule = rule
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.describeAcls.isFlexible(version)
            rule = try AclRule(reading: &reader, flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.describeAcls.isFlexible(version)
            rule.write(to: &output, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}
