import BrokerModel

/// What one step of retention took from a log.
public struct DeletedSegments: Equatable, Sendable {
    public var expired = 0
    public var oversize = 0
    public var bytes = ByteCount.zero
    /// Whether the next step finds more to do.
    public var isDone = true
    /// Files that have left the log and still lie in its folder.
    public var files: [String] = []

    public init() {}
}

extension PartitionLog {
    /// Deletes the oldest segments that the policy does not keep, at most `limit` of them, and
    /// looks into no more than that.
    ///
    /// The new log start is durable before readers learn of it, and they learn of it before a file
    /// goes: it never moves back, and who reads a file that is gone is out of range.
    public func deleteOldSegments(
        _ policy: RetentionPolicy,
        now: Timestamp,
        limit: Int
    ) throws(CommitLogError) -> DeletedSegments {
        var deleted = DeletedSegments()
        guard !policy.keepsEverything, failure == nil, !isClosed else { return deleted }
        guard try learnSealed(limit: limit) else {
            deleted.isDone = false
            return deleted
        }
        let view = reader.snapshot()
        var segments = view.segments.dropLast().compactMap { sealed[$0.baseOffset] }
        segments.append(.init(size: active.end - .zero, maxTimestamp: active.maxTimestamp))
        let plan = policy.plan(segments, now: now)
        guard plan.count > 0 else { return deleted }
        let count = min(plan.count, limit)
        deleted.isDone = count == plan.count
        deleted.expired = min(count, plan.expired)
        deleted.oversize = count - deleted.expired
        for segment in segments.prefix(count) { deleted.bytes += segment.size }
        if count == segments.count { try rollNow() }
        deleted.files = try dropOldest(count)
        return deleted
    }

    /// Deletes the segments that hold nothing from `offset` on, for whoever knows that it is not
    /// needed any more. What is not synced yet stays. Returns what their files are called now.
    public func deleteSegments(before offset: Offset) throws(CommitLogError) -> [String] {
        guard failure == nil, !isClosed else { return [] }
        let end = min(offset, highWatermark)
        let count = reader.snapshot().segments.dropFirst().prefix { $0.baseOffset <= end }.count
        return count == 0 ? [] : try dropOldest(count)
    }

    /// The new start is durable before anybody learns of it. See `deleteOldSegments`.
    func moveStart(to offset: Offset) throws(CommitLogError) -> [String] {
        let segments = reader.snapshot().segments
        let count = segments.dropFirst().prefix { $0.baseOffset <= offset }.count
        return try dropOldest(count, startingAt: offset)
    }

    /// Looks up size and age of sealed segments that nobody has asked for yet. False when there
    /// are more.
    func learnSealed(limit: Int) throws(CommitLogError) -> Bool {
        var looked = 0
        for segment in reader.snapshot().segments.dropLast()
        where sealed[segment.baseOffset] == nil {
            guard looked < limit else { return false }
            looked += 1
            sealed[segment.baseOffset] = try onDisk { () throws(FileSystemError) in
                let facts = RetentionPolicy.Segment(
                    size: try segment.file().size(),
                    maxTimestamp: try segment.provenMaxTimestamp(interval: settings.indexInterval)
                )
                segment.closeFiles()
                return facts
            }
        }
        return true
    }

    /// Seals the active segment, if it holds anything, for who is going to delete it.
    public func seal() throws(CommitLogError) {
        try checkIsOpen()
        if active.end > .zero { try rollNow() }
    }

    private func rollNow() throws(CommitLogError) {
        do throws(FileSystemError) {
            try roll()
        } catch {
            throw fail(error)
        }
    }

    /// Takes the oldest segments out of the log. Returns what their files are called now.
    private func dropOldest(
        _ count: Int,
        startingAt offset: Offset = .zero
    ) throws(CommitLogError) -> [String] {
        let view = reader.snapshot()
        let segments = view.segments
        let start = max(view.logStartOffset, segments[count].baseOffset, offset)
        var changed = marks
        changed.logStart = start
        do throws(FileSystemError) {
            try changed.write(in: folder, fileSystem)
        } catch {
            throw .fileSystem(error)  // Nothing was deleted; the log itself is as good as before.
        }
        marks = changed
        reader.publish { published in
            published.logStartOffset = start
            published.segments.removeFirst(count)
        }
        var files: [String] = []
        for segment in segments.prefix(count) {
            sealed[segment.baseOffset] = nil
            firstTimestamps[segment.baseOffset] = nil
            view.open.forget(segment)
            for kind in SegmentFiles.Kind.allCases {
                let path = segment.path(kind)
                let target = path + SegmentFiles.deletedSuffix
                do throws(FileSystemError) {
                    try fileSystem.rename(path, to: target)
                    files.append(target)
                } catch {
                    // Its place is below the log's start: the next start removes it.
                }
            }
        }
        return files + snapshots.drop(before: min(start, active.segment.baseOffset))
    }
}

extension Segment {
    /// The latest timestamp, believed only if the batch that the index names has it: an index that
    /// lies must not have records deleted before their time, or kept for ever.
    func provenMaxTimestamp(interval: ByteCount) throws(FileSystemError) -> Timestamp {
        for _ in 0..<2 {
            guard let entry = try lastTime() else { return .none }
            let file = try file()
            let end = FilePosition.zero + (try file.size())
            var cursor = BatchHeaderCursor(file, end: end)
            let wanted = baseOffset + Int(entry.relativeOffset)
            var position = try position(floorOf: wanted)
            while let header = try cursor.header(at: position), header.baseOffset <= wanted {
                if header.lastOffset == wanted, header.maxTimestamp == entry.timestamp {
                    return entry.timestamp
                }
                position = position + header.sizeInBytes
            }
            try rebuildIndexes(interval: interval)
        }
        return try maxTimestamp()
    }
}
