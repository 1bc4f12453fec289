import BrokerModel
import CommitLog

/// Syncs that no publisher waits for, because a topic wants them (`flush.messages`, `flush.ms`).
extension PartitionStore {
    /// Called after each append.
    @inline(__always)
    func noteFlush(of handle: PartitionHandle, _ log: PartitionLog) {
        if log.isFlushDue {
            syncNext(handle)
            isFlushDue = true
        }
        guard let age = log.flushAge else { return }
        unflushed.insert(handle)
        flushAge = min(flushAge ?? age, age)
    }

    /// Has the next commit sync what has waited for `flushAge`.
    func flush() {
        for handle in unflushed where partition(handle)?.log.isDirty ?? false { syncNext(handle) }
        unflushed.removeAll(keepingCapacity: true)
        flushAge = nil
    }
}
