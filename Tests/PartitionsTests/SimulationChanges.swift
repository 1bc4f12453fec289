import BrokerModel
import CommitLog
import HeadwaterTesting
import Partitions

/// What administrators do to topics that are there.
extension Simulation {
    private func presentTopic() -> TopicHistory? {
        let present = histories.filter { $0.life == .present }
        return present.isEmpty ? nil : present[generator.below(present.count)]
    }

    func alterSomething(in store: PartitionStore) throws {
        guard let topic = presentTopic() else { return }
        try commitAll(store)
        guard !fileSystem.hasCrashed else { return }
        let changes = kinds.change(&generator)
        var overrides = topic.overrides
        for (key, value) in changes { overrides[key] = value }
        let settings = try kinds.told.applying(overrides)
        topic.changing = (overrides, settings)
        let entry: TopicEntry
        do throws(TopicError) {
            entry = try store.alterTopic(topic.name, changes: changes, now: moment)
        } catch {
            return try expectCrash(error)
        }
        topicsAltered += 1
        guard entry.overrides == overrides else {
            throw Violation(promise: .topics, what: "\(topic.name) was not changed as told")
        }
        topic.change(overrides, settings)
        // What was shown without a sync is durable now.
        for handle in entry.handles {
            guard let log = store.partition(handle)?.log else { continue }
            try history(of: handle, in: store)?.noteAcknowledged(log.highWatermark)
        }
    }

    func growSomething(in store: PartitionStore) throws {
        guard let topic = presentTopic(), topic.partitions.count < 5 else { return }
        let total = topic.partitions.count + 1 + generator.below(2)
        topic.growing = total
        let entry: TopicEntry
        do throws(TopicError) {
            entry = try store.addPartitions(to: topic.name, total: Int32(total), now: moment)
        } catch {
            return try expectCrash(error)
        }
        partitionsAdded += 1
        topic.grow(to: total)
        guard entry.handles.count == total || mayFail || fileSystem.hasCrashed else {
            throw Violation(promise: .topics, what: "\(topic.name) did not grow as told")
        }
    }

    func deleteRecordsSomewhere(in store: PartitionStore) throws {
        guard let topic = presentTopic() else { return }
        let number = generator.below(topic.partitions.count)
        let name = TopicPartition(topic: topic.name, partition: Int32(number))
        guard let handle = store.handle(of: name), let log = store.partition(handle)?.log else {
            return
        }
        let history = topic.partitions[number]
        let end = log.highWatermark
        let offset =
            generator.oneIn(4) ? end : history.boundary(generator.below(1 << 20), upTo: end)
        history.noteDeletion(before: offset)
        let start: Offset
        do throws(RecordDeletionError) {
            start = try store.deleteRecords(
                of: handle,
                before: offset == end ? Offset(-1) : offset,
                now: moment.monotonic
            )
        } catch {
            return try expectCrash(error)
        }
        recordDeletions += 1
        guard start >= offset, start == log.reader.logStartOffset else {
            throw Violation(promise: .logStart, what: "\(name) does not begin where it was told")
        }
        try LogStarts.check(history, logStart: start)
    }
}
