import BrokerModel
import CommitLog

/// What a store's clocks say: the wall clock stamps records and judges their age, the other one
/// only measures delays.
public struct StorageMoment: Sendable {
    public let wallClock: Timestamp
    public let monotonic: MonotonicTime

    public init(wallClock: Timestamp, monotonic: MonotonicTime) {
        self.wallClock = wallClock
        self.monotonic = monotonic
    }

    /// For who does not care when it is.
    public static let unknown = StorageMoment(
        wallClock: .none,
        monotonic: MonotonicTime(nanoseconds: 0)
    )
}

extension PartitionStore {
    /// Creates a topic, whole or not at all. Its folders are built and made durable under other
    /// names; then `finish` decides.
    @discardableResult
    public func createTopic(
        _ name: TopicName,
        id: UUIDBytes,
        partitions count: Int32,
        overrides: [String: String] = [:],
        now: StorageMoment = .unknown
    ) throws(TopicError) -> TopicEntry {
        var build = try beginTopic(
            name,
            id: id,
            partitions: count,
            overrides: overrides,
            now: now
        )
        _ = try goOn(with: &build, limit: .max)
        return try finish(build, now: now)
    }

    /// The first part of `createTopic`: checks that the topic may be, and makes room for it.
    func beginTopic(
        _ name: TopicName,
        id: UUIDBytes,
        partitions count: Int32,
        overrides: [String: String],
        now: StorageMoment
    ) throws(TopicError) -> PartitionBuild {
        let settings = try checkCreation(of: name, partitions: count, overrides)
        let build = PartitionBuild(
            name,
            id: id,
            0..<count,
            for: .topic(settings, overrides: overrides)
        )
        try makeRoom(for: build, now: now)
        return build
    }

    /// A build that could not be recorded in the end is not begun.
    func makeRoom(for build: PartitionBuild, now: StorageMoment) throws(TopicError) {
        do throws(PartitionStoreError) {
            _ = try writableMetadata()
            try clearTheWay(for: build.names, now: now)
        } catch {
            throw .storage(error)
        }
    }

    private func checkCreation(
        of name: TopicName,
        partitions count: Int32,
        _ overrides: [String: String]
    ) throws(TopicError) -> TopicSettings {
        if let known = topics[name] { throw .exists(entry(of: known)) }
        guard name != ClusterMetadataLog.partition.topic else { throw .isInternal }
        try checkFolders(of: name)
        guard count > 0 else { throw .badPartitionCount }
        try checkRoom(for: Int(count), in: name)
        // A folder that cannot be opened is somebody's data: a new topic must not cover it.
        if let broken = offline.first(where: { $0.name.topic == name }) {
            throw .storage(.partition(broken.name, broken.error))
        }
        do throws(TopicSettingsError) {
            return try defaults.applying(overrides)
        } catch {
            throw .badSetting(error)
        }
    }

    func checkRoom(for count: Int, in name: TopicName) throws(TopicError) {
        let most = creation.partitionsMax
        guard name.isInternal || count <= most - partitionCount else {
            throw .tooManyPartitions(most: most)
        }
    }

    /// Deletes a topic with everything in it, and returns what it was. Once the record is durable
    /// the topic is gone, whatever becomes of its folders: what is left of them goes at the next
    /// start.
    @discardableResult
    public func deleteTopic(
        _ name: TopicName,
        now: StorageMoment = .unknown
    ) throws(TopicError) -> TopicEntry {
        guard let topic = topics[name] else { throw .unknown }
        let deleted = entry(of: topic)
        do throws(PartitionStoreError) {
            let metadata = try writableMetadata()
            try commit(to: metadata, now: now) { [.removeTopic(topic.id)] }
        } catch {
            throw .storage(error)
        }
        topics[name] = nil
        offline.removeAll { $0.name.topic == name }
        for case let handle? in topic.partitions {
            partition(handle)?.log.abandon()
            forget(handle)
        }
        let due = now.monotonic + topic.settings.fileDeleteDelay
        let names = topic.partitions.indices.map {
            TopicPartition(topic: name, partition: Int32($0))
        }
        for name in names { inTheWay[name] = topic.id }
        do throws(FileSystemError) {
            for name in names { try setAside(name, topicID: topic.id, due: due) }
            // So that a topic of this name finds its places free, after a crash too.
            try fileSystem.syncDirectory(path)
        } catch {
            leftBehind.append(error)
        }
        return deleted
    }

    /// Gives a deleted partition's folder Kafka's name for such, and removes it later.
    func setAside(
        _ name: TopicPartition,
        topicID: UUIDBytes,
        due: MonotonicTime
    ) throws(FileSystemError) {
        let target = path + "/" + StoreFiles.deletedName(of: name, topicID: topicID)
        removals.forgetFiles(in: folder(of: name))
        do throws(FileSystemError) {
            try fileSystem.rename(folder(of: name), to: target)
        } catch {
            guard error.reason == .notFound else { throw error }
            inTheWay[name] = nil
            return  // It was offline because its folder was lost.
        }
        removals.add(folder: target, due: due)
        inTheWay[name] = nil
    }

    /// Tries again what a deletion of these names could not do.
    func clearTheWay(
        for names: [TopicPartition],
        now: StorageMoment
    ) throws(PartitionStoreError) {
        try inDataDirectory { () throws(FileSystemError) in
            for name in names {
                guard let id = inTheWay[name] else { continue }
                try setAside(name, topicID: id, due: now.monotonic)
            }
        }
    }

    /// Removes a few files of what was deleted, when its time has come. True when more is due.
    public func removeDeleted(now: MonotonicTime, limit: Int = 16) -> Bool {
        removals.step(fileSystem, now: now, limit: limit) { leftBehind.append($0) }
    }

    /// When something deleted may leave the disk.
    public var nextRemoval: MonotonicTime? { removals.nextDue }

    /// What could not be removed or renamed since the last call; the next start tries again.
    public func takeLeftBehind() -> [FileSystemError] {
        defer { leftBehind.removeAll() }
        return leftBehind
    }

    // MARK: What others see

    /// What readers and writers of a topic are told of it.
    func entry(of topic: StoredTopic) -> TopicEntry {
        TopicEntry(
            name: topic.name,
            id: topic.id,
            settings: topic.settings,
            overrides: topic.overrides,
            partitions: topic.partitions.map { handle in
                guard let handle, let log = partition(handle)?.log else { return nil }
                return PartitionEntry(handle: handle, reader: log.reader)
            }
        )
    }

    /// Of the topics that are not the broker's own.
    private var partitionCount: Int {
        topics.values.reduce(0) { $0 + ($1.name.isInternal ? 0 : $1.partitions.count) }
    }
}
