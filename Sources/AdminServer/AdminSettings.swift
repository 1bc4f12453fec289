import BrokerModel

/// What the HTTP listener grants its clients, and how much it tells them.
package struct AdminSettings: Sendable {
    package var connectionsMax = 16
    package var requestTimeout = Duration.seconds(30)
    /// How many partitions have metrics of their own.
    package var metricPartitionsMax = 200

    package init() {}

    package static var keys: [ConfigurationKey<AdminSettings>] {
        let defaults = AdminSettings()
        return [
            .init(
                "http.connections.max",
                \.connectionsMax,
                of: defaults,
                in: 1...1_000,
                "Clients of the admin HTTP served at once; further ones wait."
            ),
            .init(
                "http.request.timeout",
                \.requestTimeout,
                of: defaults,
                in: .milliseconds(100) ... .minutes(10),
                "An admin HTTP connection is closed when its next request and answer take longer."
            ),
            .init(
                "metrics.partitions.max",
                \.metricPartitionsMax,
                of: defaults,
                in: 0...100_000,
                "Partitions with metrics of their own; the rest is one row, `topic=\"(others)\"`."
            ),
        ]
    }
}
