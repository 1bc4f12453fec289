import BrokerModel

/// What an operator can set about consumer groups.
public struct GroupSettings: Equatable, Sendable {
    /// How long a new group waits for its other members before it assigns anything.
    public var initialRebalanceDelay = Duration.milliseconds(500)
    public var sessionTimeoutMin = Duration.seconds(6)
    public var sessionTimeoutMax = Duration.minutes(30)
    public var membersMax = Int(Int32.max)
    public var groupsMax = 10_000

    public init() {}
}
