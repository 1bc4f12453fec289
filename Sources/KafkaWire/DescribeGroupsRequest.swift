import BrokerModel

/// DescribeGroups (key 15): the state and the members of groups.
public struct DescribeGroupsRequest: Equatable, Sendable {
    public var groupIDs: [String]
    /// From version 3 on (KIP-430).
    public var wantsAuthorizedOperations = false

    public init(groupIDs: [String]) {
        self.groupIDs = groupIDs
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.describeGroups.check(version)
        let flexible = KafkaAPI.describeGroups.isFlexible(version)
        groupIDs = try reader.readStrings(flexible: flexible)
        if version >= 3 { wantsAuthorizedOperations = try reader.readBool() }
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.describeGroups.isFlexible(version)
        output.writeStrings(groupIDs, flexible: flexible)
        if version >= 3 { output.writeBool(wantsAuthorizedOperations) }
        if flexible { output.writeNoTaggedFields() }
    }
}
