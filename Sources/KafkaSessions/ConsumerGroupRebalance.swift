import BrokerModel
import KafkaWire

// A rebalance: everybody joins anew, one of them assigns, and all learn what they have.
extension ConsumerGroup {
    /// Has everybody join anew, or ends a join that is complete by now.
    mutating func rebalance(_ context: inout GroupContext) {
        switch state {
        case .empty, .stable, .completingRebalance: beginJoin(&context)
        case .preparingRebalance: endJoinIfComplete(&context)
        case .dead: break
        }
    }

    mutating func beginJoin(_ context: inout GroupContext) {
        if state == .completingRebalance { failSyncs(.rebalanceInProgress, &context) }
        forgetSyncs(&context)
        let isFirst = state == .empty
        move(to: .preparingRebalance, &context)
        context.note(.rebalancing(generation: generation), of: groupID)
        guard isFirst else {
            initialDelay = nil
            return endJoinIfComplete(&context, orWait: true)
        }
        // Several consumers start together as a rule: without a pause each of them would have all
        // who came before join anew.
        let delay = context.settings.initialRebalanceDelay
        initialDelay = InitialDelay(current: delay, remaining: rebalanceTimeout - delay)
        hasNewMember = false
        context.schedule(.join(group: groupID), after: delay)
    }

    /// Goes on to the assignment once all members are there.
    mutating func endJoinIfComplete(
        _ context: inout GroupContext,
        orWait mustSchedule: Bool = false
    ) {
        guard state == .preparingRebalance, initialDelay == nil else { return }
        if haveAllJoined {
            endJoin(&context)
        } else if mustSchedule {
            context.schedule(.join(group: groupID), after: rebalanceTimeout)
        }
    }

    /// The time to join is over, or the pause before a first assignment.
    mutating func joinTimedOut(_ context: inout GroupContext) {
        guard state == .preparingRebalance else { return }
        guard let delay = initialDelay, hasNewMember, delay.remaining > .zero else {
            return endJoin(&context)
        }
        hasNewMember = false
        let next = min(context.settings.initialRebalanceDelay, delay.remaining)
        initialDelay = InitialDelay(current: next, remaining: delay.remaining - delay.current)
        context.schedule(.join(group: groupID), after: next)
    }

    /// Closes the join with whoever is there. Static members that are not keep their place.
    mutating func endJoin(_ context: inout GroupContext) {
        context.deadlines.cancel(.join(group: groupID))
        for member in membersInOrder where member.joining == nil && member.instanceID == nil {
            remove(member.memberID, &context)
            context.counters.membersExpired.add()
            noteExpired(member.memberID, &context)
        }
        guard members.isEmpty || electLeader() else {
            // Nobody came. Sessions that end take the members out, one after the other. Of members
            // who gave no time at all this would be due again at once, and for ever.
            let delay = max(rebalanceTimeout, KafkaSessionsLimits.emptyJoinRetryMin)
            context.schedule(.join(group: groupID), after: delay)
            return
        }
        initialDelay = nil
        beginGeneration(&context)
        guard state == .completingRebalance else {
            context.note(.emptied(generation: generation), of: groupID)
            return context.store(snapshot())
        }
        for member in membersInOrder {
            if let ticket = member.joining {
                context.answer(ticket, .joined(currentState(for: member.memberID)))
            }
            update(member.memberID, &context) { member in
                member.joining = nil
                member.isNew = false
            }
            heard(member.memberID, &context)
            awaitSync(of: member.memberID)
        }
        context.schedule(.sync(group: groupID), after: rebalanceTimeout)
    }

    // MARK: Assignments

    mutating func sync(
        _ request: SyncGroupRequest,
        _ ticket: GroupTicket,
        _ context: inout GroupContext
    ) {
        let memberID = request.memberID
        let code = check(request)
        guard code == .none else { return context.answer(ticket, .syncing(code)) }
        switch state {
        case .empty, .dead: context.answer(ticket, .syncing(.unknownMemberID))
        case .preparingRebalance: context.answer(ticket, .syncing(.rebalanceInProgress))
        case .completingRebalance:
            if let forgotten = members[memberID]?.syncing {
                context.answer(forgotten, .syncing(.rebalanceInProgress))
            }
            update(memberID, &context) { $0.syncing = ticket }
            hasSynced(memberID, &context)
            if memberID == leader { keep(request.assignments, &context) }
        case .stable:
            hasSynced(memberID, &context)
            context.answer(ticket, .synced(assignment(of: members[memberID])))
        }
    }

