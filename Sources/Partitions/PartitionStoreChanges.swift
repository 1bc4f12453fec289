import BrokerModel
import CommitLog

/// Topics that change while they are there.
extension PartitionStore {
    /// Changes a topic's own settings; without a value one is the broker's default again. Checked
    /// as a whole before anything is written, durable when it returns, and in force for whatever
    /// comes next.
    ///
    /// What was appended so far has to be committed: until then its topic stays as durable as it
    /// was.
    @discardableResult
    public func alterTopic(
        _ name: TopicName,
        changes: [String: String?],
        validateOnly: Bool = false,
        now: StorageMoment = .unknown
    ) throws(TopicError) -> TopicEntry {
        guard var topic = topics[name] else { throw .unknown }
        for (key, value) in changes { topic.overrides[key] = value }
        topic.settings = try checkSettings(of: topic, changing: changes)
        if validateOnly { return entry(of: topic) }
        let changed = topic.overrides.filter { topics[name]?.overrides[$0.key] != $0.value }
        let removed = changes.keys.filter { key in
            topic.overrides[key] == nil && topics[name]?.overrides[key] != nil
        }
        guard !changed.isEmpty || !removed.isEmpty else { return entry(of: topic) }
        let isDurable = topic.settings.durability == .durable
        do throws(PartitionStoreError) {
            let metadata = try writableMetadata()
            try syncShown(topic, becomingDurable: isDurable)
            try commit(to: metadata, now: now) {
                (changed.map { ($0.key, Optional($0.value)) } + removed.map { ($0, nil) })
                    .sorted { $0.0 < $1.0 }
                    .map { .topicSetting(topic: name.description, name: $0.0, value: $0.1) }
            }
        } catch {
            throw .storage(error)
        }
        topics[name] = topic
        ignoredSettings.removeAll { $0.topic == name && changes.keys.contains($0.error.key) }
        for case let handle? in topic.partitions {
            partition(handle)?.log.change(topic.settings.logSettings)
            setDurable(isDurable, handle)
        }
        return entry(of: topic)
    }

    /// A setting that the topic has from earlier, and that is not allowed any more, stands in
    /// nobody's way.
    private func checkSettings(
        of topic: StoredTopic,
        changing changes: [String: String?]
    ) throws(TopicError) -> TopicSettings {
        do throws(TopicSettingsError) {
            // A key that is not there cannot be taken back either.
            for key in changes.keys.sorted() where changes[key] == .some(nil) {
                guard TopicSettings.keys.contains(where: { $0.name == key }) else {
                    throw TopicSettingsError(key: key, value: "", allowed: nil)
                }
            }
            _ = try defaults.applying(changes.compactMapValues(\.self))
            return try defaults.applying(
                topic.overrides.filter { key, _ in
                    !ignoredSettings.contains { ignored in
                        ignored.topic == topic.name && ignored.error.key == key
                            && changes[key] == nil
                    }
                }
            )
        } catch {
            throw .badSetting(error)
        }
    }

    /// What a topic that was not durable has shown is synced before it counts as durable, and then
    /// needs no reservation any more.
    private func syncShown(
        _ topic: StoredTopic,
        becomingDurable: Bool
    ) throws(PartitionStoreError) {
        for case let handle? in topic.partitions where becomingDurable {
            guard let partition = partition(handle), !partition.isDurable else { continue }
            do throws(CommitLogError) {
                try partition.log.sync()
                try partition.log.endReservation()
            } catch {
                throw .partition(partition.name, error)
            }
        }
    }

    /// Adds partitions behind those that are there, until the topic has `total`. All or none of
    /// them are there, as at a creation.
    @discardableResult
    public func addPartitions(
        to name: TopicName,
        total: Int32,
        now: StorageMoment = .unknown
    ) throws(TopicError) -> TopicEntry {
        var build = try beginAddition(to: name, total: total, now: now)
        _ = try goOn(with: &build, limit: .max)
        return try finish(build, now: now)
    }

    /// The first part of `addPartitions`.
    func beginAddition(
        to name: TopicName,
        total: Int32,
        now: StorageMoment
    ) throws(TopicError) -> PartitionBuild {
        guard let topic = topics[name] else { throw .unknown }
        guard Int(total) > topic.partitions.count else { throw .badPartitionCount }
        let added = Int32(clamping: topic.partitions.count)..<total
        try checkRoom(for: added.count, in: name)
        try checkFolders(of: name)
        let build = PartitionBuild(name, id: topic.id, added, for: .addition)
        if let broken = offline.first(where: { build.names.contains($0.name) }) {
            throw .storage(.partition(broken.name, broken.error))
        }
        try makeRoom(for: build, now: now)
        return build
    }

    /// Deletes the records of a partition below `offset`, or all that are visible when that is -1.
    /// Durable when it returns the first offset that is left; whole segments go after their topic's
    /// `file.delete.delay.ms`.
    @discardableResult
    public func deleteRecords(
        of handle: PartitionHandle,
        before offset: Offset,
        now: MonotonicTime
    ) throws(RecordDeletionError) -> Offset {
        guard let partition = partition(handle), let topic = topics[partition.name.topic] else {
            throw .unknown
        }
        guard !topic.name.isInternal else { throw .isInternal }
        guard topic.settings.cleanup.contains(.delete) else { throw .notDeletable }
        let log = partition.log
        let start = offset == .endOfLog ? log.highWatermark : offset
        guard start >= .zero, start <= log.highWatermark else {
            throw .outOfRange(start, highWatermark: log.highWatermark)
        }
        do throws(CommitLogError) {
            let due = now + topic.settings.fileDeleteDelay
            for file in try log.deleteRecords(before: start) { removals.add(file: file, due: due) }
        } catch {
            throw .storage(error)
        }
        return log.reader.logStartOffset
    }
}

extension Offset {
    /// What Kafka's clients say in the place of an offset for all that a consumer could read.
    fileprivate static let endOfLog = Offset(-1)
}
