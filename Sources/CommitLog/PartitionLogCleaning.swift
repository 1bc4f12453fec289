import BrokerModel
import RecordFormat
import Synchronization

/// The owner's part in a cleaning: says what could be cleaned, and puts cleaned segments in the
/// places of others. Nothing here waits for the cleaning itself.
extension PartitionLog {
    /// How much could be cleaned, and whether it is overdue. Looks into at most `limit` segments
    /// that nobody has asked for yet; nil when there are more, or the log takes nothing more.
    public func cleanable(
        _ settings: CompactionSettings,
        now: Timestamp,
        limit: Int
    ) throws(CommitLogError) -> CleanableLog? {
        guard failure == nil, !isClosed else { return nil }
        let needsTimes = settings.lagMin > .zero || settings.lagMax != nil
        if needsTimes {
            guard try learnSealed(limit: limit) else { return nil }
        }
        let view = reader.snapshot()
        let sealedSegments = view.segments.dropLast()
        let firstDirty = firstDirtyOffset(view)
        var firstUncleanable = active.segment.baseOffset
        var (clean, cleanable) = (ByteCount.zero, ByteCount.zero)
        var isOverdue = false
        for (index, segment) in sealedSegments.enumerated() {
            let end = view.segments[index + 1].baseOffset
            guard end > firstDirty else {
                clean += segment.sizeInBytes
                continue
            }
            let times = sealed[segment.baseOffset]
            if settings.lagMin > .zero, let latest = times?.maxTimestamp,
                latest.rawValue > now.rawValue &- settings.lagMin.wholeMilliseconds
            {
                firstUncleanable = max(segment.baseOffset, firstDirty)
                break
            }
            cleanable += segment.sizeInBytes
            if let lagMax = settings.lagMax {
                let first = try firstTimestamp(of: segment)
                isOverdue =
                    isOverdue
                    || first > .none && first.rawValue < now.rawValue &- lagMax.wholeMilliseconds
            }
        }
        return CleanableLog(
            firstDirtyOffset: firstDirty,
            firstUncleanableOffset: firstUncleanable,
            cleanBytes: clean,
            cleanableBytes: cleanable,
            isOverdue: isOverdue
        )
    }

    /// What a cleaning of that is to do.
    public func planCleaning(
        of cleanable: CleanableLog,
        _ topic: TopicSettings,
        now: Timestamp
    ) -> CleaningPlan {
        let segments = reader.snapshot().segments.dropLast()
            .filter { $0.baseOffset < cleanable.firstUncleanableOffset }
        return CleaningPlan(
            folder: folder,
            fileSystem: fileSystem,
            segments: segments,
            firstUncleanableOffset: cleanable.firstUncleanableOffset,
            firstDirtyOffset: cleanable.firstDirtyOffset,
            settings: topic.compaction,
            log: settings,
            levels: topic.compression.levels,
            now: now,
            lastOffsetsOfProducers: producers.lastOffsets
        )
    }

    /// Remembers that everything below `offset` was cleaned.
    public func noteCleaned(to offset: Offset) throws(CommitLogError) {
        guard failure == nil, !isClosed, offset != marks.cleaned else { return }
        var changed = marks
        changed.cleaned = offset
        try onDisk { () throws(FileSystemError) in try changed.write(in: folder, fileSystem) }
        marks = changed
    }

