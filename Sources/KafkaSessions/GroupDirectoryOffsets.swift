import BrokerModel
import KafkaWire

// What committed offsets need to know of groups, and tell them.
extension GroupDirectory {
    /// Whether these offsets may be committed.
    public func check(_ claim: GroupClaim) -> KafkaErrorCode {
        guard let group = groups[claim.groupID] else {
            guard claim.generation >= 0 else { return .none }
            return claim.knowsMissingGroups ? .groupIDNotFound : .illegalGeneration
        }
        // From an administrator, or from a consumer that does without the group's other features.
        if claim.generation < 0, group.state == .empty { return .none }
        if claim.generation >= 0 || !claim.memberID.isEmpty || claim.instanceID != nil {
            let code = group.check(claim.memberID, claim.instanceID)
            guard code == .none else { return code }
            guard claim.generation == group.generation else { return .illegalGeneration }
        } else if !claim.isTransactional, group.state != .empty {
            return .unknownMemberID
        }
        if !claim.isTransactional, group.state == .completingRebalance {
            return .rebalanceInProgress
        }
        return .none
    }

    /// A commit that was allowed is a sign of life, and makes a group that does no more than keep
    /// offsets. False when there is no room for another group.
    public mutating func noteCommit(by claim: GroupClaim, now: GroupTime) -> Bool {
        context.now = now
        heard(claim.memberID, in: claim.groupID)
        return ensureGroup(claim.groupID)
    }

    /// Nil when there is no such group.
    public func state(of groupID: String) -> GroupState? { groups[groupID]?.state }

    /// Since when the group is in its state.
    public func stateTimestamp(of groupID: String) -> Timestamp? {
        groups[groupID]?.stateTimestamp
    }

    /// What its members agreed to be; nil for a group that only keeps offsets.
    public func protocolType(of groupID: String) -> String? { groups[groupID]?.protocolType }

    /// The topics that the group's members read; nil when that is not known.
    public func activeSubscription(_ groupID: String) -> Set<String>? {
        groups[groupID]?.subscribedTopics
    }

    /// Whether the group reads a topic, or may: of consumers that do not tell it is believed.
    public func isSubscribed(_ groupID: String, to topic: String) -> Bool {
        guard let group = groups[groupID] else { return false }
        guard let topics = group.subscribedTopics else {
            return group.protocolType == ConsumerSubscription.protocolType
        }
        return topics.contains(topic)
    }
}
