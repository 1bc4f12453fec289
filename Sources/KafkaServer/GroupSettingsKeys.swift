import BrokerModel
import CommitLog
import KafkaSessions

extension GroupSettings {
    static var keys: [ConfigurationKey<GroupSettings>] {
        let defaults = GroupSettings()
        return [
            .init(
                "group.initial.rebalance.delay.ms",
                \.delayText,
                of: defaults,
                allowed: "0 ... 5min, or milliseconds",
                "A new consumer group waits this long for its next member before it shares out "
                    + "partitions."
            ) { $0.isWithin(.zero ... .minutes(5)) },
            .init(
                "group.min.session.timeout.ms",
                \.timeoutMinText,
                of: defaults,
                allowed: "1ms ... 24d, or milliseconds",
                "A group's member that asks for a shorter session timeout is refused."
            ) { $0.isWithin(.milliseconds(1) ... .days(24)) },
            .init(
                "group.max.session.timeout.ms",
                \.timeoutMaxText,
                of: defaults,
                allowed: "1ms ... 24d, or milliseconds",
                "A group's member that asks for a longer session timeout is refused."
            ) { $0.isWithin(.milliseconds(1) ... .days(24)) },
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

    private var delayText: TimeLimit {
        get { TimeLimit(initialRebalanceDelay) }
        set { initialRebalanceDelay = newValue.duration ?? initialRebalanceDelay }
    }

    private var timeoutMinText: TimeLimit {
        get { TimeLimit(sessionTimeoutMin) }
        set { sessionTimeoutMin = newValue.duration ?? sessionTimeoutMin }
    }

    private var timeoutMaxText: TimeLimit {
        get { TimeLimit(sessionTimeoutMax) }
        set { sessionTimeoutMax = newValue.duration ?? sessionTimeoutMax }
    }
}
