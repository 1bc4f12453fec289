import BrokerModel
import CommitLog

/// The metadata log, as its store uses it.
extension PartitionStore {
    /// Opens or makes the metadata log, and reads it. One that cannot be read or made is reported
    /// like any other partition, and never stops a start.
    func openMetadata(
        isNew: Bool,
        isUnfinished: Bool,
        afterCleanStop: Bool
    ) -> ClusterMetadata {
        let name = ClusterMetadataLog.partition
        do throws(CommitLogError) {
            if isNew { try makeMetadataFolder(name, overUnfinished: isUnfinished) }
            let log = try openMetadataLog(afterCleanStop: afterCleanStop || isNew)
            metadata = log
            return log.state
        } catch {
            offline.append((name, error))
            return ClusterMetadata()
        }
    }

    private func openMetadataLog(
        afterCleanStop: Bool
    ) throws(CommitLogError) -> ClusterMetadataLog {
        var settings = TopicSettings()
        // In one segment, until a checkpoint takes its place.
        settings.log.segmentBytes = .gibibytes(1)
        settings.log.segmentAge = .days(36_500)
        let opened = try openLog(
            ClusterMetadataLog.partition,
            settings: settings,
            afterCleanStop: afterCleanStop
        )
        return try ClusterMetadataLog(
            opened.log,
            fileSystem,
            bytesMax: creation.metadataBytesMax
        )
    }

    private func makeMetadataFolder(
        _ name: TopicPartition,
        overUnfinished isUnfinished: Bool
    ) throws(CommitLogError) {
        do throws(FileSystemError) {
            if isUnfinished { try removeFolder(unfinished(name)) }
        } catch {
            throw .fileSystem(error)
        }
        try PartitionLog.create(
            folder: unfinished(name),
            topicID: ClusterMetadataLog.topicID,
            fileSystem: fileSystem
        )
        do throws(FileSystemError) {
            try fileSystem.rename(unfinished(name), to: folder(of: name))
            try fileSystem.syncDirectory(path)
        } catch {
            throw .fileSystem(error)
        }
    }

    // MARK: Changes

    /// The metadata log, for the next change; everything that the last one does is done.
    ///
    /// After a failure the log is opened again. That is safe where the disk then says what it said
    /// before: the record in doubt was cut off, and no part of it can come back. Where it is there,
    /// or still nothing can be written, a restart decides.
    func writableMetadata() throws(PartitionStoreError) -> ClusterMetadataLog {
        guard let metadata else {
            let known = offline.first { $0.name == ClusterMetadataLog.partition }?.error
            throw .partition(ClusterMetadataLog.partition, known ?? .closed)
        }
        if let failure = metadata.log.failure {
            do throws(CommitLogError) {
                let reopened = try openMetadataLog(afterCleanStop: false)
                guard reopened.state == metadata.state else { throw .readOnly(failure) }
                self.metadata = reopened
                return reopened
            } catch {
                throw .partition(ClusterMetadataLog.partition, .readOnly(failure))
            }
        }
        checkpointMetadata(now: .unknown)
        return metadata
    }

    func commit(
        to metadata: ClusterMetadataLog,
        now: StorageMoment,
        _ records: () -> [ClusterMetadataRecord]
    ) throws(PartitionStoreError) {
        do throws(CommitLogError) {
            try metadata.append(records(), now: now.wallClock)
        } catch {
            // Nobody knows whether the record is on the disk. The next attempt or the next start
            // does, and finds the folders as they are now.
            throw .partition(ClusterMetadataLog.partition, error)
        }
    }

    /// Writes a checkpoint when one is due. A failure costs nothing but the time of the next start.
    func checkpointMetadata(now: StorageMoment) {
        guard let metadata, metadata.isCheckpointDue else { return }
        do throws(CommitLogError) {
            do throws(FileSystemError) {
                // From here on no folder of a topic that was removed can come back, but for those
                // that could not be renamed.
                try fileSystem.syncDirectory(path)
            } catch {
                throw .fileSystem(error)
            }
            let useless = try metadata.checkpoint(
                remembering: Set(inTheWay.values),
                node: identity.nodeID,
                now: now.wallClock
            )
            for file in useless { removals.add(file: file, due: now.monotonic) }
        } catch .fileSystem(let error) {
            leftBehind.append(error)
        } catch {}  // The log says so itself, at the next change.
    }

    /// A topic, or a partition, whose record is durable and whose folder could not be given its
    /// name: the next start does that, and until then nothing may take its place.
    func checkFolders(of name: TopicName) throws(TopicError) {
        let known = metadata?.state.topics[name]?.partitionCount ?? 0
        let present = topics[name]?.partitions.count ?? 0
        guard metadata != nil, known > present else { return }
        let partition = TopicPartition(topic: name, partition: Int32(clamping: present))
        let why = "it could not be given its name; a restart does that"
        throw .storage(.partition(partition, .unusable(path: unfinished(partition), why: why)))
    }
}
