import BrokerModel

/// How long one group's offsets are kept, by what the group is just now (KIP-211).
public struct OffsetRetention: Equatable, Sendable {
    /// What the time is counted from.
    public enum Start: Equatable, Sendable {
        /// Members read with them: they stay, whatever their age.
        case never
        /// For consumers outside of any group, and for topics that a group reads no more.
        case commit
        /// When the group lost its last member.
        case time(Timestamp)
    }

    public var start: Start
    public var time: Duration
    /// Since when the broker has had a clock that can be right. What is dated before any such
    /// clock, on a box that booted in 1970, is counted from here; nil while there is none.
    public var clockSince: Timestamp?

    public init(start: Start, time: Duration, clockSince: Timestamp?) {
        self.start = start
        self.time = time
        self.clockSince = clockSince
    }

    /// No clock that was ever set says less: 2020-01-01.
    public static let clockMin = Timestamp(milliseconds: 1_577_836_800_000)

    func hasExpired(_ offset: CommittedOffset, now: Timestamp) -> Bool {
        guard let clockSince else { return false }
        let start: Timestamp
        switch self.start {
        case .never: return false
        case .commit: start = offset.commitTimestamp
        case .time(let time): start = time > .none ? time : offset.commitTimestamp
        }
        // A time that its client set holds instead (OffsetCommit before version 5).
        if let end = offset.expireTimestamp, end >= Self.clockMin { return now >= end }
        let since = start >= Self.clockMin ? start : clockSince
        return now.rawValue &- since.rawValue >= time.wholeMilliseconds
    }
}
