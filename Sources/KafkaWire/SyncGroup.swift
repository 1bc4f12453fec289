import BrokerModel

/// SyncGroup (key 14): the leader hands in the assignment, and every member asks for its part.
public struct SyncGroupRequest: Equatable, Sendable {
    public var groupID: String
    public var generationID: Int32
    public var memberID: String
    /// The name that the member keeps over restarts (KIP-345), from version 3 on.
    public var groupInstanceID: String?
    /// Both from version 5 on (KIP-559): when given they must be the group's.
    public var protocolType: String?
    public var protocolName: String?
    /// From the leader, one for each member; empty from the others.
    public var assignments: [Assignment] = []

    public init(groupID: String, generationID: Int32, memberID: String) {
        self.groupID = groupID
        self.generationID = generationID
        self.memberID = memberID
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.syncGroup.check(version)
        let flexible = KafkaAPI.syncGroup.isFlexible(version)
        groupID = try reader.readString(flexible: flexible)
        generationID = try reader.readFixed()
        memberID = try reader.readString(flexible: flexible)
        if version >= 3 { groupInstanceID = try reader.readNullableString(flexible: flexible) }
        if version >= 5 {
            protocolType = try reader.readNullableString(flexible: flexible)
            protocolName = try reader.readNullableString(flexible: flexible)
        }
        assignments = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.syncGroup.isFlexible(version)
        output.writeString(groupID, flexible: flexible)
        output.writeInteger(generationID)
        output.writeString(memberID, flexible: flexible)
        if version >= 3 { output.writeNullableString(groupInstanceID, flexible: flexible) }
        if version >= 5 {
            output.writeNullableString(protocolType, flexible: flexible)
            output.writeNullableString(protocolName, flexible: flexible)
        }
        output.writeArray(assignments, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    /// What one member shall read, in a form that only clients know.
    public struct Assignment: Equatable, Sendable, WireElement {
        public var memberID: String
        public var assignment: [UInt8]

        static let bytesMin = 3

        public init(memberID: String, assignment: [UInt8]) {
            self.memberID = memberID
            self.assignment = assignment
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.syncGroup.isFlexible(version)
            memberID = try reader.readString(flexible: flexible)
            assignment = try reader.readByteArray(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.syncGroup.isFlexible(version)
            output.writeString(memberID, flexible: flexible)
            output.writeByteArray(assignment, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}

public struct SyncGroupResponse: Equatable, Sendable {
    /// From version 1 on.
    public var throttleMilliseconds: Int32 = 0
    public var errorCode = KafkaErrorCode.none
    /// Both from version 5 on (KIP-559).
    public var protocolType: String?
    public var protocolName: String?
    /// The member's own part, in a form that only clients know.
    public var assignment: [UInt8] = []

    public init() {}

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.syncGroup.check(version)
        let flexible = KafkaAPI.syncGroup.isFlexible(version)
        if version >= 1 { throttleMilliseconds = try reader.readFixed() }
        errorCode = try reader.readErrorCode()
        if version >= 5 {
            protocolType = try reader.readNullableString(flexible: flexible)
            protocolName = try reader.readNullableString(flexible: flexible)
        }
        assignment = try reader.readByteArray(flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.syncGroup.isFlexible(version)
        if version >= 1 { output.writeInteger(throttleMilliseconds) }
        output.writeErrorCode(errorCode)
        if version >= 5 {
            output.writeNullableString(protocolType, flexible: flexible)
            output.writeNullableString(protocolName, flexible: flexible)
        }
        output.writeByteArray(assignment, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }
}
