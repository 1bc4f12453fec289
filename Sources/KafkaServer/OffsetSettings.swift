import BrokerModel
import CommitLog

/// What an operator can set about committed offsets. Kafka's names where Kafka has one.
public struct OffsetSettings: Equatable, Sendable {
    /// Of one offset; in UTF-16 code units, as Kafka counts.
    public var metadataLengthMax = 4_096
    /// How long offsets outlive their group's last member, or their last commit.
    public var retention = Duration.days(7)
    public var retentionCheckInterval = Duration.minutes(10)
    /// How long a commit waits for the log before its client is told to try again.
    public var commitTimeout = Duration.seconds(5)

    public init() {}

    public static var keys: [ConfigurationKey<OffsetSettings>] {
        let defaults = OffsetSettings()
        return [
            .init(
                "offset.metadata.max.bytes",
                \.metadataLengthMax,
                of: defaults,
                in: 0...32_767,
                "A commit that brings more metadata with an offset is refused."
            ),
            .init(
                "offsets.retention.minutes",
                \.retentionText,
                of: defaults,
                allowed: "1s ... 3650d, or minutes",
                "Committed offsets are forgotten so long after their group lost its last member; "
                    + "those of consumers without a group, after the last commit."
            ) { (.seconds(1) ... .days(3_650)).contains($0.duration) },
            .init(
                "offsets.retention.check.interval.ms",
                \.checkText,
                of: defaults,
                allowed: "100ms ... 1d, or milliseconds",
                "How often the broker looks for committed offsets, and groups, that are too old."
            ) { $0.isWithin(.milliseconds(100) ... .days(1)) },
            .init(
                "offsets.commit.timeout.ms",
                \.commitText,
                of: defaults,
                allowed: "100ms ... 1h, or milliseconds",
                "A commit that the log has not kept after this is answered with an error that "
                    + "makes its client try again."
            ) { $0.isWithin(.milliseconds(100) ... .hours(1)) },
        ]
    }

    private var retentionText: MinuteCount {
        get { MinuteCount(duration: retention) }
        set { retention = newValue.duration }
    }
    private var checkText: TimeLimit {
        get { TimeLimit(retentionCheckInterval) }
        set { retentionCheckInterval = newValue.duration ?? retentionCheckInterval }
    }
    private var commitText: TimeLimit {
        get { TimeLimit(commitTimeout) }
        set { commitTimeout = newValue.duration ?? commitTimeout }
    }
}

/// A time as Kafka's keys in `.minutes` have it, a plain number, or with a unit.
struct MinuteCount: ConfigurationValue {
    var duration: Duration

    init(duration: Duration) { self.duration = duration }

    init?(configurationText text: String) {
        if let number = Int64(text) {
            guard (0...5_256_000).contains(number) else { return nil }
            duration = .minutes(number)
        } else {
            guard let time = Duration(configurationText: text), time >= .zero else { return nil }
            duration = time
        }
    }

    var configurationText: String { duration.configurationText }
}
