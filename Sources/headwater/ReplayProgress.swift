import Foundation
import Posix

/// What a replay has done so far, and how it says so on stderr.
struct ReplayProgress {
    private static let reasonsShown = 5
    private static let interval: Int64 = 2_000_000_000

    /// Rows read, the skipped ones among them.
    var rows = 0
    /// Rows with a time before that of an earlier row.
    var outOfOrder = 0
    var bytes = 0
    var size: Int?
    private let start: Int64
    /// False at QoS 0.
    private let isAcknowledged: Bool
    private var nextShown: Int64
    private var skipped = 0
    private var reasons: [(line: Int, reason: String)] = []

    init(start: Int64, isAcknowledged: Bool) {
        self.start = start
        self.isAcknowledged = isAcknowledged
        nextShown = start + Self.interval
    }

    mutating func skip(_ line: Int, _ reason: String) {
        skipped += 1
        if reasons.count < Self.reasonsShown { reasons.append((line, reason)) }
    }

    var isDue: Bool { SystemClock.monotonicNanoseconds >= nextShown }

    mutating func show(published: Int, acknowledged: Int) {
        let now = SystemClock.monotonicNanoseconds
        nextShown = now + Self.interval
        let seconds = Double(now - start) / 1e9
        var line = "\(rows) rows read, \(published) published, "
        if isAcknowledged { line += "\(acknowledged) acknowledged, " }
        line += "\(Int(Double(rows) / max(seconds, 1e-3))) rows/s"
        if let size, bytes > 0, bytes <= size {
            let left = seconds * Double(size - bytes) / Double(bytes)
            line += ", \(bytes * 100 / size) %, about \(Self.text(seconds: left)) left"
        }
        writeStandardError(line + "\n")
    }

    /// The exact counts, and why rows were skipped.
    func finish(published: Int, acknowledged: Int) {
        let seconds = Double(SystemClock.monotonicNanoseconds - start) / 1e9
        var text = "\(rows) rows read, \(published) published"
        text += isAcknowledged ? ", \(acknowledged) acknowledged" : " at QoS 0"
        text += ", \(skipped) skipped in \(String(format: "%.1f", seconds)) s\n"
        if outOfOrder > 0 {
            text += "\(outOfOrder) rows were older than a row before them and went out at once\n"
        }
        for (line, reason) in reasons { text += "skipped line \(line): \(reason)\n" }
        if skipped > reasons.count { text += "and \(skipped - reasons.count) more\n" }
        writeStandardError(text)
    }

    private static func text(seconds: Double) -> String {
        let whole = Int(min(seconds, 1e9))
        if whole < 60 { return "\(whole) s" }
        if whole < 3_600 { return "\(whole / 60) min" }
        return "\(whole / 3_600) h \(whole / 60 % 60) min"
    }
}
