import BrokerModel

/// Both clocks of a machine, standing still until they are moved; the wall clock may also jump.
public struct SimulatedClock: Sendable {
    public private(set) var now = MonotonicTime(nanoseconds: 0)
    public private(set) var wallClock: Timestamp

    public init(wallClock: Timestamp = Timestamp(milliseconds: 1_800_000_000_000)) {
        self.wallClock = wallClock
    }

    /// Moves both clocks forward.
    public mutating func advance(by duration: Duration) {
        precondition(duration >= .zero, "time does not run backwards")
        now = now + duration
        wallClock = Timestamp(milliseconds: wallClock.rawValue + duration.wholeMilliseconds)
    }

    /// Sets the wall clock, as an operator or a time server does; the monotonic one stays.
    public mutating func setWallClock(_ time: Timestamp) { wallClock = time }
}
