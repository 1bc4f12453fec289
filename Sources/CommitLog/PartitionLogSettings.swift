import BrokerModel

/// What a log can be told while it is open.
extension PartitionLog {
    /// Takes over other settings: the next append and the next roll go by them.
    public func change(_ settings: LogSettings) {
        self.settings = settings
        batchBytesMax = max(batchBytesMax, settings.batchBytesMax)
        if active.end == .zero { preallocate(active) }
    }

    /// Keeps room on the disk for all that a segment may hold (`preallocate`).
    func preallocate(_ segment: ActiveSegment) {
        guard settings.isPreallocated else { return }
        segment.file.preallocate(settings.segmentBytes)
        isPreallocated = true
    }

    /// Gives back the room that the active segment did not need.
    func trim() throws(FileSystemError) {
        guard isPreallocated else { return }
        try active.file.truncate(to: active.end - .zero)
        isPreallocated = false
    }

    /// Whether more than the topic allows is not synced (`flush.messages`).
    public var isFlushDue: Bool { logEndOffset - syncedEndOffset >= settings.flushMessages }

    /// For how long a record may stay unsynced (`flush.ms`).
    public var flushAge: Duration? { settings.flushAge }

    /// Ends what `show` has reserved: from here on nothing is shown before it is synced. All that
    /// was appended has to be.
    public func endReservation() throws(CommitLogError) {
        try checkIsOpen()
        precondition(!isDirty, "its owner syncs first")
        guard marks.reserved > logEndOffset else { return }
        try onDisk { () throws(FileSystemError) in try reserve(upTo: logEndOffset) }
    }

    /// Has the log begin at `offset`: nothing below is shown any more, from the moment on in which
    /// that is durable. An offset below the start changes nothing. Returns what the files of the
    /// segments are called now that hold nothing else.
    public func deleteRecords(before offset: Offset) throws(CommitLogError) -> [String] {
        try checkIsOpen()
        let view = reader.snapshot()
        guard offset <= view.highWatermark else {
            throw .offsetOutOfRange(
                offset,
                logStartOffset: view.logStartOffset,
                highWatermark: view.highWatermark
            )
        }
        guard offset > view.logStartOffset else { return [] }
        return try moveStart(to: offset)
    }
}
