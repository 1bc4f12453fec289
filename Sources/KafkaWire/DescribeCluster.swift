import BrokerModel

/// DescribeCluster (key 60): the brokers and who controls them (KIP-700).
public struct DescribeClusterRequest: Equatable, Sendable {
    /// KIP-430.
    public var wantsAuthorizedOperations = false
    /// From version 1 on (KIP-919).
    public var endpointType = EndpointType.brokers
    /// From version 2 on (KIP-1073).
    public var wantsFencedBrokers = false

    public init() {}

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.describeCluster.check(version)
        wantsAuthorizedOperations = try reader.readBool()
        if version >= 1 { endpointType = EndpointType(rawValue: try reader.readFixed()) }
        if version >= 2 { wantsFencedBrokers = try reader.readBool() }
        try reader.skipTaggedFields()
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        output.writeBool(wantsAuthorizedOperations)
        if version >= 1 { output.writeInteger(endpointType.rawValue) }
        if version >= 2 { output.writeBool(wantsFencedBrokers) }
        output.writeNoTaggedFields()
    }
}

/// Whose addresses are told.
@frozen public struct EndpointType: RawRepresentable, Hashable, Sendable {
    public var rawValue: Int8

    @inlinable public init(rawValue: Int8) { self.rawValue = rawValue }

    public static let brokers = EndpointType(rawValue: 1)
    public static let controllers = EndpointType(rawValue: 2)
}

public struct DescribeClusterResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    public var errorCode = KafkaErrorCode.none
    public var errorMessage: String?
    /// From version 1 on (KIP-919).
    public var endpointType = EndpointType.brokers
    public var clusterID: String
    public var controllerID: Int32 = -1
    public var brokers: [Broker]
    /// A bit for each operation; the least number when nobody asked (KIP-430).
    public var clusterAuthorizedOperations = MetadataResponse.operationsUnknown

    public init(clusterID: String, brokers: [Broker]) {
        self.clusterID = clusterID
        self.brokers = brokers
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.describeCluster.check(version)
        throttleMilliseconds = try reader.readFixed()
        errorCode = try reader.readErrorCode()
        errorMessage = try reader.readNullableString(flexible: true)
        if version >= 1 { endpointType = EndpointType(rawValue: try reader.readFixed()) }
        clusterID = try reader.readString(flexible: true)
        controllerID = try reader.readFixed()
        brokers = try reader.readArray(version: version, flexible: true)
        clusterAuthorizedOperations = try reader.readFixed()
        try reader.skipTaggedFields()
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        output.writeInteger(throttleMilliseconds)
        output.writeErrorCode(errorCode)
        output.writeNullableString(errorMessage, flexible: true)
        if version >= 1 { output.writeInteger(endpointType.rawValue) }
        output.writeString(clusterID, flexible: true)
        output.writeInteger(controllerID)
        output.writeArray(brokers, version: version, flexible: true)
        output.writeInteger(clusterAuthorizedOperations)
        output.writeNoTaggedFields()
    }

    public struct Broker: Equatable, Sendable, WireElement {
        public var id: Int32
        public var host: String
        public var port: Int32
        public var rack: String?
        /// From version 2 on (KIP-1073).
        public var isFenced = false

        static let bytesMin = 11

        public init(id: Int32, host: String, port: Int32) {
            self.id = id
            self.host = host
            self.port = port
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            id = try reader.readFixed()
            host = try reader.readString(flexible: true)
            port = try reader.readFixed()
            rack = try reader.readNullableString(flexible: true)
            if version >= 2 { isFenced = try reader.readBool() }
            try reader.skipTaggedFields()
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeInteger(id)
            output.writeString(host, flexible: true)
            output.writeInteger(port)
            output.writeNullableString(rack, flexible: true)
            if version >= 2 { output.writeBool(isFenced) }
            output.writeNoTaggedFields()
        }
    }
}
