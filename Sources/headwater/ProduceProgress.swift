import BrokerModel
import Foundation
import Posix

/// What a `headwater produce` has done so far, and how it says so on stderr.
struct ProduceProgress {
    private static let interval: Int64 = 2_000_000_000

    /// Sent with `acks=0`, and not known to have been taken.
    var unconfirmed = 0
    private var acknowledged = 0
    private var taken = 0
    private var offsets: [Int32: (records: Int, last: Int64)] = [:]
    private let size: Int?
    private let start = SystemClock.monotonicNanoseconds
    private var nextShown = SystemClock.monotonicNanoseconds + Self.interval

    init(size: Int?) { self.size = size }

    mutating func acknowledge(_ records: Int, in partition: Int32, from offset: Offset) {
        acknowledged += records
        let known = offsets[partition]?.records ?? 0
        offsets[partition] = (known + records, (offset + records).rawValue - 1)
    }

    mutating func confirm() {
        taken += unconfirmed
        unconfirmed = 0
    }

    mutating func showIfDue(bytesRead: Int) {
        let now = SystemClock.monotonicNanoseconds
        guard now >= nextShown else { return }
        nextShown = now + Self.interval
        var line = "\(acknowledged + unconfirmed) records"
        if let size, size > 0 { line += ", \(min(100, bytesRead * 100 / size)) %" }
        writeStandardError(line + "\n")
    }

    var summary: String {
        let seconds = Double(SystemClock.monotonicNanoseconds - start) / 1e9
        var text = "\(acknowledged) records acknowledged"
        if taken > 0 { text = "\(taken) records taken, none acknowledged (--acks 0)" }
        if unconfirmed > 0 { text += ", \(unconfirmed) sent with an unknown outcome" }
        return text + String(format: " in %.1f s", seconds)
    }

    func json(topic: String) -> String {
        let partitions = offsets.sorted { $0.key < $1.key }.map { index, done in
            "{\"partition\":\(index),\"records\":\(done.records),\"last_offset\":\(done.last)}"
        }
        return "{\"topic\":\(RecordText.quoted(topic)),\"acknowledged\":\(acknowledged),"
            + "\"taken\":\(taken),\"unknown\":\(unconfirmed),"
            + "\"partitions\":\(TopicText.array(partitions))}"
    }
}
