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
