/// When subscribers may get what was published.
public enum LiveDelivery: Equatable, Sendable {
    case early
    /// Once the lane's `settled` names the ticket without an error.
    case afterSync(LiveTicket)
}

/// Names a publish whose live delivery waits for its record. They count up.
public struct LiveTicket: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
}
