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
