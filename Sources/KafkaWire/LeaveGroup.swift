import BrokerModel

/// LeaveGroup (key 13): members go, or an operator sends them away.
public struct LeaveGroupRequest: Equatable, Sendable {
    public var groupID: String
    /// Before version 3 exactly one, named by its id alone (KIP-345).
    public var members: [Member]

    public init(groupID: String, members: [Member]) {
        self.groupID = groupID
        self.members = members
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.leaveGroup.check(version)
        let flexible = KafkaAPI.leaveGroup.isFlexible(version)
        groupID = try reader.readString(flexible: flexible)
        members =
            version >= 3
            ? try reader.readArray(version: version, flexible: flexible)
            : [Member(memberID: try reader.readString(flexible: flexible))]
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.leaveGroup.isFlexible(version)
        output.writeString(groupID, flexible: flexible)
        if version >= 3 {
            output.writeArray(members, version: version, flexible: flexible)
        } else {
            output.writeString(members.first?.memberID ?? "", flexible: flexible)
        }
        if flexible { output.writeNoTaggedFields() }
    }

    public struct Member: Equatable, Sendable, WireElement {
        /// Empty when an operator names a static member by `groupInstanceID`.
        public var memberID: String
        /// From version 3 on.
        public var groupInstanceID: String?
        /// Why it leaves, for the log; from version 5 on (KIP-800).
        public var reason: String?

        static let bytesMin = 3

        public init(memberID: String, groupInstanceID: String? = nil, reason: String? = nil) {
            self.memberID = memberID
            self.groupInstanceID = groupInstanceID
            self.reason = reason
        }

        /// From version 3 on.
        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.leaveGroup.isFlexible(version)
            memberID = try reader.readString(flexible: flexible)
            groupInstanceID = try reader.readNullableString(flexible: flexible)
            if version >= 5 { reason = try reader.readNullableString(flexible: flexible) }
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.leaveGroup.isFlexible(version)
            output.writeString(memberID, flexible: flexible)
            output.writeNullableString(groupInstanceID, flexible: flexible)
            if version >= 5 { output.writeNullableString(reason, flexible: flexible) }
            if flexible { output.writeNoTaggedFields() }
        }
    }
}

public struct LeaveGroupResponse: Equatable, Sendable {
    /// From version 1 on.
    public var throttleMilliseconds: Int32 = 0
    /// Before version 3 the member's own error, later the group's alone.
    public var errorCode = KafkaErrorCode.none
    /// From version 3 on.
    public var members: [Member] = []

    public init() {}

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.leaveGroup.check(version)
        let flexible = KafkaAPI.leaveGroup.isFlexible(version)
        if version >= 1 { throttleMilliseconds = try reader.readFixed() }
        errorCode = try reader.readErrorCode()
        if version >= 3 { members = try reader.readArray(version: version, flexible: flexible) }
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.leaveGroup.isFlexible(version)
        if version >= 1 { output.writeInteger(throttleMilliseconds) }
        output.writeErrorCode(errorCode)
        if version >= 3 { output.writeArray(members, version: version, flexible: flexible) }
        if flexible { output.writeNoTaggedFields() }
    }

    public struct Member: Equatable, Sendable, WireElement {
        public var memberID: String
        public var groupInstanceID: String?
        public var errorCode: KafkaErrorCode

        static let bytesMin = 5

        public init(memberID: String, groupInstanceID: String?, errorCode: KafkaErrorCode) {
            self.memberID = memberID
            self.groupInstanceID = groupInstanceID
            self.errorCode = errorCode
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.leaveGroup.isFlexible(version)
            memberID = try reader.readString(flexible: flexible)
            groupInstanceID = try reader.readNullableString(flexible: flexible)
            errorCode = try reader.readErrorCode()
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.leaveGroup.isFlexible(version)
            output.writeString(memberID, flexible: flexible)
            output.writeNullableString(groupInstanceID, flexible: flexible)
            output.writeErrorCode(errorCode)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}
