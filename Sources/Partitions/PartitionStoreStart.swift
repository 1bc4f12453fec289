import BrokerModel
import CommitLog

/// What a start finds in the data directory, and what it makes of it: the metadata log says which
/// topics there are, and the folders follow.
extension PartitionStore {
    /// The folders that lie in a data directory, by what they are.
    private struct Folders {
        var partitions: Set<TopicPartition> = []
        var unfinished: Set<TopicPartition> = []
        var deleted: [String] = []

        init(_ entries: [DirectoryEntry]) {
            for entry in entries where entry.isDirectory {
                if let name = TopicPartition(folderName: entry.name) {
                    partitions.insert(name)
                } else if entry.name.hasSuffix(StoreFiles.unfinishedSuffix) {
                    let length = StoreFiles.unfinishedSuffix.utf8.count
                    let name = String(entry.name.dropLast(length))
                    if let name = TopicPartition(folderName: name) { unfinished.insert(name) }
                } else if StoreFiles.isDeleted(entry.name) {
                    deleted.append(entry.name)
                }
            }
        }
    }

    func openTopics(
        _ entries: [DirectoryEntry],
        afterCleanStop: Bool,
        recoveryThreads: Int
    ) throws(PartitionStoreError) {
        var folders = Folders(entries)
        let name = ClusterMetadataLog.partition
        let known = openMetadata(
            isNew: folders.partitions.remove(name) == nil,
            isUnfinished: folders.unfinished.remove(name) != nil,
            afterCleanStop: afterCleanStop
        )
        try inDataDirectory { () throws(FileSystemError) in
            // Without the metadata log nobody knows what an unfinished folder would have become.
            try finishDeletions(&folders, known)
            if metadata != nil { try settleUnfinished(&folders, known) }
            for name in folders.deleted.sorted() {
                removals.add(folder: path + "/" + name, due: .distantPast)
            }
            // A killed process may have left names here that a power cut would still take away.
            try fileSystem.syncDirectory(path)
        }
        let topics = known.topics.values.sorted { $0.name < $1.name }
            .map { (topic: $0, settings: settings(of: $0)) }
        if !afterCleanStop, recoveryThreads > 1 { recover(topics, threads: recoveryThreads) }
        for (topic, settings) in topics {
            open(topic, settings: settings, afterCleanStop: afterCleanStop)
            for number in 0..<topic.partitionCount {
                folders.partitions.remove(
                    TopicPartition(topic: topic.name, partition: Int32(number))
                )
            }
        }
        adopt(folders.partitions.sorted(), known, afterCleanStop: afterCleanStop)
        resumeProducerIDs(known)
        checkpointMetadata(now: .unknown)
    }

    /// What is recovered here is taken over when its topic is opened.
    private func recover(
        _ topics: [(topic: ClusterMetadata.Topic, settings: TopicSettings)],
        threads: Int
    ) {
        let wanted = topics.flatMap { topic, settings in
            (0..<Int32(clamping: topic.partitionCount)).map { number in
                let name = TopicPartition(topic: topic.name, partition: number)
                return LogRecoveries.Wanted(
                    name: name,
                    folder: folder(of: name),
                    settings: settings.logSettings
                )
            }
        }
        recovered = LogRecoveries(wanted, of: self).run(threads: threads)
    }

    // MARK: Folders

    /// A folder that was built gets its name when its topic's record became durable, and goes when
    /// it did not.
    private func settleUnfinished(
        _ folders: inout Folders,
        _ known: ClusterMetadata
    ) throws(FileSystemError) {
        for name in folders.unfinished.sorted() {
            if let topic = known.topics[name.topic], Int(name.partition) < topic.partitionCount,
                !folders.partitions.contains(name), topicID(in: unfinished(name)) == topic.id
            {
                try fileSystem.rename(unfinished(name), to: folder(of: name))
                folders.partitions.insert(name)
            } else {
                try removeFolder(unfinished(name))
            }
        }
    }

