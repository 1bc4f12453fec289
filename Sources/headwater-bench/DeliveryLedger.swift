/// What one reader got of each publisher's messages 0, 1, 2, ...: each once, in order, none
/// missing.
struct DeliveryLedger {
    private struct Line {
        var next = 0
        /// Passed over, and not seen since.
        var missing: Set<Int> = []
    }

    /// A reader that misses more of one publisher's messages is not told them one by one.
    private static let missingMax = 1 << 20

    private var lines: [Line]
    private(set) var received = 0
    private(set) var duplicates = 0
    /// Came behind a later one of the same publisher.
    private(set) var outOfOrder = 0

    init(publishers: Int) { lines = .init(repeating: Line(), count: publishers) }

    /// Different messages seen.
    var distinct: Int { received - duplicates }

    @inline(__always)
    mutating func record(publisher: Int, sequence: Int) {
        received &+= 1
        if lines[publisher].next == sequence {
            lines[publisher].next = sequence &+ 1
        } else {
            recordUnexpected(publisher, sequence)
        }
    }

    /// How many of a publisher's first `count` messages never came.
    func missing(publisher: Int, of count: Int) -> Int {
        let line = lines[publisher]
        return max(0, count - line.next) + line.missing.count { $0 < count }
    }

    private mutating func recordUnexpected(_ publisher: Int, _ sequence: Int) {
        let next = lines[publisher].next
        if sequence > next {
            let gap = next..<min(sequence, next + Self.missingMax)
            lines[publisher].missing.formUnion(gap)
            lines[publisher].next = sequence + 1
        } else if lines[publisher].missing.remove(sequence) != nil {
            outOfOrder += 1
        } else {
            duplicates += 1
        }
    }
}
