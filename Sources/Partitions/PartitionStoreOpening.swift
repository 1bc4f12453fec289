import BrokerModel
import CommitLog

extension PartitionStore {
    /// Opens a data directory, which is created when it does not exist, and recovers its
    /// partitions. `newIdentity` is asked at the first start only.
    public static func open(
        path: String,
        fileSystem: any FileSystem,
        settings: TopicSettings = TopicSettings(),
        creation: TopicCreationSettings = TopicCreationSettings(),
        newIdentity: () -> PartitionStoreIdentity
    ) throws(PartitionStoreError) -> PartitionStore {
        try createDirectory(path, fileSystem)
        let lock = try lock(path, fileSystem)
        let entries = try inDataDirectory { () throws(FileSystemError) in
            try fileSystem.list(path)
        }
        let identity = try identity(in: path, fileSystem, newIdentity)
        let wasClean = entries.contains { $0.name == StoreFiles.cleanShutdownMark }
        let store = PartitionStore(
            path: path,
            identity: identity,
            lock: lock,
            fileSystem: fileSystem,
            defaults: settings,
            creation: creation
        )
        try inDataDirectory { () throws(FileSystemError) in
            // Durably gone before anything is written: a mark never outlives what it says.
            if wasClean { try fileSystem.removeFile(path + "/" + StoreFiles.cleanShutdownMark) }
            try store.removeUnfinished(entries)
            // A killed process may have left names here that a power cut would still take away.
            try fileSystem.syncDirectory(path)
        }
        store.openTopics(entries, afterCleanStop: wasClean)
        return store
    }

    // MARK: Opening

    private static func createDirectory(
        _ path: String,
        _ fileSystem: any FileSystem
    ) throws(PartitionStoreError) {
        do throws(FileSystemError) {
            try fileSystem.createDirectory(path)
        } catch {
            guard error.reason == .exists else { throw .dataDirectory(error) }
        }
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func lock(
        _ path: String,
        _ fileSystem: any FileSystem
    ) throws(PartitionStoreError) -> any FileLock {
        do throws(FileSystemError) {
            return try fileSystem.lock(path + "/" + StoreFiles.lock)
        } catch {
            if error.reason == .busy { throw .locked(path: error.path) }
            throw .dataDirectory(error)
        }
    }

    private static func identity(
        in path: String,
        _ fileSystem: any FileSystem,
        _ newIdentity: () -> PartitionStoreIdentity
    ) throws(PartitionStoreError) -> PartitionStoreIdentity {
        let file = path + "/" + StoreFiles.properties
        let stored = try inDataDirectory { () throws(FileSystemError) in
            try fileSystem.text(of: file)
        }
        if let stored { return try PartitionStoreIdentity(text: stored, path: file) }
        // The first start: the directory's own name comes first, so that it is durable wherever
        // this file is found later.
        let identity = newIdentity()
        try inDataDirectory { () throws(FileSystemError) in
            try fileSystem.syncDirectory(parent(of: path))
            try fileSystem.replaceText(of: StoreFiles.properties, in: path, with: identity.text)
        }
        return identity
    }

    /// Removes folders whose creation a crash cut short; nothing was ever written to them.
    private func removeUnfinished(_ entries: [DirectoryEntry]) throws(FileSystemError) {
        for entry in entries where entry.isDirectory {
            guard entry.name.hasSuffix(StoreFiles.unfinishedSuffix) else { continue }
            let name = String(entry.name.dropLast(StoreFiles.unfinishedSuffix.utf8.count))
            guard TopicPartition(folderName: name) != nil else { continue }
            try removeFolder(path + "/" + entry.name)
        }
    }

    private func openTopics(_ entries: [DirectoryEntry], afterCleanStop: Bool) {
        let names = entries.lazy.filter(\.isDirectory)
            .compactMap { TopicPartition(folderName: $0.name) }.sorted()
        for name in names {
            do throws(PartitionStoreError) {
                let partition = try openPartition(
                    name,
                    settings: defaults,
                    afterCleanStop: afterCleanStop
                )
                place(register(partition), of: partition)
            } catch {
                guard case .partition(_, let cause) = error else { continue }
                offline.append((name, cause))
            }
        }
    }

    private func place(_ handle: PartitionHandle, of partition: Partition) {
        let name = partition.name
        var topic =
            topics[name.topic]
            ?? StoredTopic(
                name: name.topic,
                id: partition.log.topicID,
                settings: defaults,
                overrides: [:],
                partitions: []
            )
        while topic.partitions.count <= name.partition { topic.partitions.append(nil) }
        topic.partitions[Int(name.partition)] = handle
        topics[name.topic] = topic
    }
}
