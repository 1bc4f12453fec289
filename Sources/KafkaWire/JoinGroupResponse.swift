import BrokerModel

/// JoinGroup (key 11), the answer: it comes when all members are there.
public struct JoinGroupResponse: Equatable, Sendable {
    /// From version 2 on.
    public var throttleMilliseconds: Int32 = 0
    public var errorCode = KafkaErrorCode.none
    public var generationID: Int32 = -1
    /// From version 7 on (KIP-559).
    public var protocolType: String?
    /// The protocol that all members follow now. Before version 7 an absent one is an empty string.
    public var protocolName: String?
    /// The member that assigns partitions; it alone is told all `members`.
    public var leader = ""
    /// From version 9 on: a static leader came back, and the assignment stands (KIP-814).
    public var skipsAssignment = false
    public var memberID = ""
    public var members: [Member] = []

    public init() {}

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.joinGroup.check(version)
        let flexible = KafkaAPI.joinGroup.isFlexible(version)
        if version >= 2 { throttleMilliseconds = try reader.readFixed() }
        errorCode = try reader.readErrorCode()
        generationID = try reader.readFixed()
        if version >= 7 { protocolType = try reader.readNullableString(flexible: flexible) }
        protocolName =
            version >= 7
            ? try reader.readNullableString(flexible: flexible)
            : try reader.readString(flexible: flexible)
        leader = try reader.readString(flexible: flexible)
        if version >= 9 { skipsAssignment = try reader.readBool() }
        memberID = try reader.readString(flexible: flexible)
        members = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.joinGroup.isFlexible(version)
        if version >= 2 { output.writeInteger(throttleMilliseconds) }
        output.writeErrorCode(errorCode)
        output.writeInteger(generationID)
        if version >= 7 { output.writeNullableString(protocolType, flexible: flexible) }
        if version >= 7 {
            output.writeNullableString(protocolName, flexible: flexible)
        } else {
            output.writeString(protocolName ?? "", flexible: flexible)
        }
        output.writeString(leader, flexible: flexible)
        if version >= 9 { output.writeBool(skipsAssignment) }
        output.writeString(memberID, flexible: flexible)
        output.writeArray(members, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public struct Member: Equatable, Sendable, WireElement {
        public var memberID: String
        /// From version 5 on (KIP-345).
        public var groupInstanceID: String?
        public var metadata: [UInt8]

        static let bytesMin = 4

        public init(memberID: String, metadata: [UInt8]) {
            self.memberID = memberID
            self.metadata = metadata
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.joinGroup.isFlexible(version)
            memberID = try reader.readString(flexible: flexible)
            if version >= 5 { groupInstanceID = try reader.readNullableString(flexible: flexible) }
            metadata = try reader.readByteArray(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.joinGroup.isFlexible(version)
            output.writeString(memberID, flexible: flexible)
            if version >= 5 { output.writeNullableString(groupInstanceID, flexible: flexible) }
            output.writeByteArray(metadata, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}
