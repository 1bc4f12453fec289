import BrokerModel
import CommitLog
import Ingest
import Partitions

/// Opens the data directory, and says in one line what stands in the way.
struct DataDirectory {
    let path: String
    let log: BrokerLog

    func open(
        nodeID: Int,
        settings: TopicSettings,
        creation: TopicCreationSettings
    ) throws -> PartitionStore {
        let fileSystem = PosixFileSystem()
        do throws(FileSystemError) {
            try createParents(fileSystem)
        } catch {
            throw Self.failure(error, path: path)
        }
        var random = SystemRandomNumberGenerator()
        let identity = PartitionStoreIdentity(
            nodeID: Int32(clamping: nodeID),
            clusterID: .random(using: &random),
            directoryID: .random(using: &random)
        )
        do throws(PartitionStoreError) {
            let store = try PartitionStore.open(
                path: path,
                fileSystem: fileSystem,
                settings: settings,
                creation: creation,
                newIdentity: { identity }
            )
            report(store)
            return store
        } catch {
            throw Self.failure(error, path: path)
        }
    }

    /// Creates the missing folders above ours, each durably: a name that a power cut forgets takes
    /// everything below it along.
    private func createParents(_ fileSystem: PosixFileSystem) throws(FileSystemError) {
        var parent = "/"
        for folder in foldersAbove(path) {
            do throws(FileSystemError) {
                try fileSystem.createDirectory(folder)
                try fileSystem.syncDirectory(parent)
            } catch  where error.reason == .exists {
                // It stays whose it is.
            }
            parent = folder
        }
    }

    private func report(_ store: PartitionStore) {
        for partition in store.partitions where !partition.recovery.wasClean {
            let write = partition.recovery.cutBytes > .zero ? log.warning : log.info
            write(
                "recovered after an unclean stop",
                [
                    "partition": "\(partition.name)",
                    "scanned_bytes": "\(partition.recovery.scannedBytes.rawValue)",
                    "cut_bytes": "\(partition.recovery.cutBytes.rawValue)",
                    "next_offset": "\(partition.log.logEndOffset.rawValue)",
                    "leader_epoch": "\(partition.log.leaderEpoch.rawValue)",
                ]
            )
        }
        for (name, error) in store.offline {
            log.error("partition is offline", ["partition": "\(name)", "reason": "\(error)"])
        }
        for (topic, error) in store.ignoredSettings {
            log.warning(
                "a topic's setting is ignored",
                ["topic": "\(topic)", "reason": "\(error)"]
            )
        }
    }

    static func failure(_ error: PartitionStoreError, path: String) -> Failure {
        switch error {
        case .locked: .dataFolderInUse("\(error)")
        case .dataDirectory(let cause), .partition(_, .fileSystem(let cause)):
            failure(cause, path: path)
        case .damagedProperties, .partition, .closed: .storage("\(error)")
        }
    }

    private static func failure(_ error: FileSystemError, path: String) -> Failure {
        switch error.reason {
        case .noSpace:
            .storage("\(error); the disk is full: free some space, or use another with --data")
        case .notPermitted, .readOnly, .notADirectory, .notFound, .exists:
            .dataFolderUnwritable(
                "cannot write in \(path): \(error); give this user the folder, or choose another "
                    + "with --data"
            )
        case .tooManyOpenFiles: .system(error)
        case .io, .busy, .wouldBlock, .other:
            .storage("\(error); check the disk that holds \(path)")
        }
    }
}

extension PartitionStore {
    /// The topic behind the default route; made at the first start.
    func defaultTopic() throws -> PartitionHandle {
        guard let name = TopicName(RouteTable.defaultTopic) else {
            throw Failure.configuration("'\(RouteTable.defaultTopic)' is no topic name")
        }
        let partition = TopicPartition(topic: name, partition: 0)
        if let known = handle(of: partition) { return known }
        if let offline = offline.first(where: { $0.name == partition }) {
            throw Failure.storage(
                "\(partition) cannot be opened: \(offline.error); set its folder aside in \(path)"
            )
        }
        var random = SystemRandomNumberGenerator()
        do throws(TopicError) {
            let made = try createTopic(name, id: .random(using: &random), partitions: 1)
            guard let first = made.partition(0) else { throw .unknown }
            return first.handle
        } catch .storage(let error) {
            throw DataDirectory.failure(error, path: path)
        } catch {
            throw Failure.storage("the topic \(name) cannot be made: \(error)")
        }
    }
}
