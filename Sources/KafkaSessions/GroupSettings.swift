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

    public static var keys: [ConfigurationKey<GroupSettings>] {
        let defaults = GroupSettings()
        return [
            .init(
                "group.initial.rebalance.delay.ms",
                \.initialRebalanceDelay,
                of: defaults,
                in: .zero ... .minutes(5),
                "A new consumer group waits this long for its next member before it shares out "
                    + "partitions."
            ),
            .init(
                "group.min.session.timeout.ms",
                \.sessionTimeoutMin,
                of: defaults,
                in: .milliseconds(1) ... .days(24),
                "A group's member that asks for a shorter session timeout is refused."
            ),
            .init(
                "group.max.session.timeout.ms",
                \.sessionTimeoutMax,
                of: defaults,
                in: .milliseconds(1) ... .days(24),
                "A group's member that asks for a longer session timeout is refused."
            ),
            .init(
                "group.max.size",
                \.membersMax,
                of: defaults,
                in: 1...Int(Int32.max),
                "A consumer group takes no more members than this."
            ),
            .init(
                "groups.max",
                \.groupsMax,
                of: defaults,
                in: 1...1_000_000,
                "With so many consumer groups, those that would be new are refused."
            ),
        ]
    }
}