    private func check(_ request: SyncGroupRequest) -> KafkaErrorCode {
        let code = check(request.memberID, request.groupInstanceID)
        guard code == .none else { return code }
        guard request.generationID == generation else { return .illegalGeneration }
        // What a request does not say, before version 5, cannot be wrong.
        let agrees =
            (request.protocolType ?? protocolType) == protocolType
            && (request.protocolName ?? protocolName) == protocolName
        return agrees ? .none : .inconsistentGroupProtocol
    }

    /// Has the leader's assignment stored. Nobody sees it before.
    private mutating func keep(
        _ entries: [SyncGroupRequest.Assignment],
        _ context: inout GroupContext
    ) {
        var assignments: [String: [UInt8]] = [:]
        for entry in entries where members[entry.memberID] != nil {
            assignments[entry.memberID] = entry.assignment
        }
        let bytes = assignments.values.map(\.count).reduce(0, +)
        let held = members.values.map(\.assignment.count).reduce(0, +)
        let growth = bytes - held
        let isTooLarge = growth > 0 && memberBytes + growth > context.groupBytesMax
        guard !isTooLarge, context.hasRoom(for: growth) else {
            // Members give up after the first of these. After the other they try again, and there
            // may be room by then.
            let code: KafkaErrorCode = isTooLarge ? .unknownServerError : .coordinatorNotAvailable
            context.counters.refused.add()
            context.note(.refused(code), of: groupID)
            failSyncs(code, &context)
            return rebalance(&context)
        }
        context.store(
            snapshot(assigning: assignments),
            then: .assignment(groupID: groupID, generation: generation, assignments)
        )
    }

    /// The log has the leader's assignment, or has refused it.
    mutating func assigned(
        _ assignments: [String: [UInt8]],
        in assigned: Int32,
        _ code: KafkaErrorCode,
        _ context: inout GroupContext
    ) {
        // Another rebalance may have begun meanwhile, or even ended.
        guard state == .completingRebalance, generation == assigned else { return }
        guard code == .none else {
            failSyncs(code, &context)
            return rebalance(&context)
        }
        for member in membersInOrder {
            update(member.memberID, &context) { $0.assignment = assignments[$0.memberID] ?? [] }
            answerSync(of: member.memberID, .none, &context)
        }
        move(to: .stable, &context)
        context.counters.rebalances.add()
        context.note(.assigned(generation: generation, members: members.count), of: groupID)
    }

    private mutating func failSyncs(_ code: KafkaErrorCode, _ context: inout GroupContext) {
        for member in membersInOrder {
            update(member.memberID, &context) { $0.assignment = [] }
            answerSync(of: member.memberID, code, &context)
        }
    }

    private mutating func answerSync(
        of memberID: String,
        _ code: KafkaErrorCode,
        _ context: inout GroupContext
    ) {
        guard let member = members[memberID], let ticket = member.syncing else { return }
        update(memberID, &context) { $0.syncing = nil }
        heard(memberID, &context)
        context.answer(ticket, code == .none ? .synced(assignment(of: member)) : .syncing(code))
    }

    private func assignment(of member: GroupMember?) -> SyncGroupResponse {
        var response = SyncGroupResponse()
        response.protocolType = protocolType
        response.protocolName = protocolName
        response.assignment = member?.assignment ?? []
        return response
    }

    /// Members were told their generation and never asked for their part of it.
    mutating func syncTimedOut(_ context: inout GroupContext) {
        guard state == .completingRebalance || state == .stable, !unsynced.isEmpty else { return }
        for memberID in unsynced.sorted() {
            remove(memberID, &context)
            context.counters.membersExpired.add()
            noteExpired(memberID, &context)
        }
        beginJoin(&context)
    }
}
