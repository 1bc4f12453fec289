import BrokerModel
import CommitLog
import HeadwaterTesting
import Partitions
import RecordFormat

/// What is looked at after each start, and now and then in between.
extension Simulation {
    /// After a start: every promise, for every topic and partition that was ever there.
    func check() throws {
        guard let store else { return }
        // A disk that failed during this start may have cost a partition; the next start tells.
        if let (name, error) = store.offline.first {
            guard !mayFail else {
                lifeIsOver = true
                return
            }
            throw Violation(promise: .p1, what: "\(name) did not open: \(error)")
        }
        let bytesRead = fileSystem.bytesReadByPath
        for topic in histories { try TopicLives.check(topic, in: store) }
        guard let recorded = try gapsRecorded(in: store) else { return }
        try checkPartitions(store) { history, partition in
            try RecoveryReads.check(
                bytesRead,
                folder: partition.log.folder,
                activeSegment: try self.segmentThatWasActive(of: partition),
                segmentBytesMax: self.kinds.settings.log.segmentBytes.rawValue
            )
            try LogStarts.check(history, logStart: partition.log.reader.logStartOffset)
            try self.checkContents(of: partition, history, gaps: recorded)
            try self.checkEpoch(of: partition, history)
        }
        fileSystem.resetBytesRead()
        closeWasTried = false
    }

    /// Nil when the machine died meanwhile.
    fileprivate func gapsRecorded(in store: PartitionStore) throws -> Set<RecordedGaps.Entry>? {
        do {
            return try RecordedGaps.read(from: store)
        } catch {
            try expectCrash(error)
            return nil
        }
    }

    func checkPartitions(
        _ store: PartitionStore,
        _ check: (PartitionHistory, PartitionStore.Partition) throws -> Void
    ) throws {
        for partition in store.partitions where !partition.name.topic.isInternal {
            guard !fileSystem.hasCrashed else { return }
            guard let history = history(of: partition) else {
                throw Violation(promise: .topics, what: "nobody made \(partition.name)")
            }
            try check(history, partition)
        }
    }

    func checkContents(
        of partition: PartitionStore.Partition,
        _ history: PartitionHistory,
        gaps: Set<RecordedGaps.Entry>?
    ) throws {
        let end = partition.log.reader.highWatermark
        history.noteSeen(end)
        // Of what was shown without a sync a failed sync leaves nothing, and the next start tells.
        guard history.isDurable || partition.log.failure == nil else { return }
        output.removeAll()
        guard try readAll(of: partition.log.reader, upTo: end) else { return }
        if let gaps, !history.isDurable {
            try RecordedGaps.check(
                history,
                of: partition.name,
                partition.log.topicID,
                stored: output.bytes,
                highWatermark: end,
                recorded: gaps
            )
        }
        try AcknowledgedRecords.check(history, stored: output.bytes, highWatermark: end)
        try StableOffsets.check(history, stored: output.bytes, highWatermark: end)
        try ExactlyOnce.check(history, stored: output.bytes)
        let isWhole = partition.log.failure == nil && partition.log.logEndOffset == end
        if isWhole { history.cut(to: end) }
        history.noteSeen(end)
    }

    /// False when the machine died meanwhile.
    fileprivate func readAll(of reader: PartitionReader, upTo end: Offset) throws -> Bool {
        var next = reader.logStartOffset
        while next < end {
            let result: PartitionReader.ReadResult
            let before = output.count
            do throws(CommitLogError) {
                result = try reader.read(
                    from: next,
                    maxBytes: ByteCount(generator.within(100...20_000)),
                    minOneBatch: true,
                    into: &output
                )
            } catch {
                try expectCrash(error)
                return false
            }
            next = result.nextOffset
            // What says that a gap comes is no part of the log.
            let found = UnsafeRawBufferPointer(rebasing: output.bytes[before...])
            if try RecordBatchView.first(in: found)?.recordCount == 0 {
                output.truncate(to: before)
            }
        }
        return true
    }

    fileprivate func checkEpoch(
        of partition: PartitionStore.Partition,
        _ history: PartitionHistory
    ) throws {
        let epoch = partition.log.leaderEpoch
        if !partition.recovery.wasClean {
            try StableOffsets.checkEpochRose(history, to: epoch)
        } else if !closeWasTried, partition.log.logEndOffset > .zero {
            throw Violation(promise: .p2, what: "a start took an unclean stop for a clean one")
        }
        history.leaderEpoch = epoch
    }

    func noteSeen(_ store: PartitionStore) {
        for partition in store.partitions {
            history(of: partition)?.noteSeen(partition.log.reader.highWatermark)
            history(of: partition)?.noteLogStart(partition.log.reader.logStartOffset)
        }
    }

    func history(of partition: PartitionStore.Partition) -> PartitionHistory? {
        let topic = histories.last { $0.id == partition.log.topicID }
        return topic?.partitions[Int(partition.name.partition)]
    }

    func history(
        of handle: PartitionHandle,
        in store: PartitionStore
    ) throws(Violation) -> PartitionHistory? {
        guard let partition = store.partition(handle) else { return nil }
        guard let history = history(of: partition) else {
            throw Violation(promise: .topics, what: "nobody made \(partition.name)")
        }
        return history
    }

    /// The one that recovery had to read: a start that skips offsets begins another behind it.
    fileprivate func segmentThatWasActive(
        of partition: PartitionStore.Partition
    ) throws(Violation) -> String {
        do throws(FileSystemError) {
            let names = try fileSystem.list(partition.log.folder).map(\.name)
                .filter { $0.hasSuffix(".log") }.sorted()
            return names.dropLast(partition.recovery.gap == nil ? 0 : 1).last ?? ""
        } catch {
            try expectCrash(error)
            return ""
        }
    }

    /// Until the machine dies every call succeeds but for the one that was to fail.
    func expectCrash(_ error: any Error) throws(Violation) {
        guard !fileSystem.hasCrashed, !mayFail else { return }
        throw Violation(promise: .other, what: "\(error), although nothing had crashed")
    }
}
