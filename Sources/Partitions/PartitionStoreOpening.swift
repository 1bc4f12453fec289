import BrokerModel
import CommitLog

extension PartitionStore {
    /// Opens a data directory, which is created when it does not exist, and recovers its
    /// partitions, after an unclean stop with several threads. `newIdentity` is asked at the first
    /// start only.
    public static func open(
        path: String,
        fileSystem: any FileSystem,
        settings: TopicSettings = TopicSettings(),
        creation: TopicCreationSettings = TopicCreationSettings(),
        producerLimit: ProducerLimit = ProducerLimit(),
        recoveryThreads: Int = 1,
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
            creation: creation,
            producerLimit: producerLimit
        )
        try inDataDirectory { () throws(FileSystemError) in
            // Durably gone before anything is written: a mark never outlives what it says.
            if wasClean { try fileSystem.removeFile(path + "/" + StoreFiles.cleanShutdownMark) }
            // A killed process may have left names here that a power cut would still take away.
            try fileSystem.syncDirectory(path)
        }
        try store.openTopics(
            entries,
            afterCleanStop: wasClean,
            recoveryThreads: recoveryThreads
        )
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
}
