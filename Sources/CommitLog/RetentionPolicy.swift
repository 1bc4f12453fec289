import BrokerModel

/// Which segments a log keeps, in Kafka's terms: those whose newest record is not older than
/// `retention.ms`, and of those as many of the newest as `retention.bytes` has room for.
///
/// Always a run of the oldest goes: a log has no holes for the sake of age.
public struct RetentionPolicy: Equatable, Sendable {
    /// What is known of one segment.
    public struct Segment: Equatable, Sendable {
        public let size: ByteCount
        /// Of its newest record; `.none` when no record has a time.
        public let maxTimestamp: Timestamp

        public init(size: ByteCount, maxTimestamp: Timestamp) {
            self.size = size
            self.maxTimestamp = maxTimestamp
        }
    }

    /// How many of the oldest segments go, and why.
    public struct Plan: Equatable, Sendable {
        public var expired = 0
        /// Those that go beyond the expired ones, to make room.
        public var oversize = 0
        public var count: Int { expired + oversize }
    }

    /// Nil keeps for ever.
    public var time: Duration?
    /// Nil is unlimited.
    public var bytes: ByteCount?

    public init(time: Duration?, bytes: ByteCount?) {
        self.time = time
        self.bytes = bytes
    }

    public init(_ settings: TopicSettings) {
        // A log that is only compacted, or that keeps everything, has no old segments.
        let deletes = settings.cleanup.contains(.delete)
        self.init(
            time: deletes ? settings.retentionTime : nil,
            bytes: deletes ? settings.retentionBytes : nil
        )
    }

    public var keepsEverything: Bool { time == nil && bytes == nil }

    /// `segments` is the whole log, oldest first, the active one last. The plan may name that one
    /// too: then it is sealed first, and the log goes on empty. An empty active segment stays.
    public func plan(_ segments: [Segment], now: Timestamp) -> Plan {
        var plan = Plan()
        let deletable =
            segments.last.map { $0.size > .zero } ?? false ? segments.count : segments.count - 1
        while plan.expired < deletable, isExpired(segments[plan.expired], now: now) {
            plan.expired += 1
        }
        guard let bytes else { return plan }
        let kept = segments[plan.expired...]
        var excess = kept.reduce(ByteCount.zero) { $0 + $1.size } - bytes
        while plan.count < deletable, segments[plan.count].size <= excess {
            excess -= segments[plan.count].size
            plan.oversize += 1
        }
        return plan
    }

    /// A segment without a single record holds nothing that could be too young. One whose records
    /// have no times is kept until there is no room.
    private func isExpired(_ segment: Segment, now: Timestamp) -> Bool {
        guard let time else { return false }
        guard segment.size > .zero else { return true }
        guard segment.maxTimestamp > .none else { return false }
        return now.rawValue &- segment.maxTimestamp.rawValue > time.wholeMilliseconds
    }
}
