import BrokerModel
import CommitLog

// What a store does for producers with an id: it gives the ids, and forgets who is silent.
extension PartitionStore {
    /// How many ids one record in the metadata log pays for. A stop loses those that were not
    /// given.
    private static let producerIDBlock: Int64 = 1_000

    /// As `append`, for batches of which some may carry a producer id: each is checked by itself.
    /// See `PartitionLog.append(checking:outcomes:now:)`.
    public func append(
        checking batches: UnsafeMutableRawBufferPointer,
        to partition: PartitionHandle,
        outcomes: inout [BatchOutcome],
        now: Timestamp
    ) throws(CommitLogError) -> PartitionLog.AppendedRange? {
        let log = try touch(partition)
        let range = try log.append(checking: batches, outcomes: &outcomes, now: now)
        noteFlush(of: partition, log)
        return range
    }

    /// Takes a block of producer ids that were never given, and never will be again: that is
    /// durable when it returns.
    public func allocateProducerIDs(
        now: StorageMoment = .unknown
    ) throws(PartitionStoreError) -> Range<Int64> {
        let metadata = try writableMetadata()
        let first = nextProducerID
        let next = first + Self.producerIDBlock
        guard next < ProducerLimit.idEnd else { throw .closed }
        try commit(to: metadata, now: now) {
            [.producerIDs(node: identity.nodeID, next: next)]
        }
        nextProducerID = next
        return first..<next
    }

    /// Finds where new ids begin. Where the metadata log has never said so, or was lost, the
    /// partitions know which were in use.
    func resumeProducerIDs(_ known: ClusterMetadata) {
        nextProducerID = known.nextProducerID ?? producerLimit.highestID + 1
    }

    /// Forgets the producers that have sent nothing for `age`.
    public func expireProducers(after age: Duration, now: MonotonicTime) {
        for partition in partitions { partition.log.expireProducers(after: age, now: now) }
    }
}
