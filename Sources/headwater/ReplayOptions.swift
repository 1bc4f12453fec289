import ArgumentParser
import Foundation

/// How `headwater demo --replay` reads a recording and publishes it.
struct ReplayOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Publish a recording, CSV with a header line or one JSON object a line. - is stdin.",
            valueName: "FILE"
        )
    )
    var replay: String?

    @Option(
        help: ArgumentHelp(
            "MQTT topic; {column} is the row's value there. Default: replay/ and the file's name.",
            valueName: "TEMPLATE"
        )
    )
    var topic: String?

    @Option(
        help: ArgumentHelp(
            "The column with each row's time. Default: ts, time, timestamp and the like.",
            valueName: "COLUMN"
        )
    )
    var timeColumn: String?

    @Option(
        help: ArgumentHelp(
            "rfc3339, datetime (YYYY-MM-DD HH:MM:SS, UTC), s, ms, us or ns since 1970, or auto.",
            valueName: "FORMAT"
        )
    )
    var timeFormat = ReplayTimeFormat.Choice.auto

    @Option(
        help: ArgumentHelp(
            "recorded, a factor such as 10 or 0.5, or max: as fast as the broker acknowledges.",
            valueName: "SPEED"
        )
    )
    var speed: ReplaySpeed?

    @Option(
        help: ArgumentHelp(
            "Publish this column alone. Default: the whole row as JSON.",
            valueName: "COLUMN"
        )
    )
    var payload: String?

    @Option(help: ArgumentHelp("0 or 1; 1 waits for every acknowledgement.", valueName: "QOS"))
    var qos: Int?

    @Flag(help: "Begin again at the file's end, until Ctrl-C or --duration.")
    var loop = false

    func validate() throws {
        if qos == 2 {
            throw ValidationError(
                "--qos takes 0 or 1: a replay does not reconnect, so 2 would promise no more"
            )
        }
        if let qos, qos != 0, qos != 1 { throw ValidationError("--qos takes 0 or 1") }
        if let topic {
            do throws(ReplayTemplateError) {
                _ = try ReplayTemplate(topic)
            } catch {
                throw ValidationError("--topic \(topic): \(error)")
            }
        }
        if loop, replay == "-" { throw ValidationError("--loop needs a file: stdin comes once") }
        let isUsed =
            topic != nil || timeColumn != nil || speed != nil || payload != nil || qos != nil
            || loop || timeFormat != .auto
        if replay == nil, isUsed {
            throw ValidationError(
                "--topic, --time-column, --time-format, --speed, --payload, --qos and --loop "
                    + "belong to --replay FILE"
            )
        }
    }

    /// The template of `--topic`, or what the file's name makes.
    func template(for path: String) -> ReplayTemplate {
        if let topic, let template = try? ReplayTemplate(topic) { return template }
        let name = path == "-" ? "stdin" : URL(fileURLWithPath: path).lastPathComponent
        let stem = name.split(separator: ".").first.map(String.init) ?? name
        return ReplayTemplate(literal: "replay/" + ReplayTemplate.level(stem))
    }
}

/// How fast the rows follow each other.
enum ReplaySpeed: ExpressibleByArgument, Equatable {
    /// Recorded time runs so many times as fast.
    case factor(Double)
    case max

    init?(argument: String) {
        switch argument {
        case "recorded": self = .factor(1)
        case "max": self = .max
        default:
            guard let factor = Double(argument), factor > 0, factor.isFinite else { return nil }
            self = .factor(factor)
        }
    }
}
