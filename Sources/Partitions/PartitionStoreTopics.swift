import BrokerModel
import CommitLog

extension PartitionStore {
    /// Creates a topic, each of its partitions whole or not at all: built under another name,
    /// synced, then renamed.
    @discardableResult
    public func createTopic(
        _ name: TopicName,
        id: UUIDBytes,
        partitions count: Int32,
        overrides: [String: String] = [:]
    ) throws(TopicError) -> TopicEntry {
        if let known = topics[name] { throw .exists(entry(of: known)) }
        guard count > 0 else { throw .badPartitionCount }
        let settings = try settings(with: overrides)
        let most = creation.partitionsMax
        guard Int(count) <= most - partitionCount || name.isInternal else {
            throw .tooManyPartitions(most: most)
        }
        let names = (0..<count).map { TopicPartition(topic: name, partition: $0) }
        do throws(PartitionStoreError) {
            for name in names { try createFolder(name, topicID: id) }
            try inDataDirectory { () throws(FileSystemError) in try fileSystem.syncDirectory(path) }
            var handles: [PartitionHandle] = []
            for name in names {
                let opened = try openPartition(name, settings: settings, afterCleanStop: true)
                handles.append(register(opened))
            }
            let topic = StoredTopic(
                name: name,
                id: id,
                settings: settings,
                overrides: overrides,
                partitions: handles
            )
            topics[name] = topic
            return entry(of: topic)
        } catch {
            throw .storage(error)
        }
    }

    /// Deletes a topic with everything in it, and returns what it was.
    @discardableResult
    public func deleteTopic(_ name: TopicName) throws(TopicError) -> TopicEntry {
        guard let topic = topics[name] else { throw .unknown }
        let deleted = entry(of: topic)
        topics[name] = nil
        do throws(FileSystemError) {
            for case let handle? in topic.partitions {
                guard let partition = partition(handle) else { continue }
                partition.log.abandon()
                forget(handle)
                let target = path + "/\(partition.name).\(topic.id)" + StoreFiles.deletedSuffix
                try fileSystem.rename(partition.log.folder, to: target)
                try removeFolder(target)
            }
            try fileSystem.syncDirectory(path)
        } catch {
            throw .storage(.dataDirectory(error))
        }
        return deleted
    }

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

    private func settings(
        with overrides: [String: String]
    ) throws(TopicError) -> TopicSettings {
        do throws(TopicSettingsError) {
            return try defaults.applying(overrides)
        } catch {
            throw .badSetting(error)
        }
    }

    private func createFolder(
        _ name: TopicPartition,
        topicID: UUIDBytes
    ) throws(PartitionStoreError) {
        let target = path + "/" + name.description
        let unfinished = target + StoreFiles.unfinishedSuffix
        do throws(CommitLogError) {
            try PartitionLog.create(folder: unfinished, topicID: topicID, fileSystem: fileSystem)
        } catch {
            // So that a second attempt finds its place free; what cannot go now goes at the start.
            do throws(FileSystemError) { try removeFolder(unfinished) } catch {}
            throw .partition(name, error)
        }
        try inDataDirectory { () throws(FileSystemError) in
            try fileSystem.rename(unfinished, to: target)
        }
    }

    func removeFolder(_ folder: String) throws(FileSystemError) {
        for file in try fileSystem.list(folder) {
            try fileSystem.removeFile(folder + "/" + file.name)
        }
        try fileSystem.removeDirectory(folder)
    }

    func openPartition(
        _ name: TopicPartition,
        settings: TopicSettings,
        afterCleanStop: Bool
    ) throws(PartitionStoreError) -> Partition {
        do throws(CommitLogError) {
            let (log, report) = try PartitionLog.open(
                folder: path + "/" + name.description,
                afterCleanStop: afterCleanStop,
                fileSystem: fileSystem,
                settings: settings.log,
                openSegments: openSegments
            )
            return Partition(name: name, log: log, recovery: report)
        } catch {
            throw .partition(name, error)
        }
    }
}
