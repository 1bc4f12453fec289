import BrokerModel
import RecordFormat

/// One cleaning of one log, on a thread that may take its time: notes where each key of the dirty
/// part has its last record, then writes the segments anew without those that a later one has
/// superseded.
///
/// It only reads what the log has sealed and only writes files of its own; its host has the log's
/// owner put each finished segment in its place.
public struct LogCleaning: ~Copyable {
    public private(set) var result = CleaningResult()
    private let plan: CleaningPlan
    private let offsets: KeyOffsets
    private var decompressor = RecordDecompressor()
    private var filter = RecordBatchFilter()
    private var output = ByteWriter()

    /// `memory` is for the keys of one cleaning; when it is full, the cleaning ends there, and the
    /// next goes on.
    public init(_ plan: CleaningPlan, memory: ByteCount) {
        self.plan = plan
        var random = SystemRandomNumberGenerator()
        offsets = KeyOffsets(
            memory: memory,
            keysMax: max(0, plan.firstUncleanableOffset - plan.firstDirtyOffset),
            secret: KeyHash.Secret(low: random.next(), high: random.next())
        )
    }

    public mutating func run(_ host: some CleaningHost) throws(CleaningError) {
        try noteKeys(host)
        let end = (offsets.lastOffset.map { $0 + 1 }) ?? plan.firstUncleanableOffset
        for group in plan.groups(before: end) {
            guard let cleaned = try clean(group, before: end, host) else { continue }
            guard host.mayGoOn, host.replace(cleaned) else {
                cleaned.discard()
                throw .aborted
            }
            result.segmentsReplaced += group.count
        }
        result.end = end
    }

    // MARK: The keys

    private mutating func noteKeys(_ host: some CleaningHost) throws(CleaningError) {
        for index in plan.segments.indices
        where plan.end(ofSegment: index) > plan.firstDirtyOffset {
            var stream = try BatchStream(plan.segments[index].path(.log), plan.fileSystem)
            var counted = ByteCount.zero
            while let batch = try stream.next() {
                result.bytesRead += stream.bytesRead - counted
                host.spent(stream.bytesRead - counted)
                counted = stream.bytesRead
                guard host.mayGoOn else { throw .aborted }
                guard batch.lastOffset >= plan.firstDirtyOffset else { continue }
                if !batch.isKeptWhole {
                    guard try noteKeys(of: batch, stream.damaged) else { return }
                }
                offsets.notePassed(batch.lastOffset)
            }
        }
    }

    /// False when there is no room for another key.
    private mutating func noteKeys(
        of batch: RecordBatchView,
        _ damaged: CleaningError
    ) throws(CleaningError) -> Bool {
        do throws(RecordFormatError) {
            var records = try batch.records(
                decompressor: &decompressor,
                limit: CommitLogLimits.decompressedBytesMax
            )
            while let record = try records.next() {
                guard let key = record.key, record.offset >= plan.firstDirtyOffset else { continue }
                guard offsets.note(key, at: record.offset) else { return false }
            }
            return true
        } catch {
            throw damaged
        }
    }

    // MARK: The segments

    /// Nil when nothing of a segment goes, and nothing is put together: then it stays as it is,
    /// and the disk is spared.
    private mutating func clean(
        _ group: Range<Int>,
        before end: Offset,
        _ host: some CleaningHost
    ) throws(CleaningError) -> CleanedSegment? {
        let segments = Array(plan.segments[group])
        let writer = CleanedSegmentWriter(
            plan,
            replacing: segments,
            end: plan.end(ofSegment: group.upperBound - 1)
        )
        defer { result.bytesWritten += writer.bytesWritten }
        do throws(CleaningError) {
            if segments.count > 1 { try writer.begin() }
            for segment in segments {
                try clean(segment, into: writer, before: end, host)
            }
            return try writer.finish()
        } catch {
            writer.discard()
            throw error
        }
    }

    private mutating func clean(
        _ segment: Segment,
        into writer: CleanedSegmentWriter,
        before end: Offset,
        _ host: some CleaningHost
    ) throws(CleaningError) {
        let path = segment.path(.log)
        var stream = try BatchStream(path, plan.fileSystem)
        var (read, written) = (ByteCount.zero, writer.bytesWritten)
        while let batch = try stream.next() {
            guard host.mayGoOn else { throw .aborted }
            output.removeAll()
            let isUnchanged = try filter(batch, before: end, stream.damaged)
            try writer.write(output.bytes, isUnchanged: isUnchanged, from: path, stream.position)
            result.bytesRead += stream.bytesRead - read
            host.spent(stream.bytesRead - read + (writer.bytesWritten - written))
            (read, written) = (stream.bytesRead, writer.bytesWritten)
        }
    }

    /// Writes to `output` what is left of the batch. True when that is all of it.
    private mutating func filter(
        _ batch: RecordBatchView,
        before end: Offset,
        _ damaged: CleaningError
    ) throws(CleaningError) -> Bool {
        guard !batch.isKeptWhole else {
            output.writeBytes(batch.bytes)
            return true
        }
        var latest = LatestRecords(offsets: offsets, now: plan.now)
        do throws(RecordFormatError) {
            let filtered = try filter.filter(
                batch,
                by: &latest,
                deleteHorizon: plan.deleteHorizon,
                levels: plan.levels,
                limit: CommitLogLimits.decompressedBytesMax,
                into: &output
            )
            result.recordsRemoved += filtered.recordsRemoved
            result.keylessRemoved += latest.keyless
            switch filtered.outcome {
            case .unchanged: return true
            case .rewritten: return false
            case .emptied:
                guard staysEmpty(batch, before: end) else { return false }
                RecordBatchFilter.writeEmpty(batch, into: &output)
                return batch.bytes.elementsEqual(output.bytes)
            }
        } catch {
            throw damaged
        }
    }

    /// A producer's last batch tells its sequence to the state that a start rebuilds, and the last
    /// batch of the cleaning how far offsets go.
    private func staysEmpty(_ batch: RecordBatchView, before end: Offset) -> Bool {
        if batch.nextOffset == end { return true }
        guard batch.producerID >= 0 else { return false }
        return plan.lastOffsetsOfProducers[batch.producerID] == batch.lastOffset
    }
}

extension RecordBatchView {
    /// What transactions have left is not for this cleaner to judge.
    fileprivate var isKeptWhole: Bool { isControl || isTransactional }
}

/// Keeps of each key the last record, and a tombstone until its time is over.
private struct LatestRecords: RecordFilter {
    let offsets: KeyOffsets
    let now: Timestamp
    var keyless = 0

    mutating func keeps(_ record: RecordView, of batch: RecordBatchView) -> Bool {
        if let last = offsets.lastOffset, record.offset > last { return true }
        guard let key = record.key else {
            keyless += 1
            return false
        }
        if let latest = offsets.offset(of: key), record.offset < latest { return false }
        return record.value != nil || !batch.hasDeleteHorizon || now < batch.baseTimestamp
    }
}
