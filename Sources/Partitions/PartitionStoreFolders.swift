import BrokerModel
import CommitLog

/// The folders of partitions: their names, how they come and how they go.
extension PartitionStore {
    func folder(of name: TopicPartition) -> String { path + "/" + name.description }

    func unfinished(_ name: TopicPartition) -> String {
        folder(of: name) + StoreFiles.unfinishedSuffix
    }

    /// Builds a partition under its unfinished name, durable but for that name.
    func createFolder(
        _ name: TopicPartition,
        topicID: UUIDBytes
    ) throws(PartitionStoreError) {
        do throws(CommitLogError) {
            // What an attempt has left whose record is known not to be there.
            try removeUnfinished(name)
            try PartitionLog.create(
                folder: unfinished(name),
                topicID: topicID,
                fileSystem: fileSystem
            )
        } catch {
            throw .partition(name, error)
        }
    }

    private func removeUnfinished(_ name: TopicPartition) throws(CommitLogError) {
        do throws(FileSystemError) {
            try removeFolder(unfinished(name))
        } catch {
            guard error.reason == .notFound else { throw .fileSystem(error) }
        }
    }

    func removeFolder(_ folder: String) throws(FileSystemError) {
        for file in try fileSystem.list(folder) {
            try fileSystem.removeFile(folder + "/" + file.name)
        }
        try fileSystem.removeDirectory(folder)
    }

    func openLog(
        _ name: TopicPartition,
        settings: TopicSettings,
        afterCleanStop: Bool
    ) throws(CommitLogError) -> Partition {
        let (log, report) =
            if let recovered = recovered.removeValue(forKey: name) {
                try recovered.get()
            } else {
                try PartitionLog.open(
                    folder: folder(of: name),
                    afterCleanStop: afterCleanStop,
                    fileSystem: fileSystem,
                    settings: settings.logSettings,
                    openSegments: openSegments,
                    producerLimit: producerLimit
                )
            }
        for file in log.leftovers { removals.add(file: file, due: .distantPast) }
        return Partition(
            name: name,
            log: log,
            recovery: report,
            isDurable: settings.durability == .durable
        )
    }
}

/// The files that lie beside the partitions' folders, and the names of folders that are not in use.
enum StoreFiles {
    static let lock = ".lock"
    static let properties = "meta.properties"
    /// Kafka's mark of an orderly stop. It is there only while nothing has been written since.
    static let cleanShutdownMark = ".kafka_cleanshutdown"
    static let cleanShutdownText = #"{"version":0,"brokerEpoch":-1}"#
    /// A partition's folder until its topic exists.
    static let unfinishedSuffix = ".headwater-new"
    /// Kafka's mark of a partition's folder that is on its way out. No folder of a partition ends
    /// so: behind its last dash is a number.
    static let deletedSuffix = "-delete"

    /// `<topic>-<partition>.<id>-delete`, the front cut so that any file system takes the name.
    static func deletedName(of name: TopicPartition, topicID: UUIDBytes) -> String {
        let ending = "-\(name.partition).\(topicID)" + deletedSuffix
        return name.topic.description.prefix(nameLengthMax - ending.utf8.count) + ending
    }

    private static let nameLengthMax = 255

    static func isDeleted(_ name: String) -> Bool { name.hasSuffix(deletedSuffix) }
}

extension MonotonicTime {
    /// Of what is due whenever it is.
    static let distantPast = MonotonicTime(nanoseconds: .min)
}
