/// A wall-clock time in milliseconds since 1970, as Kafka's records carry it.
@frozen public struct Timestamp: RawRepresentable, Hashable, Comparable, Sendable {
    public var rawValue: Int64

    @inlinable public init(rawValue: Int64) { self.rawValue = rawValue }
    @inlinable public init(milliseconds: Int64) { rawValue = milliseconds }

    /// Kafka's «no timestamp».
    public static let none = Timestamp(milliseconds: -1)

    @inlinable public static func < (a: Timestamp, b: Timestamp) -> Bool {
        a.rawValue < b.rawValue
    }
}

/// A monotonic time in nanoseconds since an arbitrary start: for timers, never for records.
@frozen public struct MonotonicTime: RawRepresentable, Hashable, Comparable, Sendable {
    public var rawValue: Int64

    @inlinable public init(rawValue: Int64) { self.rawValue = rawValue }
    @inlinable public init(nanoseconds: Int64) { rawValue = nanoseconds }

    @inlinable public static func < (a: MonotonicTime, b: MonotonicTime) -> Bool {
        a.rawValue < b.rawValue
    }
    @inlinable public static func + (a: MonotonicTime, b: Duration) -> MonotonicTime {
        MonotonicTime(nanoseconds: a.rawValue &+ b.nanoseconds)
    }
    @inlinable public static func - (a: MonotonicTime, b: MonotonicTime) -> Duration {
        .nanoseconds(a.rawValue &- b.rawValue)
    }
}

extension Duration {
    /// Whole nanoseconds, held at the end of the range instead of overflowing.
    public var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min / 4 : .max / 4 }
        return max(.min / 4, min(.max / 4, whole)) &+ attoseconds / 1_000_000_000
    }

    /// Held at the end of the range as well.
    public var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        guard !overflow else { return seconds < 0 ? .min / 4 : .max / 4 }
        return whole &+ attoseconds / 1_000_000_000_000_000
    }

    public static func minutes(_ count: Int64) -> Duration { .seconds(60 * count) }
    public static func hours(_ count: Int64) -> Duration { .seconds(3_600 * count) }
    public static func days(_ count: Int64) -> Duration { .seconds(86_400 * count) }
}
