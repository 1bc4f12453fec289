import BrokerModel
import CommitLog
import Foundation
import Ingest
import Partitions

/// Opens the data directory, and says in one line what stands in the way.
struct DataDirectory {
    let path: String
    let log: BrokerLog

    func open(nodeID: Int, settings: LogSettings) throws -> PartitionStore {
        do {
            let parent = URL(fileURLWithPath: path).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        } catch {
            throw Failure.dataFolderUnwritable(unwritable(error.localizedDescription))
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
                fileSystem: PosixFileSystem(),
                settings: settings,
                newIdentity: { identity }
            )
            report(store)
            return store
        } catch {
            throw failure(error)
        }
    }

    private func report(_ store: PartitionStore) {
        for partition in store.partitions where !partition.recovery.wasClean {
            log.info(
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
    }

    private func failure(_ error: PartitionStoreError) -> Failure {
        switch error {
        case .locked: .dataFolderInUse("\(error)")
        case .dataDirectory(let cause), .partition(_, .fileSystem(let cause)): failure(cause)
        case .damagedProperties, .topicExists, .partition, .closed: .storage("\(error)")
        }
    }

    private func failure(_ error: FileSystemError) -> Failure {
        switch error.reason {
        case .noSpace:
            .storage("\(error); the disk is full: free some space, or use another with --data")
        case .notPermitted, .readOnly, .notADirectory, .notFound:
            .dataFolderUnwritable(unwritable("\(error)"))
        default: .storage("\(error); check the disk that holds \(path)")
        }
    }

    private func unwritable(_ reason: String) -> String {
        "cannot write in \(path): \(reason); give this user the folder, or choose another with "
            + "--data"
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
        do throws(PartitionStoreError) {
            let made = try createTopic(name, id: .random(using: &random), partitions: 1)
            guard let first = made.first else { throw PartitionStoreError.topicExists(name) }
            return first
        } catch {
            throw Failure.storage("\(error); check the disk that holds \(path)")
        }
    }
}
