import BrokerModel

/// Heartbeat (key 12): a member is alive.
public struct HeartbeatRequest: Equatable, Sendable {
    public var groupID: String
    public var generationID: Int32
    public var memberID: String
    /// The name that the member keeps over restarts (KIP-345), from version 3 on.
    public var groupInstanceID: String?

    public init(groupID: String, generationID: Int32, memberID: String) {
        self.groupID = groupID
        self.generationID = generationID
        self.memberID = memberID
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.heartbeat.check(version)
        let flexible = KafkaAPI.heartbeat.isFlexible(version)
        groupID = try reader.readString(flexible: flexible)
        generationID = try reader.readFixed()
        memberID = try reader.readString(flexible: flexible)
        if version >= 3 { groupInstanceID = try reader.readNullableString(flexible: flexible) }
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.heartbeat.isFlexible(version)
        output.writeString(groupID, flexible: flexible)
        output.writeInteger(generationID)
        output.writeString(memberID, flexible: flexible)
        if version >= 3 { output.writeNullableString(groupInstanceID, flexible: flexible) }
        if flexible { output.writeNoTaggedFields() }
    }
}

public struct HeartbeatResponse: Equatable, Sendable {
    /// From version 1 on.
    public var throttleMilliseconds: Int32 = 0
    public var errorCode = KafkaErrorCode.none

    public init() {}

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.heartbeat.check(version)
        if version >= 1 { throttleMilliseconds = try reader.readFixed() }
        errorCode = try reader.readErrorCode()
        if KafkaAPI.heartbeat.isFlexible(version) { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        if version >= 1 { output.writeInteger(throttleMilliseconds) }
        output.writeErrorCode(errorCode)
        if KafkaAPI.heartbeat.isFlexible(version) { output.writeNoTaggedFields() }
    }
}
