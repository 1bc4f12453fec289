import BrokerModel

/// What a storage loop has done, for metrics, from any thread.
public final class ShardCounters: Sendable {
    public let batches = Counter()
    public let records = Counter()
    /// Of batches as they are stored.
    public let bytes = Counter()
    /// Batches that were refused, or whose write or sync failed.
    public let batchesFailed = Counter()
    /// Group commits that synced something.
    public let commits = Counter()
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

    public init() {}
}
