import BrokerModel
import Foundation
import MQTTWire
import Posix

/// A recording while it is replayed: rows in, publishes out, at the recording's own pace or
/// another.
struct ReplayRun {
    private let options: ReplayOptions
    private let path: String
    private let template: ReplayTemplate
    private let speed: ReplaySpeed
    private let end: Int64
    private let stopping: Signals
    private var publisher: ReplayPublisher
    private var clock: ReplayClock?
    private var timeColumn = ""
    private var progress: ReplayProgress
    private var signalCame = false

    init(
        _ options: ReplayOptions,
        path: String,
        duration: Double?,
        to address: SocketAddress
    ) throws(MQTTClientError) {
        self.options = options
        self.path = path
        template = options.template(for: path)
        speed = options.speed ?? .factor(1)
        stopping = [.interrupt, .terminate]
        stopping.block()
        let start = SystemClock.monotonicNanoseconds
        end = duration.map { start + Int64($0 * 1e9) } ?? .max
        progress = ReplayProgress(start: start, isAcknowledged: options.qos != 0)
        let client = try MQTTClient(
            to: address,
            clientIdentifier: "replay-\(SystemProcess.id)"
        )
        publisher = ReplayPublisher(client, qos: options.qos == 0 ? .atMostOnce : .atLeastOnce)
    }

    /// Publishes the whole recording, and returns once all of it is acknowledged.
    mutating func run() throws {
        do {
            repeat { try replayOnce() } while options.loop && !isOver
            try publisher.finish()
        } catch {
            if progress.rows > 0 { report() }
            throw error
        }
        report()
        if publisher.refused > 0 {
            let reason = publisher.refusal.map { "\($0)" } ?? ""
            throw Failure.cannotConnect(
                "the broker refused \(publisher.refused) rows, the last as \(reason); what does "
                    + "its log say?"
            )
        }
        guard publisher.published > 0 || progress.rows == 0 else {
            throw Failure.unusable("--replay \(path): no row could be published")
        }
    }

    private var isOver: Bool { signalCame || SystemClock.monotonicNanoseconds >= end }

    private mutating func replayOnce() throws {
        let stopping = stopping
        let end = end
        let source = try ReplaySource(path: path) {
            let signal = try? stopping.wait(timeout: .zero)
            return signal != nil || SystemClock.monotonicNanoseconds >= end
        }
        var reader = try ReplayReader(source, path: path)
        try check(reader.columns)
        clock = nil
        while !isOver, let outcome = try next(&reader, source) {
            progress.rows += 1
            switch outcome {
            case .bad(let line, let reason): progress.skip(line, reason)
            case .row(let row): try replay(row)
            }
            progress.bytes = source.bytesTaken
            progress.size = source.size
            // At full speed nothing else looks for a signal.
            if progress.rows & 255 == 0 { lookForSignal() }
            if progress.isDue { showProgress() }
        }
        if source.wasInterrupted { signalCame = true }
    }

    /// A pipe that has nothing more right now must not keep back what came before.
    private mutating func next(
        _ reader: inout ReplayReader,
        _ source: ReplaySource
    ) throws -> ReplayReader.Outcome? {
        if source.isDrained { try publisher.send() }
        return try reader.next()
    }

    private mutating func lookForSignal() {
        let signal = try? stopping.wait(timeout: .zero)
        if signal != nil { signalCame = true }
    }

    private mutating func showProgress() {
        progress.show(published: publisher.published, acknowledged: publisher.acknowledged)
    }

    // MARK: Columns

    private mutating func check(_ columns: [String]) throws(Failure) {
        // Of NDJSON whose first line is broken no column is known yet; each row is checked anyway.
        guard !columns.isEmpty else {
            timeColumn = options.timeColumn ?? "ts"
            return
        }
        let named = template.columns + [options.timeColumn, options.payload].compactMap { $0 }
        for column in named where !columns.contains(column) {
            throw .usage(
                "--replay \(path) has no column '\(column)'; it has "
                    + columns.map { "'\($0)'" }.joined(separator: ", ")
            )
        }
        guard speed != .max else { return }
        guard let column = options.timeColumn ?? ReplayClock.timeColumn(among: columns) else {
            throw .usage(
                "--replay \(path): none of its columns looks like a time ("
                    + columns.map { "'\($0)'" }.joined(separator: ", ")
                    + "); name one with --time-column, or use --speed max"
            )
        }
        timeColumn = column
    }

    // MARK: Rows

    private mutating func replay(_ row: ReplayRow) throws {
        let topic: String
        do throws(ReplayTemplateError) {
            topic = try template.topic { row.text($0) }
        } catch {
            return progress.skip(row.line, "\(error)")
        }
        guard let payload = payload(of: row) else { return }
        if case .factor(let factor) = speed {
            guard let due = due(row, factor) else { return }
            guard try wait(until: due) else { return progress.rows -= 1 }
        }
        try publisher.publish(topic, payload, Self.properties(isJSON: options.payload == nil))
    }

    private mutating func payload(of row: ReplayRow) -> String? {
        guard let column = options.payload else { return row.json }
        guard let text = row.text(column) else {
            progress.skip(row.line, "no value in column '\(column)'")
            return nil
        }
        return text
    }

    private static func properties(isJSON: Bool) -> Properties {
        var properties = Properties()
        properties.append(.payloadFormatIndicator, 1)
        if isJSON { properties.append(.contentType, Text("application/json")) }
        return properties
    }

    // MARK: Time

    /// When a row is due; nil, and counted, when it has no time that can be read.
    private mutating func due(_ row: ReplayRow, _ factor: Double) -> Int64? {
        guard let text = row.text(timeColumn), !text.isEmpty else {
            progress.skip(row.line, "no time in column '\(timeColumn)'")
            return nil
        }
        if clock == nil {
            clock = ReplayClock(
                firstTime: text,
                format: options.timeFormat.format,
                factor: factor,
                start: SystemClock.monotonicNanoseconds
            )
        }
        guard let due = clock?.due(text) else {
            progress.skip(row.line, "'\(text.prefix(40))' in column '\(timeColumn)' is no time")
            return nil
        }
        if due.isLate { progress.outOfOrder += 1 }
        return due.time
    }

    /// False when the replay is to end before that.
    private mutating func wait(until due: Int64) throws -> Bool {
        guard due > SystemClock.monotonicNanoseconds else { return true }
        try publisher.send()
        while true {
            try publisher.settle()
            let now = SystemClock.monotonicNanoseconds
            guard now < end else { return false }
            guard now < due else { return true }
            let left = min(due, end) - now
            let signal = try? stopping.wait(timeout: .nanoseconds(min(left, 500_000_000)))
            if signal != nil {
                signalCame = true
                return false
            }
            if progress.isDue { showProgress() }
        }
    }

    private func report() {
        progress.finish(published: publisher.published, acknowledged: publisher.acknowledged)
    }
}
