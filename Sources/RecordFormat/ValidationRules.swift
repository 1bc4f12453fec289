import BrokerModel

/// What a topic asks of the batches that producers send to it, beyond that they are right.
public struct ValidationRules: Sendable {
    /// With `logAppendTime` the records' own times mean nothing, and are not looked at.
    public var timestampType = TimestampType.createTime
    /// The range of `createTime`s, ends included; a record without a time is always in it.
    public var timestamps = Timestamp(rawValue: .min)...Timestamp(rawValue: .max)
    /// True on a compacted topic.
    public var needsKeys = false
    public var allowsTransactions = false
    /// What the records of one batch may take once decompressed.
    public var decompressedBytesMax = ByteCount.mebibytes(64)

    public init() {}
}
