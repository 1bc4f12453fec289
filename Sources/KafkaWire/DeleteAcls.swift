import BrokerModel

/// DeleteAcls (key 31): the entries that match go (KIP-140).
public struct DeleteAclsRequest: Equatable, Sendable {
    public var filters: [AclFilter]

    public init(filters: [AclFilter]) {
        self.filters = filters
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.deleteAcls.check(version)
        let flexible = KafkaAPI.deleteAcls.isFlexible(version)
        filters = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.deleteAcls.isFlexible(version)
        output.writeArray(filters, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }
}

public struct DeleteAclsResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    /// One for each filter, in the request's order.
    public var results: [Result]

    public init(results: [Result]) {
        self.results = results
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.deleteAcls.check(version)
        let flexible = KafkaAPI.deleteAcls.isFlexible(version)
        throttleMilliseconds = try reader.readFixed()
        results = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.deleteAcls.isFlexible(version)
        output.writeInteger(throttleMilliseconds)
        output.writeArray(results, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public struct Result: Equatable, Sendable, WireElement {
        public var errorCode = KafkaErrorCode.none
        public var errorMessage: String?
        public var matches: [Match] = []

        static let bytesMin = 5

        public init() {}

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.deleteAcls.isFlexible(version)
            errorCode = try reader.readErrorCode()
            errorMessage = try reader.readNullableString(flexible: flexible)
            matches = try reader.readArray(version: version, flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.deleteAcls.isFlexible(version)
            output.writeErrorCode(errorCode)
            output.writeNullableString(errorMessage, flexible: flexible)
            output.writeArray(matches, version: version, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }

    /// An entry that the filter met, and whether it is gone.
    public struct Match: Equatable, Sendable, WireElement {
        public var errorCode = KafkaErrorCode.none
        public var errorMessage: String?
        public var entry: AclEntry

        static let bytesMin = AclEntry.bytesMin + 3

        public init(_ entry: AclEntry) {
            self.entry = entry
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.deleteAcls.isFlexible(version)
            errorCode = try reader.readErrorCode()
            errorMessage = try reader.readNullableString(flexible: flexible)
            entry = try AclEntry(reading: &reader, flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.deleteAcls.isFlexible(version)
            output.writeErrorCode(errorCode)
            output.writeNullableString(errorMessage, flexible: flexible)
            entry.write(to: &output, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}
