import BrokerModel

/// Both indexes of one segment in memory, and the rule that says when they grow.
struct SegmentIndexes: Sendable {
    let baseOffset: Offset
    private(set) var offsets = IndexEntries<OffsetIndexEntry>()
    private(set) var times = IndexEntries<TimeIndexEntry>()
    /// The latest timestamp of the segment so far, and where the first batch with it ends.
    private(set) var maxTimestamp = Timestamp.none
    private var offsetOfMaxTimestamp: Offset
    private var unindexed = ByteCount.zero

    init(baseOffset: Offset) {
        self.baseOffset = baseOffset
        offsetOfMaxTimestamp = baseOffset
    }

    /// Takes over entries that were read from files; nil when they are no indexes.
    init?(
        baseOffset: Offset,
        offsets: UnsafeRawBufferPointer,
        times: UnsafeRawBufferPointer
    ) {
        guard let offsets = IndexEntries<OffsetIndexEntry>(offsets),
            let times = IndexEntries<TimeIndexEntry>(times)
        else { return nil }
        self.init(baseOffset: baseOffset)
        self.offsets = offsets
        self.times = times
        guard let last = times.entries.last else { return }
        maxTimestamp = last.timestamp
        offsetOfMaxTimestamp = baseOffset + Int(last.relativeOffset)
    }

    /// Notes a batch that was written at `position`. The interval is counted as Kafka does: the
    /// first batch past it gets the entry.
    mutating func note(_ batch: BatchHeader, at position: FilePosition, interval: ByteCount) {
        if maxTimestamp < batch.maxTimestamp {
            maxTimestamp = batch.maxTimestamp
            offsetOfMaxTimestamp = batch.lastOffset
        }
        if unindexed > interval {
            let entry = OffsetIndexEntry(
                relativeOffset: relative(batch.lastOffset),
                position: Int32(truncatingIfNeeded: position.rawValue)
            )
            offsets.append(entry)
            noteTime()
            unindexed = .zero
        }
        unindexed += batch.sizeInBytes
    }

    /// Whether one of them would be larger than `limit` with another entry. As with Kafka, the last
    /// place for a time is kept for the seal.
    func fill(_ limit: ByteCount) -> Bool {
        offsets.entries.count >= limit.rawValue / OffsetIndexEntry.size
            || times.entries.count >= limit.rawValue / TimeIndexEntry.size - 1
    }

    /// Where the batch of the last offset entry begins: no entry leads further.
    var lastPosition: FilePosition { FilePosition(Int(offsets.entries.last?.position ?? 0)) }

    var lastTime: TimeIndexEntry? { times.entries.last }

    /// Adds the last entry of the time index, so that it ends with the segment's latest timestamp.
    mutating func finish() { noteTime() }

    func position(floorOf offset: Offset) -> FilePosition {
        FilePosition(Int(offsets.floor(of: offset.rawValue - baseOffset.rawValue)?.position ?? 0))
    }

    /// No record up to this offset is as late as `timestamp`.
    func offset(before timestamp: Timestamp) -> Offset {
        let entry = times.floor(of: timestamp.rawValue, strictly: true)
        return baseOffset + Int(entry?.relativeOffset ?? 0)
    }

    private mutating func noteTime() {
        guard maxTimestamp > .none else { return }
        times.append(
            TimeIndexEntry(
                timestamp: maxTimestamp,
                relativeOffset: relative(offsetOfMaxTimestamp)
            )
        )
    }

    private func relative(_ offset: Offset) -> Int32 {
        Int32(truncatingIfNeeded: offset.rawValue &- baseOffset.rawValue)
    }
}
