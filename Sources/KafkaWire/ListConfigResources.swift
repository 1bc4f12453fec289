import BrokerModel

/// ListConfigResources (key 74): what has settings of its own (KIP-1142).
public struct ListConfigResourcesRequest: Equatable, Sendable {
    /// From version 1 on; empty asks for every type. Version 0 asks for client metrics only
    /// (KIP-714).
    public var resourceTypes: [Int8] = []

    public init() {}

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.listConfigResources.check(version)
        if version >= 1 { resourceTypes = try reader.readIntegers(flexible: true) }
        try reader.skipTaggedFields()
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        if version >= 1 { output.writeIntegers(resourceTypes, flexible: true) }
        output.writeNoTaggedFields()
    }
}

public struct ListConfigResourcesResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    public var errorCode = KafkaErrorCode.none
    public var resources: [Resource]

    public init(resources: [Resource]) {
        self.resources = resources
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.listConfigResources.check(version)
        throttleMilliseconds = try reader.readFixed()
        errorCode = try reader.readErrorCode()
        resources = try reader.readArray(version: version, flexible: true)
        try reader.skipTaggedFields()
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        output.writeInteger(throttleMilliseconds)
        output.writeErrorCode(errorCode)
        output.writeArray(resources, version: version, flexible: true)
        output.writeNoTaggedFields()
    }

    public struct Resource: Equatable, Sendable, WireElement {
        public var name: String
        /// From version 1 on.
        public var type = ConfigResourceType.clientMetrics

        static let bytesMin = 2

        public init(name: String) {
            self.name = name
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            name = try reader.readString(flexible: true)
            if version >= 1 { type = ConfigResourceType(rawValue: try reader.readFixed()) }
            try reader.skipTaggedFields()
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeString(name, flexible: true)
            if version >= 1 { output.writeInteger(type.rawValue) }
            output.writeNoTaggedFields()
        }
    }
}
