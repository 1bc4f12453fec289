import BrokerModel
import CommitLog

/// How long partitions remember producers with an id, and how many.
package struct ProducerSettings: Equatable, Sendable {
    package var expiration = Duration.days(1)
    package var checkInterval = Duration.minutes(10)
    /// Of all partitions together; see `ProducerLimit`.
    package var statesMax = 20_000

    package init() {}

    package static var keys: [ConfigurationKey<ProducerSettings>] {
        let defaults = ProducerSettings()
        return [
            .init(
                "producer.id.expiration.ms",
                \.expirationText,
                of: defaults,
                allowed: "1ms ... 3650d, or milliseconds",
                "A partition forgets an idempotent producer that has sent it nothing for this long."
            ) { $0.isWithin(.milliseconds(1) ... .days(3_650)) },
            .init(
                "producer.id.expiration.check.interval.ms",
                \.checkText,
                of: defaults,
                allowed: "10ms ... 1d, or milliseconds",
                "How often partitions look for producers that have sent nothing for long."
            ) { $0.isWithin(.milliseconds(10) ... .days(1)) },
            .init(
                "producer.states.max",
                \.statesMax,
                of: defaults,
                in: 100...10_000_000,
                "How many idempotent producers all partitions remember together; with more, those "
                    + "that were quiet for longest are forgotten."
            ),
        ]
    }

    private var expirationText: TimeLimit {
        get { TimeLimit(expiration) }
        set { expiration = newValue.duration ?? expiration }
    }
    private var checkText: TimeLimit {
        get { TimeLimit(checkInterval) }
        set { checkInterval = newValue.duration ?? checkInterval }
    }
}
