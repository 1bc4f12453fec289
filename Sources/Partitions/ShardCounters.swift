import BrokerModel

/// What a storage loop has done, for metrics, from any thread.
public final class ShardCounters: Sendable {
    public let batches = Counter()
    public let records = Counter()
    /// Of batches as they are stored.
    public let bytes = Counter()
    /// Batches that were not appended, whatever the reason.
    public let batchesFailed = Counter()
    /// Batches that were appended, and not synced.
    public let batchesUnsynced = Counter()
    /// Written and not synced, over all partitions.
    public let unsyncedBytes = Gauge()
    /// One burst of requests, from its first append to its replies: what a hanging disk holds up.
    public let work = OperationTimer()
    /// How long the syncs of one commit took, over all partitions that had something to sync.
    public let commits = LatencyHistogram()
    /// From a batch's request to its answer: waiting, writing and syncing, as publishers feel it.
    public let appends = LatencyHistogram()
    public let commitsFailed = Counter()
    /// Records whose publishers did not wait for the sync that then failed: QoS 0.
    public let unacknowledgedRecordsLost = Counter()
    public let topicsCreated = Counter()
    public let topicsDeleted = Counter()
    /// Segments that retention deleted because of their age, or for want of room.
    public let segmentsExpired = Counter()
    public let segmentsOversize = Counter()
    public let bytesRetired = Counter()
    public let retentionFailures = Counter()
    /// Gaps that unclean starts have left, and that were recorded.
    public let gaps = Counter()
    public let cleaner = LogCleanerCounters()
    /// Batches of idempotent producers that were stored already, and that were refused.
    public let duplicates = Counter()
    public let sequencesRefused = Counter()
    public let epochsRefused = Counter()
    public let producerIDsAllocated = Counter()

    public init() {}
}
