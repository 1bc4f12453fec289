import BrokerModel
import RecordFormat

// What a log does for producers with an id: it checks each batch of theirs by itself, and saves
// what it knows of them where recovery finds it.
extension PartitionLog {
    /// Appends those of the batches that their producers may send now, one behind the other in the
    /// order given, and says of each what became of it. A batch that is refused, or that is stored
    /// already, does not hold up its neighbours. Nil when none was appended.
    ///
    /// What was appended moves to the front of `batches`. All else is as with `append`; a duplicate
    /// is durable with the next `sync`, as its original may have been appended since the last one.
    public func append(
        checking batches: UnsafeMutableRawBufferPointer,
        outcomes: inout [BatchOutcome],
        now: Timestamp
    ) throws(CommitLogError) -> AppendedRange? {
        outcomes.removeAll(keepingCapacity: true)
        try checkIsOpen()
        try check(UnsafeRawBufferPointer(batches))
        let base = logEndOffset
        let size: Int
        do throws(FileSystemError) {
            size = try writeAdmitted(batches, outcomes: &outcomes, now: now)
        } catch {
            throw fail(error)
        }
        return size > 0 ? appendedRange(from: base, ByteCount(size)) : nil
    }

    /// Gives the size of what was admitted.
    private func writeAdmitted(
        _ batches: UnsafeMutableRawBufferPointer,
        outcomes: inout [BatchOutcome],
        now: Timestamp
    ) throws(FileSystemError) -> Int {
        var position = 0
        // What was admitted and is not yet written.
        var run = 0..<0
        var nextOffset = logEndOffset
        while position < batches.count {
            let rest = UnsafeRawBufferPointer(rebasing: batches[position...])
            guard let header = BatchHeader(rest, baseOffset: nextOffset) else {
                preconditionFailure("the batches were checked")
            }
            let size = header.sizeInBytes.rawValue
            if active.isFull(
                before: header,
                pending: ByteCount(run.count),
                now: now,
                settings: settings
            ) {
                // Before the producer's batch is noted: the snapshot at the roll ends here.
                try flush(batches[run], nextOffset: nextOffset, now: now)
                try roll()
                run = run.upperBound..<run.upperBound
            }
            let outcome = producers.admit(ProducerStamp(rest), at: nextOffset)
            outcomes.append(outcome)
            if case .appended = outcome {
                let target = UnsafeMutableRawBufferPointer(
                    rebasing: batches[run.upperBound..<run.upperBound + size]
                )
                if run.upperBound != position {
                    target.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<size]))
                }
                RecordBatchEditor.assign(
                    baseOffset: nextOffset,
                    leaderEpoch: leaderEpoch,
                    in: target
                )
                run = run.lowerBound..<run.upperBound + size
                nextOffset = header.nextOffset
            }
            position += size
        }
        try flush(batches[run], nextOffset: nextOffset, now: now)
        return run.upperBound
    }

    /// Forgets the producers that have sent nothing for `age`; see `ProducerStates.expire`.
    public func expireProducers(after age: Duration, now: MonotonicTime) {
        producers.expire(after: age, now: now)
    }

    /// Saves what is known of producers at the log's end, if it is not. All before it is synced.
    func saveProducers() throws(FileSystemError) {
        guard producers.isChanged else { return }
        // Without producers, an older snapshot would speak of some that were forgotten since.
        if !producers.isEmpty || snapshots.newest != nil {
            let end = logEndOffset
            let base = active.segment.baseOffset
            try snapshots.write(producers.snapshot, at: end)
            // A clean stop in the middle of the segment has left these.
            try snapshots.remove { $0 > base && $0 != end }
        }
        producers.noteSaved()
    }
}

extension ProducerStates {
    /// A batch whose producer has no id is always admitted.
    fileprivate func admit(_ stamp: ProducerStamp?, at offset: Offset) -> BatchOutcome {
        guard let stamp else { return .appended(offset) }
        return admit(stamp, at: offset)
    }
}

extension PartitionReader {
    /// The producers with an id that the log knows, by id.
    public var producers: [ProducerStateEntry] { producerStates.entries }
}

// MARK: - Recovery

extension LogRecovery {
    /// After a clean stop: what the snapshot of that stop says. False when it is damaged, or when
    /// there is one of a later offset.
    func resumeProducers(at logEndOffset: Offset) throws(FileSystemError) -> Bool {
        guard snapshots.newest.map({ $0 <= logEndOffset }) ?? true,
            let snapshot = try snapshots.load(atOrBefore: logEndOffset)
        else { return false }
        producers.load(snapshot)
        return true
    }

    /// After anything else: what was known where the active segment begins; the scan adds what that
    /// segment holds. Other snapshots say nothing of use any more, and are removed before the log
    /// goes on: those behind the base were written for offsets that may be given again.
    ///
    /// A damaged snapshot is not believed, nor is an older one, which would have producers refused
    /// for batches that it does not know. Who has nothing in the active segment is then not known,
    /// and may go on with any sequence.
    mutating func recoverProducers(from activeBase: Offset) throws(FileSystemError) {
        if let snapshot = try snapshots.load(atOrBefore: activeBase) {
            producers.load(snapshot)
            let newest = snapshots.offsets.last { $0 <= activeBase }
            let segments = Set(bases)
            try snapshots.remove {
                $0 > activeBase || $0 != newest && !segments.contains($0)
            }
        } else {
            report.producersLost = true
            try snapshots.remove { _ in true }
            producers.noteUnsaved()
        }
    }

    /// The log goes on in a new segment at `offset`: the next start reads no older one.
    mutating func saveProducers(at offset: Offset) throws(FileSystemError) {
        guard producers.isChanged, !producers.isEmpty || snapshots.newest != nil else { return }
        try snapshots.write(producers.snapshot, at: offset)
        producers.noteSaved()
    }
}
