import BrokerModel

/// JoinGroup (key 11): somebody wants to be a member, or says again that it is one.
public struct JoinGroupRequest: Equatable, Sendable {
    public var groupID: String
    /// A member that is silent for longer is taken for dead.
    public var sessionTimeoutMilliseconds: Int32
    /// How long a rebalance waits for the member to join again; from version 1 on. Before, and at
    /// -1, it is the session timeout.
    public var rebalanceTimeoutMilliseconds: Int32 = -1
    /// Empty from somebody who is no member yet.
    public var memberID: String
    /// The name that the member keeps over restarts (KIP-345), from version 5 on.
    public var groupInstanceID: String?
    public var protocolType: String
    /// What the member can follow, its favourite first.
    public var protocols: [GroupProtocol]
    /// Why it joins, for the log; from version 8 on (KIP-800).
    public var reason: String?

    public init(
        groupID: String,
        sessionTimeoutMilliseconds: Int32,
        memberID: String,
        protocolType: String,
        protocols: [GroupProtocol]
    ) {
        self.groupID = groupID
        self.sessionTimeoutMilliseconds = sessionTimeoutMilliseconds
        self.memberID = memberID
        self.protocolType = protocolType
        self.protocols = protocols
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.joinGroup.check(version)
        let flexible = KafkaAPI.joinGroup.isFlexible(version)
        groupID = try reader.readString(flexible: flexible)
        sessionTimeoutMilliseconds = try reader.readFixed()
        if version >= 1 { rebalanceTimeoutMilliseconds = try reader.readFixed() }
        memberID = try reader.readString(flexible: flexible)
        if version >= 5 { groupInstanceID = try reader.readNullableString(flexible: flexible) }
        protocolType = try reader.readString(flexible: flexible)
        protocols = try reader.readArray(version: version, flexible: flexible)
        if version >= 8 { reason = try reader.readNullableString(flexible: flexible) }
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.joinGroup.isFlexible(version)
        output.writeString(groupID, flexible: flexible)
        output.writeInteger(sessionTimeoutMilliseconds)
        if version >= 1 { output.writeInteger(rebalanceTimeoutMilliseconds) }
        output.writeString(memberID, flexible: flexible)
        if version >= 5 { output.writeNullableString(groupInstanceID, flexible: flexible) }
        output.writeString(protocolType, flexible: flexible)
        output.writeArray(protocols, version: version, flexible: flexible)
        if version >= 8 { output.writeNullableString(reason, flexible: flexible) }
        if flexible { output.writeNoTaggedFields() }
    }

    /// A protocol by name, with what the member has to say under it: for consumers, its
    /// subscription.
    public struct GroupProtocol: Equatable, Sendable, WireElement {
        public var name: String
        public var metadata: [UInt8]

        static let bytesMin = 3

        public init(name: String, metadata: [UInt8]) {
            self.name = name
            self.metadata = metadata
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.joinGroup.isFlexible(version)
            name = try reader.readString(flexible: flexible)
            metadata = try reader.readByteArray(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.joinGroup.isFlexible(version)
            output.writeString(name, flexible: flexible)
            output.writeByteArray(metadata, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}
