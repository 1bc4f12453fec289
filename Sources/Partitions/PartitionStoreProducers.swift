import BrokerModel
import CommitLog

// What a store does for producers with an id: it gives the ids, and forgets who is silent.
extension PartitionStore {
    /// How many ids one record in the metadata log pays for. A stop loses those that were not given.
    private static let producerIDBlock: Int64 = 1_000
    /// A higher id in a partition was never given by a broker.
    private static let producerIDMax = Int64(1) << 62

    /// As `append`, for batches of which some may carry a producer id: each is checked by itself.
    /// See `PartitionLog.append(checking:outcomes:now:)`.
    public func append(
        checking batches: UnsafeMutableRawBufferPointer,
        to partition: PartitionHandle,
        outcomes: inout [BatchOutcome],
        now: Timestamp
    ) throws(CommitLogError) -> PartitionLog.AppendedRange? {
        let log = try touch(partition)
        return try log.append(checking: batches, outcomes: &outcomes, now: now)
    }

    /// Takes a block of producer ids that were never given, and never will be again: that is durable
    /// when it returns.
    public func allocateProducerIDs(
        now: StorageMoment = .unknown
    ) throws(PartitionStoreError) -> Range<Int64> {
        let metadata = try writableMetadata()
        let first = nextProducerID
        guard first <= Self.producerIDMax else { throw .closed }
        let next = first + Self.producerIDBlock
        try commit(to: metadata, now: now) {
            [.producerIDs(node: identity.nodeID, next: next)]
        }
        nextProducerID = next
        return first..<next
    }

    /// Finds where new ids begin. Where the metadata log has never said so, or was lost, the
    /// partitions know which were in use.
    func resumeProducerIDs(_ known: ClusterMetadata) {
        let highest = producerLimit.highestID
        let inUse = highest < Self.producerIDMax ? highest + 1 : 0
        nextProducerID = known.nextProducerID ?? inUse
    }

    /// Forgets the producers that have sent nothing for `age`.
    public func expireProducers(after age: Duration, now: MonotonicTime) {
        for partition in partitions { partition.log.expireProducers(after: age, now: now) }
    }
}
