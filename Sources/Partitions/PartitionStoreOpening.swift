import BrokerModel
import CommitLog

extension PartitionStore {
    /// Opens a data directory, which is created when it does not exist, and recovers its
    /// partitions. `newIdentity` is asked at the first start only.
    public static func open(
        path: String,
        fileSystem: any FileSystem,
        settings: LogSettings,
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
            settings: settings
        )
        try inDataDirectory { () throws(FileSystemError) in
            // Durably gone before anything is written: a mark never outlives what it says.
            if wasClean { try fileSystem.removeFile(path + "/" + StoreFiles.cleanShutdownMark) }
            try store.removeUnfinished(entries)
            // A killed process may have left names here that a power cut would still take away.
            try fileSystem.syncDirectory(path)
        }
        store.openPartitions(entries, afterCleanStop: wasClean)
        return store
    }

    /// Creates those partitions of a topic that do not exist, each whole or not at all: built under
    /// another name, synced, then renamed. A crash may leave some of them; calling again adds the
    /// rest, under the id that the topic has got.
    @discardableResult
    public func createTopic(
        _ topic: TopicName,
        id: UUIDBytes,
        partitions count: Int32
    ) throws(PartitionStoreError) -> [PartitionHandle] {
        let names = (0..<count).map { TopicPartition(topic: topic, partition: $0) }
        let missing = names.filter { handles[$0] == nil }
        guard !missing.isEmpty else { throw .topicExists(topic) }
        let existing = names.lazy.compactMap { self.handle(of: $0) }.first
        let topicID = existing.map { log($0).topicID } ?? id
        for name in missing { try createFolder(name, topicID: topicID) }
        try inDataDirectory { () throws(FileSystemError) in try fileSystem.syncDirectory(path) }
        for name in missing {
            _ = register(try openPartition(name, afterCleanStop: true))
        }
        return names.compactMap { handle(of: $0) }
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

    private func removeFolder(_ folder: String) throws(FileSystemError) {
        for file in try fileSystem.list(folder) {
            try fileSystem.removeFile(folder + "/" + file.name)
        }
        try fileSystem.removeDirectory(folder)
    }

    private func openPartitions(_ entries: [DirectoryEntry], afterCleanStop: Bool) {
        let names = entries.lazy.filter(\.isDirectory)
            .compactMap { TopicPartition(folderName: $0.name) }.sorted()
        for name in names {
            do throws(PartitionStoreError) {
                _ = register(try openPartition(name, afterCleanStop: afterCleanStop))
            } catch {
                guard case .partition(_, let cause) = error else { continue }
                offline.append((name, cause))
            }
        }
    }

    private func openPartition(
        _ name: TopicPartition,
        afterCleanStop: Bool
    ) throws(PartitionStoreError) -> Partition {
        do throws(CommitLogError) {
            let (log, report) = try PartitionLog.open(
                folder: path + "/" + name.description,
                afterCleanStop: afterCleanStop,
                fileSystem: fileSystem,
                settings: settings,
                openSegments: openSegments
            )
            return Partition(name: name, log: log, recovery: report)
        } catch {
            throw .partition(name, error)
        }
    }
}
