import BrokerModel
import KafkaServer
import KafkaWire
import Testing

extension TestClient {
    /// Sends a JoinGroup of a consumer that offers `range` alone; does not wait.
    func sendJoin(
        _ group: String = "g",
        member: String = "",
        instance: String? = nil,
        session: Int32 = 10_000,
        _ version: Int16 = 9
    ) throws -> Int32 {
        var request = JoinGroupRequest(
            groupID: group,
            sessionTimeoutMilliseconds: session,
            memberID: member,
            protocolType: "consumer",
            protocols: [.init(name: "range", metadata: [1, 2, 3])]
        )
        request.rebalanceTimeoutMilliseconds = 20_000
        request.groupInstanceID = instance
        return try send(.joinGroup, version) { request.write(to: &$0, version: version) }
    }

    func receiveJoin(_ id: Int32, _ version: Int16 = 9) throws -> JoinGroupResponse {
        try receive(.joinGroup, version, id) {
            try JoinGroupResponse(reading: &$0, version: version)
        }
    }

    /// Joins as clients do: with an id, once it has one.
    func join(_ group: String = "g", _ version: Int16 = 9) throws -> JoinGroupResponse {
        let first = try receiveJoin(try sendJoin(group, version), version)
        guard first.errorCode == .memberIDRequired else { return first }
        let id = try sendJoin(group, member: first.memberID, version)
        return try receiveJoin(id, version)
    }

    func sendSync(
        _ joined: JoinGroupResponse,
        _ group: String = "g",
        assigning: [String: [UInt8]] = [:],
        _ version: Int16 = 5
    ) throws -> Int32 {
        var request = SyncGroupRequest(
            groupID: group,
            generationID: joined.generationID,
            memberID: joined.memberID
        )
        if version >= 5 {
            request.protocolType = "consumer"
            request.protocolName = "range"
        }
        request.assignments = assigning.map { .init(memberID: $0.key, assignment: $0.value) }
        return try send(.syncGroup, version) { request.write(to: &$0, version: version) }
    }

    func receiveSync(_ id: Int32, _ version: Int16 = 5) throws -> SyncGroupResponse {
        try receive(.syncGroup, version, id) {
            try SyncGroupResponse(reading: &$0, version: version)
        }
    }

    func heartbeat(
        _ joined: JoinGroupResponse,
        _ group: String = "g",
        _ version: Int16 = 4
    ) throws -> KafkaErrorCode {
        let request = HeartbeatRequest(
            groupID: group,
            generationID: joined.generationID,
            memberID: joined.memberID
        )
        let id = try send(.heartbeat, version) { request.write(to: &$0, version: version) }
        return try receive(.heartbeat, version, id) {
            try HeartbeatResponse(reading: &$0, version: version)
        }.errorCode
    }

    func leave(
        _ member: String,
        _ group: String = "g",
        _ version: Int16 = 5
    ) throws -> LeaveGroupResponse {
        let request = LeaveGroupRequest(groupID: group, members: [.init(memberID: member)])
        let id = try send(.leaveGroup, version) { request.write(to: &$0, version: version) }
        return try receive(.leaveGroup, version, id) {
            try LeaveGroupResponse(reading: &$0, version: version)
        }
    }

    func describe(
        _ group: String = "g",
        authorized: Bool = false,
        _ version: Int16 = 6
    ) throws -> DescribeGroupsResponse.Group {
        var request = DescribeGroupsRequest(groupIDs: [group])
        request.wantsAuthorizedOperations = authorized
        let id = try send(.describeGroups, version) { request.write(to: &$0, version: version) }
        let response = try receive(.describeGroups, version, id) {
            try DescribeGroupsResponse(reading: &$0, version: version)
        }
        return try #require(response.groups.first)
    }

    func listGroups(
        states: [String] = [],
        types: [String] = [],
        _ version: Int16 = 5
    ) throws -> [ListGroupsResponse.Group] {
        var request = ListGroupsRequest()
        request.statesFilter = states
        request.typesFilter = types
        let id = try send(.listGroups, version) { request.write(to: &$0, version: version) }
        return try receive(.listGroups, version, id) {
            try ListGroupsResponse(reading: &$0, version: version)
        }.groups
    }

    func deleteGroups(_ groups: [String], _ version: Int16 = 2) throws -> [KafkaErrorCode] {
        let request = DeleteGroupsRequest(groupIDs: groups)
        let id = try send(.deleteGroups, version) { request.write(to: &$0, version: version) }
        return try receive(.deleteGroups, version, id) {
            try DeleteGroupsResponse(reading: &$0, version: version)
        }.results.map(\.errorCode)
    }

    func findCoordinator(
        _ keys: [String],
        type: CoordinatorType = .group,
        _ version: Int16 = 6
    ) throws -> [FindCoordinatorResponse.Coordinator] {
        let request = FindCoordinatorRequest(keys: keys, keyType: type)
        let id = try send(.findCoordinator, version) { request.write(to: &$0, version: version) }
        return try receive(.findCoordinator, version, id) {
            try FindCoordinatorResponse(reading: &$0, version: version)
        }.coordinators
    }
}
