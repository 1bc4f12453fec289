import BrokerModel
import KafkaWire

// Members that stay: heartbeats. Members that go: by leaving, or by not being heard of.
extension ConsumerGroup {
    /// A sign of life: the member's session begins anew.
    mutating func heard(_ memberID: String, _ context: inout GroupContext) {
        guard let member = members[memberID] else { return }
        context.schedule(
            .member(group: groupID, memberID),
            after: .milliseconds(Int64(member.sessionTimeout))
        )
    }

    mutating func heartbeat(
        _ request: HeartbeatRequest,
        _ context: inout GroupContext
    ) -> KafkaErrorCode {
        let code = check(request.memberID, request.groupInstanceID)
        guard code == .none else { return code }
        guard request.generationID == generation else { return .illegalGeneration }
        switch state {
        case .empty, .dead: return .unknownMemberID
        case .preparingRebalance:
            heard(request.memberID, &context)
            return .rebalanceInProgress
        case .completingRebalance, .stable:
            heard(request.memberID, &context)
            return .none
        }
    }

    mutating func leave(
        _ leaving: [LeaveGroupRequest.Member],
        _ context: inout GroupContext
    ) -> LeaveGroupResponse {
        var response = LeaveGroupResponse()
        response.members = leaving.map { member in
            LeaveGroupResponse.Member(
                memberID: member.memberID,
                groupInstanceID: member.groupInstanceID,
                errorCode: leave(member, &context)
            )
        }
        guard response.members.contains(where: { $0.errorCode == .none }) else { return response }
        switch state {
        case .stable, .completingRebalance: rebalance(&context)
        case .preparingRebalance: endJoinIfComplete(&context)
        case .empty, .dead: break
        }
        return response
    }

    private mutating func leave(
        _ member: LeaveGroupRequest.Member,
        _ context: inout GroupContext
    ) -> KafkaErrorCode {
        var memberID = member.memberID
        if memberID.isEmpty {
            // An administrator knows static members by their instance id alone.
            guard let current = member.groupInstanceID.flatMap({ staticMembers[$0] }) else {
                return .unknownMemberID
            }
            memberID = current
        } else if !pending.contains(memberID) {
            let code = check(memberID, member.groupInstanceID)
            guard code == .none else { return code }
        }
        context.counters.membersLeft.add()
        if members[memberID] != nil {
            context.note(.left(memberID: context.quoted(memberID)), of: groupID)
        }
        dismiss(memberID, &context)
        return .none
    }

    /// Nothing was heard of a member for as long as it said, or of somebody who was given an id.
    mutating func memberTimedOut(_ memberID: String, _ context: inout GroupContext) {
        guard pending.contains(memberID) || members[memberID] != nil else { return }
        guard members[memberID]?.isExcused != true else { return }
        context.counters.membersExpired.add()
        let wasMember = members[memberID] != nil
        if wasMember { noteExpired(memberID, &context) }
        dismiss(memberID, &context)
        switch state {
        case .stable, .completingRebalance: if wasMember { rebalance(&context) }
        case .preparingRebalance: if haveAllJoined { endJoin(&context) }
        case .empty, .dead: break
        }
    }

    func noteExpired(_ memberID: String, _ context: inout GroupContext) {
        context.note(.expired(memberID: context.quoted(memberID)), of: groupID)
    }

    /// Takes a member out. One that still waits to join may try again.
    private mutating func dismiss(_ memberID: String, _ context: inout GroupContext) {
        guard let member = remove(memberID, &context) else { return }
        if let ticket = member.joining { context.answer(ticket, .joining(.unknownMemberID)) }
        if let ticket = member.syncing { context.answer(ticket, .syncing(.unknownMemberID)) }
    }
}
