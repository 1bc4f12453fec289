import BrokerModel

/// What a storage loop has done so far; readable from any thread.
public final class PartitionShardCounters: Sendable {
    /// One burst of requests, from its first append to its replies: what a hanging disk holds up.
    public let work = OperationTimer()
    /// How long the syncs of one commit took, over all partitions that had something to sync.
    public let commits = LatencyHistogram()
    public let batches = Counter()
    public let records = Counter()
    public let bytes = Counter()
    /// Batches that were not appended, whatever the reason.
    public let batchesFailed = Counter()
    /// Batches that were appended, and not synced.
    public let batchesUnsynced = Counter()

    public init() {}
}
