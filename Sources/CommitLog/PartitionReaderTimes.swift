import BrokerModel
import RecordFormat

/// A place in a log that was asked for by time, as ListOffsets answers it.
public struct TimedOffset: Equatable, Sendable {
    /// `.none` where the question was not about a record.
    public let timestamp: Timestamp
    public let offset: Offset
    public let leaderEpoch: LeaderEpoch
}

extension PartitionReader {
    /// The first offset that can be read.
    public var earliest: TimedOffset {
        let view = snapshot()
        return view.place(view.logStartOffset)
    }

    /// The offset that the next visible record will have.
    public var latest: TimedOffset {
        let view = snapshot()
        return view.place(view.highWatermark)
    }

    /// The first visible record that is not before `timestamp`; nil when there is none.
    ///
    /// Exact to the record, for which one batch is decompressed. Of a batch whose codec we cannot
    /// read, the answer is its first offset.
    public func offset(
        forTimestamp timestamp: Timestamp
    ) throws(CommitLogError) -> TimedOffset? {
        try afterDeletions { view throws(CommitLogError) in
            try view.firstRecord(notBefore: timestamp)
        }
    }

    /// Looks again when retention, or a cleaning, took a file from under the first look.
    private func afterDeletions<Result>(
        _ look: (Published) throws(CommitLogError) -> Result
    ) throws(CommitLogError) -> Result {
        var view = snapshot()
        while true {
            do throws(CommitLogError) {
                return try look(view)
            } catch {
                let before = view
                view = snapshot()
                guard case .fileSystem(let cause) = error, cause.reason == .notFound,
                    view.logStartOffset > before.logStartOffset
                        || view.generation != before.generation
                else { throw error }
            }
        }
    }

    /// The first record with the latest timestamp; nil in a log without timestamps.
    public func maxTimestamp() throws(CommitLogError) -> TimedOffset? {
        try afterDeletions { view throws(CommitLogError) in
            var latest = Timestamp.none
            for index in view.segments.indices {
                latest = max(latest, try view.maxTimestamp(ofSegment: index))
            }
            guard latest > .none else { return nil }
            return try view.firstRecord(notBefore: latest)
        }
    }
}

extension PartitionReader.Published {
    fileprivate func place(_ offset: Offset) -> TimedOffset {
        TimedOffset(
            timestamp: .none,
            offset: offset,
            leaderEpoch: epochs.epoch(of: offset) ?? .none
        )
    }

    fileprivate func maxTimestamp(ofSegment index: Int) throws(CommitLogError) -> Timestamp {
        guard index < segments.count - 1 else { return syncedMaxTimestamp }
        return try onDisk { () throws(FileSystemError) in try segment(at: index).maxTimestamp() }
    }

    fileprivate func firstRecord(
        notBefore timestamp: Timestamp
    ) throws(CommitLogError) -> TimedOffset? {
        for index in segmentIndex(of: logStartOffset)..<segments.count {
            guard try maxTimestamp(ofSegment: index) >= timestamp else { continue }
            let before = try onDisk { () throws(FileSystemError) in
                try segment(at: index).offset(before: timestamp)
            }
            var offset = max(before, logStartOffset)
            while let found = try batch(
                inSegment: index,
                from: offset,
                where: { $0.maxTimestamp >= timestamp && $0.lastOffset >= offset }
            ) {
                if let record = try firstRecord(of: found, from: offset, notBefore: timestamp) {
                    return record
                }
                offset = found.header.nextOffset  // Compaction took the record, not the timestamp.
            }
        }
        return nil
    }

    private func firstRecord(
        of found: FoundBatch,
        from offset: Offset,
        notBefore timestamp: Timestamp
    ) throws(CommitLogError) -> TimedOffset? {
        var bytes = ByteWriter()
        try onDisk { () throws(FileSystemError) in
            try bytes.writeUpTo(found.header.sizeInBytes.rawValue) {
                buffer throws(FileSystemError) in
                try found.file.read(at: found.position, into: buffer)
            }
        }
        var decompressor = RecordDecompressor()
        do throws(RecordFormatError) {
            guard let batch = try RecordBatchView.first(in: bytes.bytes) else { return nil }
            var records = try batch.records(
                decompressor: &decompressor,
                limit: CommitLogLimits.decompressedBytesMax
            )
            while let record = try records.next() {
                guard record.offset >= offset, record.timestamp >= timestamp else { continue }
                return TimedOffset(
                    timestamp: record.timestamp,
                    offset: record.offset,
                    leaderEpoch: batch.leaderEpoch
                )
            }
            return nil
        } catch {
            throw .damaged(path: found.segment.path(.log), at: found.position)
        }
    }
}
