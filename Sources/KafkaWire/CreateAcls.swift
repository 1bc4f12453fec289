import BrokerModel

/// CreateAcls (key 30): entries to add (KIP-140).
public struct CreateAclsRequest: Equatable, Sendable {
    public var creations: [Creation]

    public init(creations: [Creation]) {
        self.creations = creations
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.createAcls.check(version)
        let flexible = KafkaAPI.createAcls.isFlexible(version)
        creations = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.createAcls.isFlexible(version)
        output.writeArray(creations, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public struct Creation: Equatable, Sendable, WireElement {
        public var entry: AclEntry

        static let bytesMin = AclEntry.bytesMin

        public init(_ entry: AclEntry) {
            self.entry = entry
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.createAcls.isFlexible(version)
            entry = try AclEntry(reading: &reader, flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.createAcls.isFlexible(version)
            entry.write(to: &output, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}

public struct CreateAclsResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    /// One for each creation, in the request's order.
    public var results: [Result]

    public init(results: [Result]) {
        self.results = results
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.createAcls.check(version)
        let flexible = KafkaAPI.createAcls.isFlexible(version)
        throttleMilliseconds = try reader.readFixed()
        results = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.createAcls.isFlexible(version)
        output.writeInteger(throttleMilliseconds)
        output.writeArray(results, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public struct Result: Equatable, Sendable, WireElement {
        public var errorCode: KafkaErrorCode
        public var errorMessage: String?

        static let bytesMin = 4

        public init(errorCode: KafkaErrorCode = .none, errorMessage: String? = nil) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.createAcls.isFlexible(version)
            errorCode = try reader.readErrorCode()
            errorMessage = try reader.readNullableString(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.createAcls.isFlexible(version)
            output.writeErrorCode(errorCode)
            output.writeNullableString(errorMessage, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}
