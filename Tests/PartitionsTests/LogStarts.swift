import BrokerModel
import CommitLog

/// The log start never moves back, and never past a record that retention has to keep.
enum LogStarts {
    static func check(_ history: PartitionHistory, logStart: Offset) throws(Violation) {
        guard logStart >= history.logStart else {
            throw Violation(
                promise: .logStart,
                what: "the log starts at \(logStart.rawValue), and did at "
                    + "\(history.logStart.rawValue)"
            )
        }
        guard logStart <= history.expendable else {
            throw Violation(
                promise: .p1,
                what: "the log starts at \(logStart.rawValue), but everything from "
                    + "\(history.expendable.rawValue) on is to be kept"
            )
        }
        history.logStart = logStart
    }
}
