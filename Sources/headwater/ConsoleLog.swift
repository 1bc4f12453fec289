import BrokerModel
import Logging
import Posix

/// Writes one line an event to stderr: time, level, what happened, then `key=value` pairs; or all
/// of it as one JSON object.
///
/// Where the system's journal reads stderr, it keeps the time itself and takes the level from a
/// number in front (sd-daemon(3)).
struct ConsoleLog: LogHandler {
    var logLevel: Logger.Level
    var metadata = Logger.Metadata()
    private let format: LoggingSettings.Format
    private let isJournal = StandardStream.error.isJournal

    init(_ settings: LoggingSettings) {
        logLevel = settings.level
        format = settings.format
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let pairs = metadata.merging(event.metadata ?? [:]) { _, new in new }
            .sorted { $0.key < $1.key }
            .map { ($0.key, $0.value.description) }
        let time = utcText(Timestamp(milliseconds: SystemClock.wallMilliseconds))
        let line =
            switch format {
            case .text:
                (isJournal ? "" : "\(time) ") + "\(event.level) \(event.message)"
                    + pairs.map { " \($0)=\(Self.quoted($1))" }.joined()
            case .json: Self.json(time, event, pairs)
            }
        writeStandardError((isJournal ? event.level.journalPrefix : "") + line + "\n")
    }

    /// The fields of an event stand under one key, so that none can hide the others.
    private static func json(
        _ time: String,
        _ event: LogEvent,
        _ pairs: [(String, String)]
    ) -> String {
        let fields = pairs.map { "\(RecordText.quoted($0)):\(RecordText.quoted($1))" }
        return "{\"time\":\"\(time)\",\"level\":\"\(event.level)\",\"event\":"
            + RecordText.quoted("\(event.message)")
            + ",\"fields\":{\(fields.joined(separator: ","))}}"
    }

    /// Quotes what would break the line apart; a peer can choose some of these values.
    private static func quoted(_ text: String) -> String {
        let plain = text.unicodeScalars.allSatisfy { scalar in
            scalar != " " && scalar != "\"" && scalar != "=" && !isControl(scalar)
        }
        if plain, !text.isEmpty { return text }
        return "\""
            + text.unicodeScalars.map { scalar in
                switch scalar {
                case "\"", "\\": "\\\(scalar)"
                case _ where isControl(scalar):
                    "\\u{\(String(scalar.value, radix: 16))}"
                default: String(scalar)
                }
            }.joined() + "\""
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control
    }
}

extension Logger.Level {
    /// syslog's number for the level.
    fileprivate var journalPrefix: String {
        switch self {
        case .trace, .debug: "<7>"
        case .info: "<6>"
        case .notice: "<5>"
        case .warning: "<4>"
        case .error: "<3>"
        case .critical: "<2>"
        }
    }
}
