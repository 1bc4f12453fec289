import BrokerModel

/// DeleteGroups (key 42): groups without members, and their offsets (KIP-229).
public struct DeleteGroupsRequest: Equatable, Sendable {
    public var groupIDs: [String]

    public init(groupIDs: [String]) {
        self.groupIDs = groupIDs
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.deleteGroups.check(version)
        let flexible = KafkaAPI.deleteGroups.isFlexible(version)
        groupIDs = try reader.readStrings(flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.deleteGroups.isFlexible(version)
        output.writeStrings(groupIDs, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }
}

public struct DeleteGroupsResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    public var results: [Result]

    public init(results: [Result]) {
        self.results = results
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.deleteGroups.check(version)
        let flexible = KafkaAPI.deleteGroups.isFlexible(version)
        throttleMilliseconds = try reader.readFixed()
        results = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.deleteGroups.isFlexible(version)
        output.writeInteger(throttleMilliseconds)
        output.writeArray(results, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public struct Result: Equatable, Sendable, WireElement {
        public var groupID: String
        public var errorCode = KafkaErrorCode.none

        static let bytesMin = 4

        public init(groupID: String) {
            self.groupID = groupID
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.deleteGroups.isFlexible(version)
            groupID = try reader.readString(flexible: flexible)
            errorCode = try reader.readErrorCode()
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.deleteGroups.isFlexible(version)
            output.writeString(groupID, flexible: flexible)
            output.writeErrorCode(errorCode)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}
