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
        creation: TopicCreationSettings,
        shard: PartitionShardSettings
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
                producerLimit: ProducerLimit(most: shard.producers.statesMax),
                recoveryThreads: shard.recoveryThreads,
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
        for partition in store.partitions where partition.recovery.producersLost {
            log.warning(
                "a snapshot of idempotent producers is damaged; what they send again may be stored "
                    + "twice",
                ["partition": "\(partition.name)"]
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
    /// Makes the topics that routes name outright, so that readers find them before the first
    /// message. A topic that is there stays as it is. Those that routes derive from what devices
    /// send come later, with the first message of each.
    func makeTopics(of routes: [Route], partitions: Int32) throws {
        for route in routes {
            guard let name = route.topic.literal else { continue }
            var random = SystemRandomNumberGenerator()
            do throws(TopicError) {
                try createTopic(
                    name,
                    id: .random(using: &random),
                    partitions: route.partitions ?? partitions,
                    overrides: route.overrides
                )
            } catch .exists {
                continue
            } catch .storage(let error) {
                throw DataDirectory.failure(error, path: path)
            } catch {
                throw Failure.configuration(
                    "the topic \(name) of 'routes' cannot be made: \(error)"
                )
            }
        }
    }
}
