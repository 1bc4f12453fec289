import BrokerModel
import Foundation
import Logging
import Posix

/// Writes one line an event to stderr: time, level, what happened, then `key=value` pairs.
struct ConsoleLog: LogHandler {
    var logLevel = Logger.Level.info
    var metadata = Logger.Metadata()

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let time = utcText(Timestamp(milliseconds: SystemClock.wallMilliseconds))
        var line = "\(time) \(event.level) \(event.message)"
        let pairs = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (key, value) in pairs.sorted(by: { $0.key < $1.key }) {
            line += " \(key)=\(Self.quoted(value.description))"
        }
        writeStandardError(line + "\n")
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

/// `2026-11-21T04:58:49.123Z`
func utcText(_ time: Timestamp) -> String {
    // The fraction is appended as digits: as part of a Double it may round down.
    let millisecond = (time.rawValue % 1_000 + 1_000) % 1_000
    let second = time.rawValue / 1_000 - (time.rawValue % 1_000 < 0 ? 1 : 0)
    let text = Date(timeIntervalSince1970: Double(second)).formatted(Date.ISO8601FormatStyle())
    return text.dropLast() + String(format: ".%03dZ", Int(millisecond))
}
