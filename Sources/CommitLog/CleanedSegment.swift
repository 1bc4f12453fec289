import BrokerModel
import RecordFormat
import Synchronization

/// A segment that a cleaning has finished: its files are synced, and wait for their places.
public struct CleanedSegment: Sendable {
    let plan: CleaningPlan
    /// In their order; the first has the new one's base offset.
    let replaced: [Segment]
    /// Where the last of them ends.
    let end: Offset
    let file: any File
    let size: ByteCount
    let indexes: SegmentIndexes
    let fate = Fate()

    /// Whether the log has decided for this segment: from then on its files are the log's, also
    /// when their renaming failed and the next start has to finish it.
    final class Fate: Sendable {
        let isDecided = Atomic(false)
    }

    /// Removes the files if nobody wants them. What cannot be removed goes at the next start.
    func discard() {
        guard !fate.isDecided.load(ordering: .acquiring) else { return }
        CleanedSegmentWriter.remove(indexes.baseOffset, plan)
    }
}

/// Writes the files of a cleaned segment. Begins only when there is something to change, so that a
/// segment which stays as it is costs no write.
final class CleanedSegmentWriter {
    private let plan: CleaningPlan
    private let replaced: [Segment]
    private let end: Offset
    private var file: (any File)?
    private var position = FilePosition.zero
    private var indexes: SegmentIndexes
    private var pending = ByteWriter()
    private(set) var bytesWritten = ByteCount.zero

    init(_ plan: CleaningPlan, replacing segments: [Segment], end: Offset) {
        self.plan = plan
        replaced = segments
        self.end = end
        indexes = SegmentIndexes(baseOffset: segments[0].baseOffset)
    }

    private var base: Offset { indexes.baseOffset }

    /// From here on every batch is written.
    func begin() throws(CleaningError) {
        Self.remove(base, plan)  // What an earlier attempt has left.
        file = try onDisk { () throws(FileSystemError) in
            try plan.fileSystem.open(path(.log), .create)
        }
    }

    /// Takes what is left of the batch at `place` of the file at `source`; nothing where `bytes` is
    /// empty.
    func write(
        _ bytes: UnsafeRawBufferPointer,
        isUnchanged: Bool,
        from source: String,
        _ place: FilePosition
    ) throws(CleaningError) {
        if file == nil {
            guard isUnchanged else {
                try begin()
                try copy(source, upTo: place)
                return try write(bytes, isUnchanged: false, from: source, place)
            }
            note(bytes)
            position = position + ByteCount(bytes.count)
            return
        }
        guard !bytes.isEmpty else { return }
        note(bytes)
        position = position + ByteCount(bytes.count)
        pending.writeBytes(bytes)
        if pending.count >= CommitLogLimits.scanBytes { try flush() }
    }

    /// Syncs everything under its preliminary names. Nil when nothing was to change.
    func finish() throws(CleaningError) -> CleanedSegment? {
        guard let file else { return nil }
        try flush()
        indexes.finish()
        var offsets = ByteWriter()
        var times = ByteWriter()
        indexes.offsets.write(to: &offsets)
        indexes.times.write(to: &times)
        try writeIndex(.offsetIndex, offsets.bytes)
        try writeIndex(.timeIndex, times.bytes)
        try onDisk { () throws(FileSystemError) in
            try file.sync()
            try plan.fileSystem.syncDirectory(plan.folder)
        }
        return CleanedSegment(
            plan: plan,
            replaced: replaced,
            end: end,
            file: file,
            size: position - .zero,
            indexes: indexes
        )
    }

    func discard() {
        guard file != nil else { return }
        Self.remove(base, plan)
    }

    static func remove(_ base: Offset, _ plan: CleaningPlan) {
        for kind in SegmentFiles.Kind.allCases {
            let path = plan.folder + "/" + SegmentSwap.cleanedName(base, kind)
            do throws(FileSystemError) { try plan.fileSystem.removeFile(path) } catch {}
        }
    }

    private func path(_ kind: SegmentFiles.Kind) -> String {
        plan.folder + "/" + SegmentSwap.cleanedName(base, kind)
    }

    private func note(_ batch: UnsafeRawBufferPointer) {
        guard let header = BatchHeader(batch) else {
            preconditionFailure("a filter writes whole batches")
        }
        indexes.note(header, at: position, interval: plan.log.indexInterval)
    }

    /// What was left as it is before the first change.
    private func copy(_ source: String, upTo place: FilePosition) throws(CleaningError) {
        let count = place.rawValue
        guard count > 0 else { return }
        let from = try onDisk { () throws(FileSystemError) in
            try plan.fileSystem.open(source, .read)
        }
        var copied = 0
        while copied < count {
            let room = min(CommitLogLimits.scanBytes, count - copied)
            let before = pending.count
            try onDisk { () throws(FileSystemError) in
                try pending.writeUpTo(room) { buffer throws(FileSystemError) in
                    try from.read(at: FilePosition(copied), into: buffer)
                }
            }
            guard pending.count > before else {
                throw .damaged(path: source, at: FilePosition(copied))
            }
            copied += pending.count - before
            try flush()
        }
    }

    private func flush() throws(CleaningError) {
        guard !pending.isEmpty, let file else { return }
        try onDisk { () throws(FileSystemError) in
            try file.write(pending.bytes, at: .zero + bytesWritten)
        }
        bytesWritten += ByteCount(pending.count)
        pending.removeAll()
    }

    private func writeIndex(
        _ kind: SegmentFiles.Kind,
        _ bytes: UnsafeRawBufferPointer
    ) throws(CleaningError) {
        try onDisk { () throws(FileSystemError) in
            let file = try plan.fileSystem.open(path(kind), .create)
            try file.write(bytes, at: .zero)
            try file.sync()
        }
    }

    private func onDisk<Result>(
        _ body: () throws(FileSystemError) -> Result
    ) throws(CleaningError) -> Result {
        do {
            return try body()
        } catch {
            throw .fileSystem(error)
        }
    }
}
