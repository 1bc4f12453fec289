import BrokerModel

/// What is known of the broker at one moment, as far as its health goes.
package struct HealthFacts: Sendable {
    package enum Phase: String, Sendable {
        case starting, serving, stopping
    }

    package struct Loop: Sendable {
        package var name: String
        /// How long it has been owing an answer.
        package var silence: Duration
        /// It waits for the disk, which no restart makes faster.
        package var isAtDisk: Bool

        package init(name: String, silence: Duration, isAtDisk: Bool = false) {
            self.name = name
            self.silence = silence
            self.isAtDisk = isAtDisk
        }
    }

    package var phase = Phase.starting
    package var loops: [Loop] = []
    /// How long the storage loop has been working at one burst.
    package var diskWork: Duration?
    /// How long the ingest pool has been full while nothing was stored.
    package var ingestStall = Duration.zero
    /// Partitions that take nothing more, and why.
    package var failedPartitions: [(name: String, reason: String)] = []
    package var dataFolder = ""
    /// Nil when it is not known.
    package var diskAvailable: ByteCount?

    package init() {}
}

/// From when on a fact is a trouble.
package struct HealthBounds: Sendable {
    package var loopSilenceMax = Duration.seconds(10)
    package var diskWorkMax = Duration.seconds(10)
    package var ingestStallMax = Duration.seconds(10)
    package var diskAvailableMin = ByteCount.mebibytes(128)

    package init() {}

    package static var keys: [ConfigurationKey<HealthBounds>] {
        let defaults = HealthBounds()
        return [
            .init(
                "health.loop.timeout",
                \.loopSilenceMax,
                of: defaults,
                in: .milliseconds(100) ... .minutes(60),
                "The broker is neither live nor ready while one of its threads does not answer for "
                    + "so long."
            ),
            .init(
                "health.disk.timeout",
                \.diskWorkMax,
                of: defaults,
                in: .milliseconds(100) ... .minutes(60),
                "The broker is not ready while one commit takes longer than this."
            ),
            .init(
                "health.ingest.timeout",
                \.ingestStallMax,
                of: defaults,
                in: .milliseconds(100) ... .minutes(60),
                "The broker is not ready while its memory for records is full, and nothing was "
                    + "stored, for so long."
            ),
            .init(
                "health.disk.free.min",
                \.diskAvailableMin,
                of: defaults,
                in: .zero ... .gibibytes(1_024),
                "The broker is not ready while the disk of its data folder has less room than this."
            ),
        ]
    }
}

/// Sees a pool that is full while nothing moves. Full alone is no trouble: a busy broker's is.
package struct StallWatch: Sendable {
    private var since: MonotonicTime?
    private var progress = 0

    package init() {}

    /// Takes one look; says how long it has been looking like this. `progress` is any number that
    /// changes whenever something was stored.
    package mutating func look(isFull: Bool, progress: Int, now: MonotonicTime) -> Duration {
        defer { self.progress = progress }
        guard isFull, progress == self.progress, let since else {
            since = isFull ? now : nil
            return .zero
        }
        return now - since
    }
}
