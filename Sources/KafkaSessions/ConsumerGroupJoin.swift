import BrokerModel
import KafkaWire

// Joining a group: new members, those who come back, and static members that replace themselves.
extension ConsumerGroup {
    mutating func join(_ call: JoinCall, _ context: inout GroupContext) {
        let memberID = call.request.memberID
        if let code = refusalForSize(of: call, context) {
            context.counters.refused.add()
            context.note(.refused(code), of: groupID)
            return context.answer(call.ticket, .joining(code, memberID: memberID))
        }
        guard isWelcome(memberID, atMost: context.settings.membersMax) else {
            context.note(.refused(.groupMaxSizeReached), of: groupID)
            context.answer(call.ticket, .joining(.groupMaxSizeReached))
            // The others need not wait for whoever is sent away.
            if remove(memberID, &context) != nil { endJoinIfComplete(&context) }
            return
        }
        guard takes(call.request.protocols, of: call.request.protocolType) else {
            return context.answer(
                call.ticket,
                .joining(.inconsistentGroupProtocol, memberID: memberID)
            )
        }
        if memberID.isEmpty {
            joinAsNew(call, &context)
        } else if pending.contains(memberID) {
            // Ids are handed out ahead to members without an instance id alone.
            guard call.request.groupInstanceID == nil else {
                return context.answer(
                    call.ticket,
                    .joining(.unknownServerError, memberID: memberID)
                )
            }
            admit(call, as: memberID, &context)
        } else {
            rejoin(call, &context)
        }
    }

    private func refusalForSize(of call: JoinCall, _ context: GroupContext) -> KafkaErrorCode? {
        let request = call.request
        let known = request.groupInstanceID.flatMap { staticMembers[$0] } ?? request.memberID
        let ids = [call.clientID, call.clientID, request.groupInstanceID ?? ""]
        let bytes = GroupMember.bytes(request.protocols, ids: ids)
        let growth = bytes - (members[known]?.bytes ?? 0)
        // Whoever waits for memory may have it later; a group that is too large stays so.
        guard growth <= 0 || memberBytes + growth <= context.groupBytesMax else {
            return .groupMaxSizeReached
        }
        return context.hasRoom(for: growth) ? nil : .coordinatorNotAvailable
    }

    /// Whether the group is not too large for whoever joins. While members join anew those who came
    /// first are welcome, so that a group that is too large sends the last ones away.
    private func isWelcome(_ memberID: String, atMost count: Int) -> Bool {
        switch state {
        case .empty, .dead: true
        case .preparingRebalance: members[memberID]?.joining != nil || waitingJoins < count
        case .completingRebalance, .stable: members[memberID] != nil || members.count < count
        }
    }

    // MARK: New members

    private mutating func joinAsNew(_ call: JoinCall, _ context: inout GroupContext) {
        let instanceID = call.request.groupInstanceID
        let memberID = context.memberIDs.next(for: instanceID ?? call.clientID)
        if let current = instanceID.flatMap({ staticMembers[$0] }) {
            return replace(current, by: memberID, call, &context)
        }
        guard instanceID == nil, call.requiresMemberID else {
            return admit(call, as: memberID, &context)
        }
        addPending(memberID, &context)
        context.schedule(
            .member(group: groupID, memberID),
            after: .milliseconds(Int64(call.request.sessionTimeoutMilliseconds))
        )
        context.answer(call.ticket, .joining(.memberIDRequired, memberID: memberID))
    }

    private mutating func admit(
        _ call: JoinCall,
        as memberID: String,
        _ context: inout GroupContext
    ) {
        if initialDelay != nil { hasNewMember = true }
        let number = context.nextMemberNumber()
        let member = GroupMember(call, memberID: memberID, number: number)
        add(member, of: call.request.protocolType, &context)
        let kind = GroupEvent.Kind.joined(
            memberID: context.quoted(memberID),
            clientID: context.quoted(call.clientID),
            clientHost: call.clientHost
        )
        context.note(kind, of: groupID)
        // It knows its id, if at all, from the answer that it waits for, and so sends no heartbeat.
        // A client that gave up and joined anew leaves such a member behind.
        context.schedule(
            .member(group: groupID, memberID),
            after: KafkaSessionsLimits.newMemberTimeout
        )
        rebalance(&context)
    }

    // MARK: Known members

    private mutating func rejoin(_ call: JoinCall, _ context: inout GroupContext) {
        let memberID = call.request.memberID
        let code = check(memberID, call.request.groupInstanceID)
        guard code == .none, let member = members[memberID] else {
            return context.answer(call.ticket, .joining(code, memberID: memberID))
        }
        let isUnchanged = member.protocols == call.request.protocols
        switch state {
        case .preparingRebalance:
            renew(memberID, call, &context)
            rebalance(&context)
        case .completingRebalance where isUnchanged:
            // The first answer was lost, and nothing has happened since.
            context.answer(call.ticket, .joined(currentState(for: memberID)))
        case .stable where isUnchanged && leader != memberID:
            context.answer(call.ticket, .joined(currentState(for: memberID)))
        case .completingRebalance, .stable:
            // A leader may know of something that its own metadata do not show, such as more
            // partitions.
            renew(memberID, call, &context)
            rebalance(&context)
        case .empty, .dead:
            context.answer(call.ticket, .joining(.unknownMemberID, memberID: memberID))
        }
    }

