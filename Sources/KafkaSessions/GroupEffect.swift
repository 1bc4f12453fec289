import KafkaWire

/// The answer to a request that may have waited.
public enum GroupAnswer: Equatable, Sendable {
    case joined(JoinGroupResponse)
    case synced(SyncGroupResponse)
    case left(LeaveGroupResponse)
    case deleted(DeleteGroupsResponse)

    static func joining(
        _ errorCode: KafkaErrorCode,
        memberID: String = ""
    ) -> GroupAnswer {
        var response = JoinGroupResponse()
        response.errorCode = errorCode
        response.memberID = memberID
        return .joined(response)
    }

    static func syncing(_ errorCode: KafkaErrorCode) -> GroupAnswer {
        var response = SyncGroupResponse()
        response.errorCode = errorCode
        return .synced(response)
    }

    /// The same request, answered with a failure instead.
    func failed(_ errorCode: KafkaErrorCode) -> GroupAnswer {
        switch self {
        case .joined: return .joining(errorCode)
        case .synced: return .syncing(errorCode)
        case .left:
            var response = LeaveGroupResponse()
            response.errorCode = errorCode
            return .left(response)
        case .deleted(var response):
            for index in response.results.indices { response.results[index].errorCode = errorCode }
            return .deleted(response)
        }
    }
}

/// What the caller does next, in this order.
public enum GroupEffect: Equatable, Sendable {
    case answer(GroupTicket, GroupAnswer)
    /// The group is written to the log, and `GroupDirectory.stored` is called with how that went.
    case store(GroupSnapshot, GroupStoring)
}

/// What hangs on a group's being stored.
public enum GroupStoring: Equatable, Sendable {
    case nothing
    case answer(GroupTicket, GroupAnswer)
    /// The leader's assignment, which members see once it is durable.
    case assignment(groupID: String, generation: Int32, [String: [UInt8]])
    case replacement(StaticReplacement)
}

/// A static member that came back with a new member id and changed nothing that the others see.
public struct StaticReplacement: Equatable, Sendable {
    let groupID: String
    let memberID: String
    let ticket: GroupTicket
    let maySkipAssignment: Bool
    /// Who led before. Older clients are told that one, lest a new leader assign anew.
    let leaderBefore: String
    /// What the member was, should storing fail.
    let before: GroupMember
}
