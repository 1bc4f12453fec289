import BrokerModel
import Synchronization

/// The producers with an id that one partition knows: what makes a batch that is sent again count
/// once (KIP-98). Its log alone changes it; any thread may look.
///
/// A producer that is not known may begin with any sequence (KIP-360): its state may have been
/// expired, pushed out or deleted with the records, and refusing it would stop it for good.
final class ProducerStates: Sendable {
    private struct Known {
        var producers: [Int64: ProducerState] = [:]
        /// Whether it differs from the newest snapshot.
        var isChanged = false
    }

    private let known = Mutex(Known())
    let limit: ProducerLimit

    init(limit: ProducerLimit) { self.limit = limit }

    deinit { removeAll() }

    /// Decides on a batch that is about to go to `offset`, and takes note of it if it may.
    func admit(_ stamp: ProducerStamp, at offset: Offset) -> BatchOutcome {
        known.withLock { known in
            switch Self.verdict(on: stamp, known.producers[stamp.producerID]) {
            case .some(let outcome): return outcome
            case nil:
                note(stamp, at: offset, &known)
                return .appended(offset)
            }
        }
    }

    /// Takes note of a batch that the log holds.
    func replay(_ stamp: ProducerStamp, at offset: Offset) {
        known.withLock { note(stamp, at: offset, &$0) }
    }

    /// Nil when nothing speaks against the batch. A duplicate is looked for first, as it would fail
    /// the rest.
    private static func verdict(
        on stamp: ProducerStamp,
        _ state: ProducerState?
    ) -> BatchOutcome? {
        guard let state, state.epoch >= 0 else { return nil }
        let id = stamp.producerID
        guard stamp.epoch == state.epoch else {
            guard stamp.epoch > state.epoch else {
                let fault = ProducerFault.epochTooOld(
                    producerID: id,
                    epoch: stamp.epoch,
                    last: state.epoch
                )
                return .refused(fault)
            }
            guard stamp.firstSequence == 0 else {
                let fault = ProducerFault.newEpochNotAtZero(
                    producerID: id,
                    sequence: stamp.firstSequence,
                    epoch: stamp.epoch,
                    last: state.epoch
                )
                return .refused(fault)
            }
            return nil
        }
        if let batch = state.batch(first: stamp.firstSequence, last: stamp.lastSequence) {
            return .duplicate(of: batch.firstOffset, time: batch.timestamp)
        }
        let last = state.last?.lastSequence ?? ProducerSequence.none
        guard !ProducerSequence.follows(last, stamp.firstSequence) else { return nil }
        return .refused(.outOfOrder(producerID: id, sequence: stamp.firstSequence, last: last))
    }

    private func note(_ stamp: ProducerStamp, at offset: Offset, _ known: inout Known) {
        known.isChanged = true
        if known.producers[stamp.producerID] == nil {
            add(ProducerState(epoch: stamp.epoch), stamp.producerID, &known)
        }
        let batch = ProducerState.Batch(
            lastSequence: stamp.lastSequence,
            lastOffset: offset + Int(stamp.lastOffsetDelta),
            lastOffsetDelta: stamp.lastOffsetDelta,
            timestamp: stamp.maxTimestamp
        )
        if stamp.isControl {
            known.producers[stamp.producerID]?
                .noteMarker(epoch: stamp.epoch, at: stamp.maxTimestamp)
        } else {
            known.producers[stamp.producerID]?.note(batch, epoch: stamp.epoch)
        }
        if stamp.isTransactional, !stamp.isControl,
            known.producers[stamp.producerID]?.transactionStart == nil
        {
            known.producers[stamp.producerID]?.transactionStart = offset
        }
    }

    // MARK: Bounds

    private func add(_ state: ProducerState, _ producerID: Int64, _ known: inout Known) {
        if limit.isFull(partitionHas: known.producers.count) { pushOut(&known) }
        known.producers[producerID] = state
        limit.noteAdded(producerID)
    }

    /// Forgets those whose last batch lies furthest back: an eighth at a time, so that producers
    /// who come in numbers cost no search each.
    private func pushOut(_ known: inout Known) {
        let oldestFirst = known.producers.filter { $0.value.transactionStart == nil }
            .map { (id: $0.key, offset: $0.value.last?.lastOffset ?? .zero) }
            .sorted { $0.offset < $1.offset }
        let count = max(1, oldestFirst.count / 8)
        for (id, _) in oldestFirst.prefix(count) { known.producers[id] = nil }
        limit.evicted.add(min(count, oldestFirst.count))
        limit.noteRemoved(min(count, oldestFirst.count))
    }

    /// Forgets producers that passes have found idle for as long as `age`. One that comes back is
    /// taken for a new one.
    func expire(after age: Duration, now: MonotonicTime) {
        known.withLock { known in
            guard !known.producers.isEmpty else { return }
            var expired: [Int64] = []
            for (id, state) in known.producers where state.transactionStart == nil {
                if let since = state.idleSince {
                    if now - since >= age { expired.append(id) }
                } else {
                    known.producers[id]?.idleSince = now
                }
            }
            for id in expired { known.producers[id] = nil }
            limit.expired.add(expired.count)
            limit.noteRemoved(expired.count)
        }
    }

    func removeAll() {
        known.withLock { known in
            limit.noteRemoved(known.producers.count)
            known.producers = [:]
        }
    }

    // MARK: For others

    /// By id.
    var entries: [ProducerStateEntry] {
        let producers = known.withLock { $0.producers.map { ($0.key, $0.value) } }
        return producers.sorted { $0.0 < $1.0 }.map { id, state in
            ProducerStateEntry(
                producerID: id,
                epoch: state.epoch,
                lastSequence: state.last?.lastSequence ?? ProducerSequence.none,
                lastTimestamp: state.lastTimestamp,
                coordinatorEpoch: state.coordinatorEpoch,
                transactionStart: state.transactionStart ?? Offset(-1)
            )
        }
    }

    /// Of each producer, where its last record lies: what a cleaning has to leave a trace of.
    var lastOffsets: [Int64: Offset] {
        known.withLock { known in known.producers.compactMapValues { $0.last?.lastOffset } }
    }

    // MARK: Snapshots

    var isEmpty: Bool { known.withLock { $0.producers.isEmpty } }
    var isChanged: Bool { known.withLock { $0.isChanged } }

    /// The newest snapshot says the same.
    func noteSaved() { known.withLock { $0.isChanged = false } }

    /// No snapshot says the same any more.
    func noteUnsaved() { known.withLock { $0.isChanged = true } }

    var snapshot: ProducerSnapshot {
        let producers = known.withLock { $0.producers.map { ($0.key, $0.value) } }
        var snapshot = ProducerSnapshot()
        for (id, state) in producers.sorted(by: { $0.0 < $1.0 }) { snapshot.add(state, of: id) }
        return snapshot
    }

    /// Begins with what a snapshot says.
    func load(_ snapshot: ProducerSnapshot) {
        known.withLock { known in
            for entry in snapshot.entries {
                var state = known.producers[entry.producerID] ?? ProducerState(epoch: entry.epoch)
                entry.apply(to: &state)
                if known.producers[entry.producerID] == nil {
                    add(state, entry.producerID, &known)
                } else {
                    known.producers[entry.producerID] = state
                }
            }
        }
    }
}
