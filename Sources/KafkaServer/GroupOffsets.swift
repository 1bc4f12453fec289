import BrokerModel
import EventLoop
import KafkaSessions
import KafkaWire
import Partitions

/// Committed offsets on the Kafka loop: the table, its way into the log, and what is said of it
/// elsewhere. Confined to that loop.
final class GroupOffsets {
    private(set) var table: CommittedOffsets
    let journal: GroupJournal
    let settings: OffsetSettings
    /// For metrics and status.
    let lag = PublishedGroupLag()

    private let loop: EventLoop
    private let catalog: TopicCatalog
    private let counters: KafkaServerCounters
    /// Of the catalog, when the offsets of deleted topics were last looked for.
    private var generation = Int.min
    private var lagTimer: TimerID?
    private var sweepTimer: TimerID?
    /// Since when the clock can be right.
    private(set) var clockSince: Timestamp?

    init(
        loop: EventLoop,
        catalog: TopicCatalog,
        settings: OffsetSettings,
        memory: MemoryPool,
        journal: GroupJournal,
        counters: KafkaServerCounters
    ) {
        self.loop = loop
        self.catalog = catalog
        self.settings = settings
        self.journal = journal
        self.counters = counters
        table = CommittedOffsets(memory: memory)
        journal.settled = { [unowned self] in settled($0, $1) }
    }

    /// What a start found in the log, before the loop runs.
    func restore(_ record: GroupRecord) {
        table.restore(record)
        publishLater()
    }

    // MARK: Changes

    /// Keeps the plan's offsets as far as each may be kept; the answer says which were not. Without
    /// records there is nothing to wait for.
    func commit(_ plan: inout OffsetCommitPlan, of group: String) -> [GroupRecord] {
        var records: [GroupRecord] = []
        records.reserveCapacity(plan.items.count)
        let last = plan.lastItems
        for (index, item) in plan.items.enumerated() {
            // The later one counts. Each as a record, a short request could make a batch of any
            // size.
            guard last.isEmpty || last[item.place] == index else { continue }
            guard item.offset.metadata.utf16.count <= settings.metadataLengthMax else {
                plan.refuse(item, .offsetMetadataTooLarge)
                continue
            }
            let record = table.commit(
                item.offset,
                group: group,
                topic: item.topic,
                partition: item.partition
            )
            if let record {
                records.append(record)
            } else {
                counters.offsetsRefused.add()
                plan.refuse(item, .invalidCommitOffsetSize)
            }
        }
        for (index, item) in plan.items.enumerated() {
            guard let later = last[item.place], later != index else { continue }
            plan.answer(item, as: plan.items[later])
        }
        counters.offsetsCommitted.add(records.count)
        return records
    }

    /// Deletes the plan's offsets but for topics that the group reads.
    func delete(
        _ plan: inout OffsetDeletePlan,
        of group: String,
        isSubscribed: (String) -> Bool
    ) -> [GroupRecord] {
        var records: [GroupRecord] = []
        for item in plan.items {
            if isSubscribed(item.topic) {
                plan.refuse(item, .groupSubscribedToTopic)
            } else if let record = table.delete(
                group: group,
                topic: item.topic,
                partition: item.partition
            ) {
                records.append(record)
            }
        }
        return records
    }

    /// The tombstones of all that a group has committed; the caller writes them.
    func removeGroup(_ group: String) -> [GroupRecord] { table.removeGroup(group) }

    /// The same for what a group has kept too long; empty when nothing is left then.
    func expire(
        _ group: String,
        from start: OffsetRetention.Start,
        isSubscribed: (String) -> Bool
    ) -> (records: [GroupRecord], isEmpty: Bool) {
        let now = loop.wallClock
        if clockSince == nil, now >= OffsetRetention.clockMin { clockSince = now }
        let rule = OffsetRetention(start: start, time: settings.retention, clockSince: clockSince)
        let expired = table.expire(group: group, by: rule, now: now, isSubscribed: isSubscribed)
        counters.offsetsExpired.add(expired.records.count)
        return expired
    }

    private func settled(_ records: [GroupRecord], _ areKept: Bool) {
        table.settled(records, areKept: areKept)
        if areKept { publishLater() }
    }

    // MARK: Upkeep

    func burstEnded() {
        if catalog.generation != generation { sweepLater() }
        journal.burstEnded()
    }

    /// A topic that is gone takes its offsets with it. Several that go together are one pass.
    private func sweepLater() {
        guard sweepTimer == nil else { return }
        sweepTimer = loop.schedule(at: loop.now + KafkaServerLimits.offsetSweepDelay) {
            [weak self] in self?.sweep()
        }
    }

    private func sweep() {
        sweepTimer = nil
        generation = catalog.generation
        let topics = catalog.snapshot
        let gone = table.removeTopics { name, id in
            guard let topic = TopicName(name).flatMap({ topics.topic(named: $0) }) else {
                return true
            }
            return id.map { $0 != topic.id } ?? false
        }
        guard !gone.isEmpty else { return }
        counters.offsetsOfDeletedTopics.add(gone.count)
        journal.append(gone) { _ in }
    }

    private func publishLater() {
        guard lagTimer == nil else { return }
        lagTimer = loop.schedule(at: loop.now + KafkaServerLimits.groupLagInterval) {
            [weak self] in
            guard let self else { return }
            lagTimer = nil
            lag.publish(GroupLagSnapshot(table, most: KafkaServerLimits.groupLagEntriesMax))
        }
    }
}