    /// Takes over what a member says of itself, and lets it wait for the join's end.
    private mutating func renew(
        _ memberID: String,
        _ call: JoinCall,
        _ context: inout GroupContext
    ) {
        if let forgotten = members[memberID]?.joining {
            context.answer(forgotten, .joining(.rebalanceInProgress, memberID: memberID))
        }
        update(memberID, &context) { member in
            member.protocols = call.request.protocols
            member.rebalanceTimeout = call.request.rebalanceTimeoutMilliseconds
            member.sessionTimeout = call.request.sessionTimeoutMilliseconds
            member.joining = call.ticket
        }
    }

    /// What a member is told of the current generation.
    func currentState(for memberID: String) -> JoinGroupResponse {
        var response = JoinGroupResponse()
        response.generationID = generation
        response.protocolType = protocolType
        response.protocolName = protocolName
        response.leader = leader ?? ""
        response.memberID = memberID
        guard leader == memberID else { return response }
        response.members = membersInOrder.map { member in
            var entry = JoinGroupResponse.Member(
                memberID: member.memberID,
                metadata: member.metadata(for: protocolName)
            )
            entry.groupInstanceID = member.instanceID
            return entry
        }
        return response
    }

    // MARK: Static members

    /// A process with a known instance id is there anew, with no member id. It takes the place of
    /// the one before, which is fenced.
    private mutating func replace(
        _ current: String,
        by memberID: String,
        _ call: JoinCall,
        _ context: inout GroupContext
    ) {
        guard let before = members[current] else { return }
        let leaderBefore = leader ?? ""
        context.counters.fenced.add()
        let kind = GroupEvent.Kind.replaced(
            memberID: context.quoted(current),
            by: context.quoted(memberID)
        )
        context.note(kind, of: groupID)
        if let ticket = before.joining {
            context.answer(ticket, .joining(.fencedInstanceID, memberID: current))
        }
        if let ticket = before.syncing { context.answer(ticket, .syncing(.fencedInstanceID)) }
        update(current, &context) { member in
            member.joining = nil
            member.syncing = nil
            member.isNew = false
        }
        rename(current, to: memberID, &context)
        renew(memberID, call, &context)
        context.schedule(
            .member(group: groupID, memberID),
            after: .milliseconds(Int64(call.request.sessionTimeoutMilliseconds))
        )
        switch state {
        case .stable where electedProtocol == protocolName:
            let replacement = StaticReplacement(
                groupID: groupID,
                memberID: memberID,
                ticket: call.ticket,
                maySkipAssignment: call.maySkipAssignment,
                leaderBefore: leaderBefore,
                before: before
            )
            context.store(snapshot(), then: .replacement(replacement))
        case .stable, .completingRebalance:
            // The leader may be at work with the old member id.
            rebalance(&context)
        case .preparingRebalance, .empty, .dead: endJoinIfComplete(&context)
        }
    }

    /// The log has the member's new id, or has refused it.
    mutating func replaced(
        _ replacement: StaticReplacement,
        _ code: KafkaErrorCode,
        _ context: inout GroupContext
    ) {
        // Whoever began a rebalance meanwhile answers it, or has.
        guard members[replacement.memberID]?.joining == replacement.ticket, state == .stable else {
            return
        }
        update(replacement.memberID, &context) { $0.joining = nil }
        // Its session may have ended while the log had it wait, and did not count.
        heard(replacement.memberID, &context)
        guard code == .none else {
            return putBack(replacement, code, &context)
        }
        var response = currentState(for: replacement.memberID)
        if replacement.maySkipAssignment {
            response.skipsAssignment = leader == replacement.memberID
        } else {
            response.leader = replacement.leaderBefore
            response.members = []
        }
        context.answer(replacement.ticket, .joined(response))
    }

    private mutating func putBack(
        _ replacement: StaticReplacement,
        _ code: KafkaErrorCode,
        _ context: inout GroupContext
    ) {
        let before = replacement.before
        rename(replacement.memberID, to: before.memberID, &context)
        update(before.memberID, &context) { member in
            member.protocols = before.protocols
            member.rebalanceTimeout = before.rebalanceTimeout
            member.sessionTimeout = before.sessionTimeout
        }
        context.schedule(
            .member(group: groupID, before.memberID),
            after: .milliseconds(Int64(before.sessionTimeout))
        )
        var response = currentState(for: "")
        response.errorCode = code
        response.leader = replacement.leaderBefore
        context.answer(replacement.ticket, .joined(response))
    }
}
