import BrokerModel

extension PartitionLog {
    /// Fills a new, empty folder with an empty log and makes it durable, but for the folder's own
    /// name: its creator renames it to its place, so that a log is there whole or not at all. Two
    /// syncs, as a topic may have thousands of partitions: the first leader epoch needs no file.
    public static func create(
        folder: String,
        topicID: UUIDBytes,
        fileSystem: any FileSystem
    ) throws(CommitLogError) {
        do throws(FileSystemError) {
            try fileSystem.createDirectory(folder)
            _ = try ActiveSegment.create(baseOffset: .zero, folder: folder, fileSystem: fileSystem)
            try fileSystem.createText(
                PartitionMetadata(topicID: topicID).text,
                at: folder + "/" + SegmentFiles.partitionMetadata
            )
            try fileSystem.syncDirectory(folder)
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

    /// Opens a log. `afterCleanStop` says that `close` was the last that happened to it, and that
    /// its caller has durably forgotten this before anything is written. Logs that are opened with
    /// the same `openSegments` share its bound.
    public static func open(
        folder: String,
        afterCleanStop: Bool,
        fileSystem: any FileSystem,
        settings: LogSettings,
        openSegments: OpenSegments = OpenSegments(),
        producerLimit: ProducerLimit = ProducerLimit()
    ) throws(CommitLogError) -> (log: PartitionLog, report: RecoveryReport) {
        var recovery = try LogRecovery(
            folder: folder,
            fileSystem: fileSystem,
            settings: settings,
            producers: ProducerStates(limit: producerLimit)
        )
        let recovered =
            if afterCleanStop, let resumed = try recovery.resume() {
                resumed
            } else {
                try recovery.recover()
            }
        let log = PartitionLog(
            folder: folder,
            topicID: try topicID(in: folder, fileSystem: fileSystem),
            recovered: recovered,
            fileSystem: fileSystem,
            settings: settings,
            openSegments: openSegments
        )
        log.indexesAreStored = recovery.report.wasClean
        return (log, recovery.report)
    }
}

/// Reads one partition's folder back into a log.
struct LogRecovery {
    let folder: String
    let fileSystem: any FileSystem
    let settings: LogSettings
    let producers: ProducerStates
    var snapshots: ProducerSnapshotFiles
    var report = RecoveryReport()
    private(set) var bases: [Offset] = []
    private var indexNames: Set<String> = []
    private var unfinished: [String] = []
    private(set) var leftovers: [String] = []
    private(set) var marks = OffsetMarks()

    init(
        folder: String,
        fileSystem: any FileSystem,
        settings: LogSettings,
        producers: ProducerStates
    ) throws(CommitLogError) {
        self.folder = folder
        self.fileSystem = fileSystem
        self.settings = settings
        self.producers = producers
        snapshots = ProducerSnapshotFiles(folder: folder, fileSystem: fileSystem)
        let entries = try onDisk { () throws(FileSystemError) in
            try SegmentSwap.settle(try fileSystem.list(folder), in: folder, fileSystem)
        }
        for entry in entries where !entry.isDirectory {
            if let (base, kind) = SegmentFiles.parse(entry.name) {
                if kind == .log { bases.append(base) } else { indexNames.insert(entry.name) }
            } else if snapshots.note(entry.name) {
                continue
            } else if Self.isUnfinished(entry.name) {
                unfinished.append(entry.name)
            } else if entry.name.hasSuffix(SegmentFiles.deletedSuffix) {
                leftovers.append(folder + "/" + entry.name)
            }
        }
        bases.sort()
        marks = try storedMarks()
        dropBelowLogStart()
        guard !bases.isEmpty else { throw .unusable(path: folder, why: "it holds no .log file") }
    }

    private static func isUnfinished(_ name: String) -> Bool {
        [SegmentFiles.leaderEpochCheckpoint, SegmentFiles.partitionMetadata, OffsetMarks.fileName]
            .contains { name == $0 + SegmentFiles.unfinishedSuffix }
            || SegmentFiles.isUnfinishedSnapshot(name)
    }

    /// Segments that end at or below the log's start were deleted; a crash has brought them back.
    private mutating func dropBelowLogStart() {
        while bases.count > 1, bases[1] <= marks.logStart {
            let base = bases.removeFirst()
            for kind in SegmentFiles.Kind.allCases {
                let name = SegmentFiles.name(base, kind)
                guard kind == .log || indexNames.remove(name) != nil else { continue }
                leftovers.append(folder + "/" + name)
            }
        }
    }

    /// A file that cannot be read as one says nothing: then the log starts with its first segment,
    /// and an unclean start skips whatever the active segment could have held.
    private func storedMarks() throws(CommitLogError) -> OffsetMarks {
        let path = folder + "/" + OffsetMarks.fileName
        let text = try onDisk { () throws(FileSystemError) in try fileSystem.text(of: path) }
        guard let text else { return OffsetMarks() }
        if let marks = OffsetMarks(text: text) { return marks }
        var marks = OffsetMarks()
        marks.reserved = (bases.last ?? .zero) + Int(Int32.max)
        return marks
    }

    private var activeBase: Offset { bases[bases.count - 1] }

    // MARK: After a clean stop

    /// Takes the log up where `close` left it, from the indexes and a walk over the few headers
    /// past their last entry. Nil when the files do not fit together: then the stop was not so
    /// clean.
    mutating func resume() throws(CommitLogError) -> RecoveredLog? {
        do throws(FileSystemError) {
            guard unfinished.isEmpty, let (indexes, file, end, next, epoch) = try walkTail(),
                let epochs = try knownEpochs(latest: epoch), try resumeProducers(at: next)
            else { return nil }
            report.wasClean = true
            return try assemble(
                indexes: indexes,
                file: file,
                end: end,
                logEndOffset: next,
                firstAppend: end > .zero ? try firstTimestamp(in: file) : nil,
                epochs: epochs
            )
        } catch {
            throw .fileSystem(error)
        }
    }

    private func walkTail() throws(FileSystemError) -> (
        SegmentIndexes, any File, FilePosition, Offset, LeaderEpoch
    )? {
        let file = try fileSystem.open(path(.log), .write)
        let end = FilePosition.zero + (try file.size())
        guard let offsets = try contents(path(.offsetIndex)),
            let times = try contents(path(.timeIndex)),
            var indexes = SegmentIndexes(
                baseOffset: activeBase,
                offsets: offsets.bytes,
                times: times.bytes
            )
        else { return nil }
        var position = indexes.lastPosition
        var next = activeBase
        // An empty segment behind others says nothing of theirs.
        var epoch: LeaderEpoch = activeBase == .zero ? .zero : .none
        var cursor = BatchHeaderCursor(file, end: end)
        while position < end {
            guard let header = try cursor.header(at: position), header.baseOffset >= next else {
                return nil
            }
            indexes.note(header, at: position, interval: settings.indexInterval)
            next = header.nextOffset
            epoch = header.leaderEpoch
            position = position + header.sizeInBytes
        }
        return position == end ? (indexes, file, end, next, epoch) : nil
    }

    private func contents(_ path: String) throws(FileSystemError) -> ByteWriter? {
        let file: any File
        do throws(FileSystemError) {
            file = try fileSystem.open(path, .read)
        } catch {
            guard error.reason == .notFound else { throw error }
            return nil
        }
        var bytes = ByteWriter()
        try bytes.writeUpTo(try file.size().rawValue) { buffer throws(FileSystemError) in
            try file.read(at: .zero, into: buffer)
        }
        return bytes
    }

    // MARK: After anything else

    /// Scans the active segment, and that one alone; cuts its torn tail; makes what it holds
    /// durable before anybody may see it; and begins a new leader epoch.
    mutating func recover() throws(CommitLogError) -> RecoveredLog {
        do throws(FileSystemError) {
            try removeLeftovers()
            try recoverProducers(from: activeBase)
            let file = try fileSystem.open(path(.log), .write)
            if let untouched = try untouched(file) { return untouched }
            let scan = try SegmentScan.run(
                file,
                baseOffset: activeBase,
                interval: settings.indexInterval,
                producers: producers
            )
            report.scannedBytes = scan.bytesRead
            let size = FilePosition.zero + (try file.size())
            if size > scan.validEnd {
                report.cutBytes = size - scan.validEnd
                try file.truncate(to: scan.validEnd - .zero)
            }
            try file.sync()
            try rebuildMissingIndexes()
            // Records may have been deleted that are lost now as well.
            if marks.logStart > scan.logEndOffset { marks.reserve(marks.logStart) }
            if marks.reserved > scan.logEndOffset { return try skipAhead(after: scan, in: file) }
            let epochs = try raiseEpoch(scan, next: scan.logEndOffset)
            return try assemble(
                indexes: scan.indexes,
                file: file,
                end: scan.validEnd,
                logEndOffset: scan.logEndOffset,
                firstAppend: scan.firstTimestamp,
                epochs: epochs
            )
        } catch {
            throw .fileSystem(error)
        }
    }

    /// Removes what a crash left half done: unfinished small files, and indexes of a segment whose
    /// data file never came to be. What is not ours stays.
    private mutating func removeLeftovers() throws(FileSystemError) {
        for name in unfinished { try fileSystem.removeFile(folder + "/" + name) }
        let withData = Set(bases)
        for name in indexNames.sorted() {
            guard let base = SegmentFiles.parse(name)?.baseOffset, !withData.contains(base) else {
                continue
            }
            try fileSystem.removeFile(folder + "/" + name)
            indexNames.remove(name)
        }
    }

    private mutating func rebuildMissingIndexes() throws(FileSystemError) {
        for base in bases.dropLast() {
            let names = [SegmentFiles.Kind.offsetIndex, .timeIndex].map {
                SegmentFiles.name(base, $0)
            }
            guard !names.allSatisfy(indexNames.contains) else { continue }
            let segment = sealedSegment(base)
            try segment.rebuildIndexes(interval: settings.indexInterval)
            try segment.writeIndexes()
            report.rebuiltIndexes += 1
        }
    }

    /// Offsets past the tail may have been shown to somebody: the log goes on behind them, in a
    /// segment of its own, and the gap is kept until it is recorded.
    private mutating func skipAhead(
        after scan: SegmentScan,
        in file: any File
    ) throws(FileSystemError) -> RecoveredLog {
        let next = marks.reserved
        let gap = OffsetGap(first: scan.logEndOffset, last: Offset(next.rawValue - 1))
        report.gap = gap
        if marks.gaps.last != gap {
            marks.gaps.append(gap)
            try marks.write(in: folder, fileSystem)
        }
        let epochs = try raiseEpoch(scan, next: next)
        let segment = Segment(
            active: scan.indexes,
            file: file,
            end: scan.validEnd,
            folder: folder,
            fileSystem: fileSystem
        )
        try segment.writeIndexes()
        try saveProducers(at: next)
        let active = try ActiveSegment.create(
            baseOffset: next,
            folder: folder,
            fileSystem: fileSystem
        )
        try fileSystem.syncDirectory(folder)
        let sealed = bases.map(sealedSegment)
        return RecoveredLog(
            segments: sealed + [active.segment],
            active: active,
            logEndOffset: next,
            epochs: epochs,
            marks: marks,
            leftovers: leftovers,
            producers: producers,
            snapshots: snapshots
        )
    }

    private func raiseEpoch(
        _ scan: SegmentScan,
        next: Offset
    ) throws(FileSystemError) -> LeaderEpochs {
        var epochs = try storedEpochs() ?? .first
        let latest = max(epochs.latest, scan.latestEpoch)
        epochs.truncate(to: scan.logEndOffset)
        epochs.begin(latest.next, at: next)
        try fileSystem.replaceText(
            of: SegmentFiles.leaderEpochCheckpoint,
            in: folder,
            with: epochs.text
        )
        return epochs
    }

    /// Nil when the file is missing or cannot be read as one.
    func storedEpochs() throws(FileSystemError) -> LeaderEpochs? {
        let path = folder + "/" + SegmentFiles.leaderEpochCheckpoint
        return try fileSystem.text(of: path).flatMap { LeaderEpochs(text: $0) }
    }

    // MARK: Either way

    func assemble(
        indexes: SegmentIndexes,
        file: any File,
        end: FilePosition,
        logEndOffset: Offset,
        firstAppend: Timestamp?,
        epochs: LeaderEpochs
    ) throws(FileSystemError) -> RecoveredLog {
        let active = ActiveSegment(
            indexes: indexes,
            file: file,
            end: end,
            firstAppend: firstAppend,
            folder: folder,
            fileSystem: fileSystem
        )
        let sealed = bases.dropLast().map(sealedSegment)
        return RecoveredLog(
            segments: sealed + [active.segment],
            active: active,
            logEndOffset: logEndOffset,
            epochs: epochs,
            marks: marks,
            leftovers: leftovers,
            producers: producers,
            snapshots: snapshots
        )
    }

    /// One header's read: a start that was clean reads next to nothing.
    private func firstTimestamp(in file: any File) throws(FileSystemError) -> Timestamp? {
        var header = ByteWriter(capacity: BatchHeader.size)
        try header.writeUpTo(BatchHeader.size) { room throws(FileSystemError) in
            try file.read(at: .zero, into: room)
        }
        return BatchHeader(header.bytes)?.maxTimestamp
    }

    private func path(_ kind: SegmentFiles.Kind) -> String {
        folder + "/" + SegmentFiles.name(activeBase, kind)
    }
}