    /// Puts a cleaned segment in the place of those that it was made from: `SegmentSwap` says how.
    /// Gives what their files are called now; nil, with everything as it was, when they are no
    /// longer a part of the log.
    public func replace(_ cleaned: CleanedSegment) throws(CommitLogError) -> [String]? {
        guard failure == nil, !isClosed, let range = indices(of: cleaned.replaced) else {
            return nil
        }
        try decide(cleaned)
        cleaned.fate.isDecided.store(true, ordering: .releasing)
        let segment = Segment(
            cleaned: cleaned.indexes,
            file: cleaned.file,
            size: cleaned.size,
            folder: folder,
            fileSystem: fileSystem
        )
        reader.publish { published in
            published.segments.replaceSubrange(range, with: [segment])
            published.generation += 1
        }
        // Readers have the cleaned one before the names change, and open nothing by the old ones.
        let open = reader.snapshot().open
        for old in cleaned.replaced {
            old.giveUpNames()
            open.forget(old)
            sealed[old.baseOffset] = nil
            firstTimestamps[old.baseOffset] = nil
        }
        sealed[segment.baseOffset] = RetentionPolicy.Segment(
            size: cleaned.size,
            maxTimestamp: cleaned.indexes.maxTimestamp
        )
        do throws(FileSystemError) {
            let files = try rename(cleaned)
            segment.rest()
            return files
        } catch {
            throw fail(error)  // The next start finishes it.
        }
    }

    private func indices(of segments: [Segment]) -> Range<Int>? {
        let present = reader.snapshot().segments
        guard let first = present.firstIndex(where: { $0 === segments[0] }),
            first + segments.count < present.count,
            zip(present[first...], segments).allSatisfy({ $0 === $1 })
        else { return nil }
        return first..<first + segments.count
    }

    /// After this a start takes the cleaned segment, whatever else happens.
    private func decide(_ cleaned: CleanedSegment) throws(CommitLogError) {
        let base = cleaned.indexes.baseOffset
        let decided = folder + "/" + SegmentSwap.swapName(base, end: cleaned.end)
        do throws(FileSystemError) {
            try fileSystem.rename(
                folder + "/" + SegmentSwap.cleanedName(base, .log),
                to: decided
            )
            try fileSystem.syncDirectory(folder)
        } catch {
            let cause = error
            do throws(FileSystemError) {
                try forget(decided)
                try fileSystem.syncDirectory(folder)
            } catch {
                // Nobody knows which of the two a start would find: nothing may build on either.
                throw fail(cause)
            }
            throw .fileSystem(cause)
        }
    }

    /// A rename that failed may have been done, or not.
    private func forget(_ path: String) throws(FileSystemError) {
        do throws(FileSystemError) {
            try fileSystem.removeFile(path)
        } catch {
            guard error.reason == .notFound else { throw error }
        }
    }

    private func rename(_ cleaned: CleanedSegment) throws(FileSystemError) -> [String] {
        let base = cleaned.indexes.baseOffset
        var files: [String] = []
        for old in cleaned.replaced {
            for kind in SegmentFiles.Kind.allCases {
                let target = old.path(kind) + SegmentFiles.deletedSuffix
                do throws(FileSystemError) {
                    try fileSystem.rename(old.path(kind), to: target)
                    files.append(target)
                } catch {
                    guard error.reason == .notFound, kind != .log else { throw error }
                }
            }
        }
        for kind in SegmentFiles.Kind.allCases where kind != .log {
            try fileSystem.rename(
                folder + "/" + SegmentSwap.cleanedName(base, kind),
                to: folder + "/" + SegmentFiles.name(base, kind)
            )
        }
        try fileSystem.syncDirectory(folder)
        try fileSystem.rename(
            folder + "/" + SegmentSwap.swapName(base, end: cleaned.end),
            to: folder + "/" + SegmentFiles.name(base, .log)
        )
        try fileSystem.syncDirectory(folder)
        return files
    }

    private func firstDirtyOffset(_ view: PartitionReader.Published) -> Offset {
        let start = view.logStartOffset
        return marks.cleaned <= view.highWatermark ? max(marks.cleaned, start) : start
    }

    private func firstTimestamp(of segment: Segment) throws(CommitLogError) -> Timestamp {
        if let known = firstTimestamps[segment.baseOffset] { return known }
        let found = try onDisk { () throws(FileSystemError) in
            let file = try segment.file()
            defer { segment.closeFiles() }
            var cursor = BatchHeaderCursor(file, end: .zero + (try file.size()))
            return try cursor.header(at: .zero)?.maxTimestamp ?? .none
        }
        firstTimestamps[segment.baseOffset] = found
        return found
    }
}
