import BrokerModel

/// DescribeGroups (key 15), the answer.
public struct DescribeGroupsResponse: Equatable, Sendable {
    /// From version 1 on.
    public var throttleMilliseconds: Int32 = 0
    public var groups: [Group]

    public init(groups: [Group]) {
        self.groups = groups
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.describeGroups.check(version)
        let flexible = KafkaAPI.describeGroups.isFlexible(version)
        if version >= 1 { throttleMilliseconds = try reader.readFixed() }
        groups = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.describeGroups.isFlexible(version)
        if version >= 1 { output.writeInteger(throttleMilliseconds) }
        output.writeArray(groups, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public struct Group: Equatable, Sendable, WireElement {
        public var errorCode = KafkaErrorCode.none
        /// From version 6 on (KIP-1043).
        public var errorMessage: String?
        public var groupID: String
        /// The state's name as Kafka writes it, such as `Stable`.
        public var groupState = ""
        public var protocolType = ""
        /// The protocol that the members follow; empty unless the group is stable.
        public var protocolData = ""
        public var members: [Member] = []
        /// A bit for each operation, from version 3 on; the least number when nobody asked
        /// (KIP-430).
        public var authorizedOperations = MetadataResponse.operationsUnknown

        static let bytesMin = 12

        public init(groupID: String) {
            self.groupID = groupID
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.describeGroups.isFlexible(version)
            errorCode = try reader.readErrorCode()
            if version >= 6 { errorMessage = try reader.readNullableString(flexible: flexible) }
            groupID = try reader.readString(flexible: flexible)
            groupState = try reader.readString(flexible: flexible)
            protocolType = try reader.readString(flexible: flexible)
            protocolData = try reader.readString(flexible: flexible)
            members = try reader.readArray(version: version, flexible: flexible)
            if version >= 3 { authorizedOperations = try reader.readFixed() }
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.describeGroups.isFlexible(version)
            output.writeErrorCode(errorCode)
            if version >= 6 { output.writeNullableString(errorMessage, flexible: flexible) }
            output.writeString(groupID, flexible: flexible)
            output.writeString(groupState, flexible: flexible)
            output.writeString(protocolType, flexible: flexible)
            output.writeString(protocolData, flexible: flexible)
            output.writeArray(members, version: version, flexible: flexible)
            if version >= 3 { output.writeInteger(authorizedOperations) }
            if flexible { output.writeNoTaggedFields() }
        }
    }

    public struct Member: Equatable, Sendable, WireElement {
        public var memberID: String
        /// From version 4 on (KIP-345).
        public var groupInstanceID: String?
        public var clientID = ""
        /// The peer's address with a slash in front, as Kafka gives it.
        public var clientHost = ""
        /// Both empty unless the group is stable.
        public var memberMetadata: [UInt8] = []
        public var memberAssignment: [UInt8] = []

        static let bytesMin = 7

        public init(memberID: String) {
            self.memberID = memberID
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.describeGroups.isFlexible(version)
            memberID = try reader.readString(flexible: flexible)
            if version >= 4 { groupInstanceID = try reader.readNullableString(flexible: flexible) }
            clientID = try reader.readString(flexible: flexible)
            clientHost = try reader.readString(flexible: flexible)
            memberMetadata = try reader.readByteArray(flexible: flexible)
            memberAssignment = try reader.readByteArray(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.describeGroups.isFlexible(version)
            output.writeString(memberID, flexible: flexible)
            if version >= 4 { output.writeNullableString(groupInstanceID, flexible: flexible) }
            output.writeString(clientID, flexible: flexible)
            output.writeString(clientHost, flexible: flexible)
            output.writeByteArray(memberMetadata, flexible: flexible)
            output.writeByteArray(memberAssignment, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}
