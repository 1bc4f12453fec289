import BrokerModel
import CommitLog

/// Which of a store's compacted logs is to be cleaned, and what becomes of the outcome. The
/// cleaning itself is done elsewhere: nothing here takes long.
extension PartitionStore {
    /// What is looked up on the disk at most, of one log in one look.
    private static let lookupsPerLog = 8

    /// The dirtiest of the logs that are due, as Kafka chooses. Nil when none is.
    public func nextCleaning(
        now: StorageMoment
    ) -> (partition: PartitionHandle, plan: CleaningPlan)? {
        var dirtiest: (PartitionHandle, CleanableLog, TopicSettings)?
        dirtyRatioMax = 0
        for topic in topics.values.sorted(by: { $0.name < $1.name })
        where topic.settings.cleanup.contains(.compact) {
            for case let handle? in topic.partitions where uncleanable[handle] == nil {
                guard let log = partition(handle)?.log,
                    let found = cleanable(log, topic.settings, now: now)
                else { continue }
                dirtyRatioMax = max(dirtyRatioMax, found.dirtyRatio)
                guard found.isDue(topic.settings.compaction),
                    found.dirtyRatio > dirtiest?.1.dirtyRatio ?? -1
                else { continue }
                dirtiest = (handle, found, topic.settings)
            }
        }
        guard let (handle, found, settings) = dirtiest, let log = partition(handle)?.log else {
            return nil
        }
        return (handle, log.planCleaning(of: found, settings, now: now.wallClock))
    }

    private func cleanable(
        _ log: PartitionLog,
        _ settings: TopicSettings,
        now: StorageMoment
    ) -> CleanableLog? {
        do throws(CommitLogError) {
            return try log.cleanable(
                settings.compaction,
                now: now.wallClock,
                limit: Self.lookupsPerLog
            )
        } catch {
            return nil  // Retention reports a disk that cannot be read; the next look asks again.
        }
    }

    /// Whether a cleaning that was begun is still wanted.
    public func mayClean(_ handle: PartitionHandle) -> Bool {
        guard let partition = partition(handle), let topic = topics[partition.name.topic] else {
            return false
        }
        return topic.settings.cleanup.contains(.compact)
    }

    /// Puts a cleaned segment in its place. False when the log is not what it was.
    public func replace(
        _ cleaned: CleanedSegment,
        of handle: PartitionHandle,
        now: MonotonicTime
    ) throws(CommitLogError) -> Bool {
        guard mayClean(handle), let partition = partition(handle),
            let topic = topics[partition.name.topic],
            let files = try partition.log.replace(cleaned)
        else { return false }
        for file in files { removals.add(file: file, due: now + topic.settings.fileDeleteDelay) }
        return true
    }

    /// Remembers how far a cleaning came.
    public func noteCleaned(
        _ handle: PartitionHandle,
        to offset: Offset
    ) throws(CommitLogError) {
        try partition(handle)?.log.noteCleaned(to: offset)
    }

    /// Keeps the cleaner away from a log that it cannot read, until the next start.
    public func noteUncleanable(_ handle: PartitionHandle, _ why: String) {
        uncleanable[handle] = why
    }

    /// Of those that are there.
    public var uncleanablePartitions: [(name: TopicPartition, why: String)] {
        uncleanable.compactMap { handle, why in partition(handle).map { ($0.name, why) } }
    }
}
