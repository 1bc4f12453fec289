import BrokerModel

/// Where a group goes on reading a partition.
public struct CommittedOffset: Equatable, Sendable {
    public var offset: Offset
    /// The epoch of the last record that was read, `.none` when the client did not say.
    public var leaderEpoch: LeaderEpoch
    /// What the client wants to keep beside it.
    public var metadata: String
    public var commitTimestamp: Timestamp
    /// When the client wants it forgotten, for versions of OffsetCommit that let it say so.
    public var expireTimestamp: Timestamp?
    /// The topic that was read, which another of the same name is not; nil where nobody knew.
    public var topicID: UUIDBytes?

    public init(
        offset: Offset,
        leaderEpoch: LeaderEpoch = .none,
        metadata: String = "",
        commitTimestamp: Timestamp,
        expireTimestamp: Timestamp? = nil,
        topicID: UUIDBytes? = nil
    ) {
        self.offset = offset
        self.leaderEpoch = leaderEpoch
        self.metadata = metadata
        self.commitTimestamp = commitTimestamp
        self.expireTimestamp = expireTimestamp
        self.topicID = topicID
    }
}