    /// Folders of topics whose deletion is durable, and did not get as far as them. A topic of the
    /// same name may wait for its place.
    private func finishDeletions(
        _ folders: inout Folders,
        _ known: ClusterMetadata
    ) throws(FileSystemError) {
        for name in folders.partitions.sorted()
        where known.topics[name.topic] == nil || folders.unfinished.contains(name) {
            guard let id = topicID(in: folder(of: name)), known.removed.contains(id) else {
                continue
            }
            try setAside(name, topicID: id, due: .distantPast)
            folders.partitions.remove(name)
        }
    }

    /// Nil when nothing there says so.
    private func topicID(in folder: String) -> UUIDBytes? {
        do throws(CommitLogError) {
            return try PartitionLog.topicID(in: folder, fileSystem: fileSystem)
        } catch {
            return nil
        }
    }

    // MARK: Topics

    /// A setting that is no longer allowed counts for nothing: it must not stop a start.
    private func settings(of topic: ClusterMetadata.Topic) -> TopicSettings {
        var settings = defaults
        for (key, value) in topic.overrides.sorted(by: { $0.key < $1.key }) {
            do throws(TopicSettingsError) {
                settings = try settings.applying([key: value])
            } catch {
                ignoredSettings.append((topic.name, error))
            }
        }
        return settings
    }

    /// Opens a topic's partitions. One that cannot be opened, or whose folder is lost, is offline:
    /// it is never made anew, for its offsets would begin again.
    func open(
        _ topic: ClusterMetadata.Topic,
        settings: TopicSettings,
        afterCleanStop: Bool
    ) {
        topics[topic.name] = StoredTopic(
            name: topic.name,
            id: topic.id,
            settings: settings,
            overrides: topic.overrides,
            partitions: []
        )
        let numbers = 0..<Int32(clamping: topic.partitionCount)
        openPartitions(numbers, of: topic.name, afterCleanStop: afterCleanStop)
    }

    func openPartitions(_ numbers: Range<Int32>, of topic: TopicName, afterCleanStop: Bool) {
        guard let stored = topics[topic] else { return }
        for number in numbers {
            let name = TopicPartition(topic: topic, partition: number)
            do throws(CommitLogError) {
                let opened = try openLog(
                    name,
                    settings: stored.settings,
                    afterCleanStop: afterCleanStop
                )
                guard opened.log.topicID == stored.id else {
                    throw .unusable(path: folder(of: name), why: "it is another topic's, by its id")
                }
                topics[topic]?.partitions.append(register(opened))
            } catch {
                topics[topic]?.partitions.append(nil)
                offline.append((name, error))
            }
        }
    }

    /// Takes over folders that no record speaks of: those of a data directory from before the
    /// metadata log, or of one that lost it.
    private func adopt(
        _ names: [TopicPartition],
        _ known: ClusterMetadata,
        afterCleanStop: Bool
    ) {
        var found: [TopicName: ClusterMetadata.Topic] = [:]
        for name in names {
            guard known.topics[name.topic] == nil, let id = topicID(in: folder(of: name)),
                found[name.topic]?.id ?? id == id
            else {
                let why = "its topic is not known, or has fewer partitions"
                offline.append((name, .unusable(path: folder(of: name), why: why)))
                continue
            }
            var topic = found[name.topic] ?? ClusterMetadata.Topic(name: name.topic, id: id)
            topic.partitionCount = max(topic.partitionCount, Int(name.partition) + 1)
            found[name.topic] = topic
        }
        let topics = found.values.sorted { $0.name < $1.name }
        if let metadata, !topics.isEmpty {
            let adopted = topics.flatMap {
                records(ofNewTopic: $0.name, $0.id, partitions: Int32($0.partitionCount), [:])
            }
            do throws(CommitLogError) {
                try metadata.append(adopted, now: .none)
            } catch {
                offline.append((ClusterMetadataLog.partition, error))
            }
        }
        for topic in topics { open(topic, settings: defaults, afterCleanStop: afterCleanStop) }
    }
}
