import BrokerModel

/// ListGroups (key 16): all groups that the broker coordinates.
public struct ListGroupsRequest: Equatable, Sendable {
    /// States to list, from version 4 on (KIP-518); empty lists all.
    public var statesFilter: [String] = []
    /// Types to list, from version 5 on (KIP-848); empty lists all.
    public var typesFilter: [String] = []

    public init() {}

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.listGroups.check(version)
        let flexible = KafkaAPI.listGroups.isFlexible(version)
        if version >= 4 { statesFilter = try reader.readStrings(flexible: flexible) }
        if version >= 5 { typesFilter = try reader.readStrings(flexible: flexible) }
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.listGroups.isFlexible(version)
        if version >= 4 { output.writeStrings(statesFilter, flexible: flexible) }
        if version >= 5 { output.writeStrings(typesFilter, flexible: flexible) }
        if flexible { output.writeNoTaggedFields() }
    }
}

public struct ListGroupsResponse: Equatable, Sendable {
    /// From version 1 on.
    public var throttleMilliseconds: Int32 = 0
    public var errorCode = KafkaErrorCode.none
    public var groups: [Group]

    public init(groups: [Group]) {
        self.groups = groups
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.listGroups.check(version)
        let flexible = KafkaAPI.listGroups.isFlexible(version)
        if version >= 1 { throttleMilliseconds = try reader.readFixed() }
        errorCode = try reader.readErrorCode()
        groups = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.listGroups.isFlexible(version)
        if version >= 1 { output.writeInteger(throttleMilliseconds) }
        output.writeErrorCode(errorCode)
        output.writeArray(groups, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public struct Group: Equatable, Sendable, WireElement {
        public var groupID: String
        /// Empty for a group that only keeps offsets.
        public var protocolType = ""
        /// From version 4 on (KIP-518).
        public var groupState = ""
        /// From version 5 on (KIP-848).
        public var groupType = ""

        static let bytesMin = 3

        public init(groupID: String) {
            self.groupID = groupID
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.listGroups.isFlexible(version)
            groupID = try reader.readString(flexible: flexible)
            protocolType = try reader.readString(flexible: flexible)
            if version >= 4 { groupState = try reader.readString(flexible: flexible) }
            if version >= 5 { groupType = try reader.readString(flexible: flexible) }
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.listGroups.isFlexible(version)
            output.writeString(groupID, flexible: flexible)
            output.writeString(protocolType, flexible: flexible)
            if version >= 4 { output.writeString(groupState, flexible: flexible) }
            if version >= 5 { output.writeString(groupType, flexible: flexible) }
            if flexible { output.writeNoTaggedFields() }
        }
    }
}
