import BrokerModel
import Logging

/// What an operator can set about the broker's own log. The names keep clear of Kafka's `log.*`,
/// which are about records.
struct LoggingSettings: Sendable {
    enum Format: String, Sendable {
        case text, json
    }

    var level = Logger.Level.info
    var format = Format.text

    static var keys: [ConfigurationKey<LoggingSettings>] {
        let defaults = LoggingSettings()
        return [
            .init(
                "logging.level",
                \.levelName,
                of: defaults,
                allowed: Logger.Level.allCases.map(\.rawValue).joined(separator: " | "),
                "The least level of the broker's own log lines, on stderr."
            ) { Logger.Level(rawValue: $0) != nil },
            .init(
                "logging.format",
                \.formatName,
                of: defaults,
                allowed: "text | json",
                "One line an event either way."
            ) { Format(rawValue: $0) != nil },
        ]
    }

    /// As Kafka's tools call it.
    var kafkaLevel: String {
        switch level {
        case .trace: "TRACE"
        case .debug: "DEBUG"
        case .info, .notice: "INFO"
        case .warning: "WARN"
        case .error: "ERROR"
        case .critical: "FATAL"
        }
    }

    private var levelName: String {
        get { level.rawValue }
        set { level = Logger.Level(rawValue: newValue) ?? level }
    }

    private var formatName: String {
        get { format.rawValue }
        set { format = Format(rawValue: newValue) ?? format }
    }
}
