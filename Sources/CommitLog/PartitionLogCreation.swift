import BrokerModel

extension PartitionLog {
    /// Fills a new, empty folder with an empty log and makes it durable, but for the folder's own
    /// name: its creator renames it to its place, so that a log is there whole or not at all.
    public static func create(
        folder: String,
        topicID: UUIDBytes,
        fileSystem: any FileSystem
    ) throws(CommitLogError) {
        var epochs = LeaderEpochs()
        epochs.begin(.zero, at: .zero)
        do throws(FileSystemError) {
            try fileSystem.createDirectory(folder)
            _ = try ActiveSegment.create(baseOffset: .zero, folder: folder, fileSystem: fileSystem)
            try fileSystem.replaceText(
                of: SegmentFiles.partitionMetadata,
                in: folder,
                with: PartitionMetadata(topicID: topicID).text
            )
            try fileSystem.replaceText(
                of: SegmentFiles.leaderEpochCheckpoint,
                in: folder,
                with: epochs.text
            )
        } catch {
            throw .fileSystem(error)
        }
    }

    /// Which topic a partition's folder belongs to.
    public static func topicID(
        in folder: String,
        fileSystem: any FileSystem
    ) throws(CommitLogError) -> UUIDBytes {
        let path = folder + "/" + SegmentFiles.partitionMetadata
        guard let text = try onDisk({ () throws(FileSystemError) in try fileSystem.text(of: path) })
        else { throw .unusable(path: path, why: "it is missing") }
        guard let metadata = PartitionMetadata(text: text) else {
            throw .unusable(path: path, why: "it names no topic id")
        }
        return metadata.topicID
    }
}
