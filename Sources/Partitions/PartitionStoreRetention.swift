import BrokerModel
import CommitLog

/// What a step of retention did.
public struct RetentionStep: Sendable {
    public var expired = 0
    public var oversize = 0
    public var bytes = ByteCount.zero
    /// Logs in which it failed; they go on, and the next pass tries again.
    public var failed: [(partition: TopicPartition, error: CommitLogError)] = []
    /// Whether the pass is over.
    public var isDone = false
}

extension PartitionStore {
    /// How much one step does at most: appends wait no longer than for this.
    private static let partitionsPerStep = 16
    private static let segmentsPerStep = 8

    /// Begins a pass over all topics but the broker's own, unless one is under way.
    public func beginRetention() {
        guard retaining.isEmpty else { return }
        retaining = topics.values.filter { !$0.name.isInternal }
            .sorted { $0.name > $1.name }  // Taken from the end.
            .flatMap { $0.partitions.compactMap(\.self).reversed() }
    }

    /// Deletes what a partition's owner needs no more: the segments that end before `offset`.
    public func deleteSegments(
        of handle: PartitionHandle,
        before offset: Offset,
        now: MonotonicTime
    ) throws(CommitLogError) {
        guard let partition = partition(handle), let topic = topics[partition.name.topic] else {
            return
        }
        let due = now + topic.settings.fileDeleteDelay
        for file in try partition.log.deleteSegments(before: offset) {
            removals.add(file: file, due: due)
        }
    }

    /// Goes on with the pass for a bounded while.
    public func retainStep(now: StorageMoment) -> RetentionStep {
        var step = RetentionStep()
        for _ in 0..<Self.partitionsPerStep {
            guard let handle = retaining.last else { break }
            guard let partition = partition(handle), let topic = topics[partition.name.topic] else {
                retaining.removeLast()  // Deleted meanwhile.
                continue
            }
            do throws(CommitLogError) {
                let deleted = try partition.log.deleteOldSegments(
                    RetentionPolicy(topic.settings),
                    now: now.wallClock,
                    limit: Self.segmentsPerStep
                )
                let due = now.monotonic + topic.settings.fileDeleteDelay
                for file in deleted.files { removals.add(file: file, due: due) }
                step.expired += deleted.expired
                step.oversize += deleted.oversize
                step.bytes += deleted.bytes
                if deleted.isDone { retaining.removeLast() }
                guard deleted.files.isEmpty, deleted.isDone else { break }
            } catch {
                retaining.removeLast()
                step.failed.append((partition.name, error))
            }
        }
        step.isDone = retaining.isEmpty
        return step
    }
}
