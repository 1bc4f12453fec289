import Foundation
import Posix

/// One microbenchmark's finding.
struct Measurement: Codable {
    /// module/operation/shape
    var name: String
    var nanosecondsPerOperation: Double
    var operationsPerSecond: Double
    var bytesPerSecond: Double?
}

/// Runs microbenchmarks whose name holds `filter`. Each round's answer is checked by its body,
/// which traps on a wrong one: wrong and fast is not fast.
final class Measurements {
    private let filter: String
    private let roundSeconds: Double
    private(set) var found: [Measurement] = []

    init(filter: String, roundSeconds: Double) {
        self.filter = filter
        self.roundSeconds = roundSeconds
    }

    /// `body` does `operations` operations, over `bytes` bytes if that means something. It runs
    /// once to warm up, then for three rounds, of which the median counts.
    func measure(
        _ name: String,
        operations: Int,
        bytes: Int? = nil,
        _ body: () throws -> Void
    ) rethrows {
        guard filter.isEmpty || name.contains(filter) else { return }
        try body()
        var rounds: [Double] = []
        for _ in 0..<3 {
            var done = 0
            let start = SystemClock.monotonicNanoseconds
            let end = start + Int64(roundSeconds * 1e9)
            repeat {
                try body()
                done += operations
            } while SystemClock.monotonicNanoseconds < end
            rounds.append(Double(SystemClock.monotonicNanoseconds - start) / Double(done))
        }
        let median = rounds.sorted()[1]
        found.append(
            Measurement(
                name: name,
                nanosecondsPerOperation: median,
                operationsPerSecond: 1e9 / median,
                bytesPerSecond: bytes.map { Double($0) / Double(operations) * 1e9 / median }
            )
        )
    }
}

/// Stops everything when a benchmark did not do its work.
func checkAnswer(_ isRight: Bool) { precondition(isRight, "a benchmark's answer is right") }
