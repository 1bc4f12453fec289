import BrokerModel

/// The pieces that a log is made of once its folder has been read.
struct RecoveredLog {
    /// Ascending; the last is the active one's.
    var segments: [Segment]
    var active: ActiveSegment
    var logEndOffset: Offset
    var epochs: LeaderEpochs
    var marks: OffsetMarks
    var leftovers: [String]
    let producers: ProducerStates
    var snapshots: ProducerSnapshotFiles
}

extension LogRecovery {
    /// A log in which nothing is stored, and of which nothing was ever shown: in a topic that is
    /// not durable, marks would say so. It needs no new epoch, and so costs a start no sync.
    mutating func untouched(_ file: any File) throws(FileSystemError) -> RecoveredLog? {
        guard bases == [.zero], marks == OffsetMarks(), snapshots.newest == nil,
            try file.size() == .zero
        else { return nil }
        report.wasClean = true
        return try assemble(
            indexes: SegmentIndexes(baseOffset: .zero),
            file: file,
            end: .zero,
            logEndOffset: .zero,
            firstAppend: nil,
            epochs: try storedEpochs() ?? LeaderEpochs.first
        )
    }

    /// A log that never saw another epoch has no file that says so. Where its last batch says
    /// otherwise the file was lost.
    func knownEpochs(latest epoch: LeaderEpoch) throws(FileSystemError) -> LeaderEpochs? {
        if let stored = try storedEpochs() { return stored }
        let path = folder + "/" + SegmentFiles.leaderEpochCheckpoint
        guard epoch == .zero, try fileSystem.text(of: path) == nil else { return nil }
        return .first
    }

    /// Asks for the file's size and leaves the rest for whoever reads it. What the disk refuses to
    /// say counts as nothing: it must not stop a start.
    func sealedSegment(_ base: Offset) -> Segment {
        var size = ByteCount.zero
        do throws(FileSystemError) {
            let path = folder + "/" + SegmentFiles.name(base, .log)
            size = try fileSystem.open(path, .read).size()
        } catch {}
        return Segment(sealed: base, size: size, folder: folder, fileSystem: fileSystem)
    }
}
