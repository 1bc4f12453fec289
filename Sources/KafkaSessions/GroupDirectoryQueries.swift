import KafkaWire

// What administrators ask of groups.
extension GroupDirectory {
    public func describe(
        _ groupID: String,
        version: Int16
    ) -> DescribeGroupsResponse.Group {
        var answer = DescribeGroupsResponse.Group(groupID: groupID)
        guard let group = groups[groupID] else {
            answer.groupState = GroupState.dead.rawValue
            // Older versions have no error for it.
            if version >= 6 {
                answer.errorCode = .groupIDNotFound
                let name = groupID.prefix(KafkaSessionsLimits.quotedLengthMax)
                answer.errorMessage = "Group \(name) not found."
            }
            return answer
        }
        answer.groupState = group.state.rawValue
        answer.protocolType = group.protocolType ?? ""
        let isStable = group.state == .stable
        if isStable { answer.protocolData = group.protocolName ?? "" }
        answer.members = group.membersInOrder.map { member in
            var entry = DescribeGroupsResponse.Member(memberID: member.memberID)
            entry.groupInstanceID = member.instanceID
            entry.clientID = member.clientID
            entry.clientHost = member.clientHost
            if isStable { entry.memberMetadata = member.metadata(for: group.protocolName) }
            entry.memberAssignment = member.assignment
            return entry
        }
        return answer
    }

    /// Every group of these states and types, by name; no filter takes all.
    public func list(states: [String], types: [String]) -> [ListGroupsResponse.Group] {
        let states = Set(states.map { $0.lowercased() })
        let types = Set(types.map { $0.lowercased() })
        guard types.isEmpty || types.contains(Self.classicType) else { return [] }
        let listed = groups.values.filter {
            states.isEmpty || states.contains($0.state.rawValue.lowercased())
        }
        return listed.sorted { $0.groupID < $1.groupID }.map { group in
            var entry = ListGroupsResponse.Group(groupID: group.groupID)
            entry.protocolType = group.protocolType ?? ""
            entry.groupState = group.state.rawValue
            entry.groupType = Self.classicType
            return entry
        }
    }

    static let classicType = "classic"

    /// What the log knows of a group, or will.
    public func snapshot(of groupID: String) -> GroupSnapshot? { groups[groupID]?.snapshot() }

    /// Forgets a group that nobody is in. The caller removes it, and its offsets, from the log.
    public mutating func delete(_ groupID: String) -> KafkaErrorCode {
        guard let group = groups[groupID] else { return .groupIDNotFound }
        guard group.state == .empty else { return .nonEmptyGroup }
        remove(groupID)
        return .none
    }
}
