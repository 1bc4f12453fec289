import BrokerModel
import EventLoop
import KafkaSessions
import KafkaWire
import Partitions

// What joins committed offsets to groups, to the log and to connections.
extension KafkaService {
    func joinOffsets() {
        groupOffsets.journal.roomReturned = { [unowned self] in
            guard !journalWaiters.isEmpty else { return }
            let waiters = journalWaiters
            journalWaiters.removeAll(keepingCapacity: true)
            for connection in waiters { handlers[connection]?.lookAgain() }
        }
        groupOffsets.journal.appendFailed = { [counters] _ in counters.groupWritesFailed.add() }
        watchOffsetAge()
    }

    func waitForJournal(_ connection: UInt64) {
        counters.journalWaits.add()
        journalWaiters.append(connection)
    }

    /// Gives groups and their offsets their partition, and takes up what that holds. Called before
    /// the loop runs.
    public func keepGroups(in partition: PartitionEntry) -> GroupRestoreReport {
        groupOffsets.journal.open(partition.handle)
        var snapshots: [String: GroupSnapshot] = [:]
        var restore = GroupRestore()
        restore.run(partition.reader) { record in
            switch record {
            case .group(let snapshot): snapshots[snapshot.groupID] = snapshot
            case .groupGone(let group): snapshots[group] = nil
            case .offset, .offsetGone, .other: groupOffsets.restore(record)
            }
        }
        for (_, snapshot) in snapshots.sorted(by: { $0.key < $1.key }) {
            groups.directory.restore(snapshot, now: .current)
        }
        // Offsets that nobody's group keeps are those of consumers without one.
        for group in groupOffsets.table.groupIDs where snapshots[group] == nil {
            _ = groups.directory.noteCommit(by: GroupClaim(groupID: group), now: groups.now)
        }
        groups.perform()
        restore.count(groups: snapshots.count, offsets: groupOffsets.table.count)
        return restore.report
    }

    /// For metrics and status, from any thread.
    public var groupLag: PublishedGroupLag { groupOffsets.lag }

    /// Whether these offsets may be committed; then the commit counts as a sign of life.
    func admit(_ claim: GroupClaim) -> KafkaErrorCode {
        let code = groups.directory.check(claim)
        guard code == .none else { return code }
        let isKnown = groups.directory.noteCommit(by: claim, now: groups.now)
        groups.perform()
        return isKnown ? .none : .coordinatorNotAvailable
    }

    /// Consumers may give up what they do not read; from others nobody knows what they read.
    func codeForDeleting(offsetsOf group: String) -> KafkaErrorCode {
        switch groups.directory.state(of: group) {
        case nil, .dead: return .groupIDNotFound
        case .empty: return .none
        case .preparingRebalance, .completingRebalance, .stable:
            let isConsumers = groups.directory.protocolType(of: group) == "consumer"
            return isConsumers ? .none : .nonEmptyGroup
        }
    }

    // MARK: Age

    private func watchOffsetAge() {
        loop.schedule(at: loop.now + groupOffsets.settings.retentionCheckInterval) {
            [weak self] in
            guard let self else { return }
            forgetOldOffsets()
            watchOffsetAge()
        }
    }

    /// Forgets offsets that are too old, and groups that nobody is in and that have none.
    private func forgetOldOffsets() {
        guard groupOffsets.journal.isOpen else { return }
        var known = Set(groupOffsets.table.groupIDs)
        for listed in groups.directory.list(states: [], types: []) { known.insert(listed.groupID) }
        for group in known {
            let expired = groupOffsets.expire(group, from: retentionStart(of: group)) {
                groups.directory.isSubscribed(group, to: $0)
            }
            var records = expired.records
            if expired.isEmpty, groups.directory.state(of: group) == .empty,
                groups.directory.delete(group) == .none
            {
                records.append(.groupGone(group))
            }
            guard !records.isEmpty else { continue }
            groupOffsets.journal.append(records) { _ in }
        }
        groups.perform()
    }

    private func retentionStart(of group: String) -> OffsetRetention.Start {
        let directory = groups.directory
        guard let type = directory.protocolType(of: group) else { return .commit }
        switch directory.state(of: group) {
        case .empty: return .time(directory.stateTimestamp(of: group) ?? .none)
        case .stable where type == "consumer" && directory.activeSubscription(group) != nil:
            return .commit
        case .stable, .preparingRebalance, .completingRebalance, .dead, nil: return .never
        }
    }
}
