/// Lets the first event of a kind through, and then one line an interval with how many it stands
/// for. What is held back when a flood ends comes out with `due`: no count is lost.
package struct RepeatLimiter<Line> {
    private struct Kind {
        var nextAllowed: Int64
        var held = 0
        /// The last event that was held back: it speaks for the others.
        var line: Line?
    }

    private let interval: Int64
    private let kindsMax: Int
    private var kinds: [String: Kind] = [:]

    /// What kinds past the bound count as.
    private static var others: String { "(others)" }

    package init(intervalMilliseconds: Int64, kindsMax: Int = 256) {
        interval = intervalMilliseconds
        self.kindsMax = kindsMax
    }

    /// How many events of this kind the line may stand for, itself included; nil to hold it back.
    package mutating func admit(_ kind: String, _ line: Line, count: Int, now: Int64) -> Int? {
        if kinds[kind] == nil, kinds.count >= kindsMax { forgetQuiet(now: now) }
        let isKnown = kinds[kind] != nil || kinds.count < kindsMax
        let kind = isKnown ? kind : Self.others
        guard var known = kinds[kind] else {
            kinds[kind] = Kind(nextAllowed: now + interval)
            return count
        }
        known.held += count
        guard now >= known.nextAllowed else {
            known.line = line
            kinds[kind] = known
            return nil
        }
        kinds[kind] = Kind(nextAllowed: now + interval)
        return known.held
    }

    /// The lines that were held back for an interval, with their counts.
    package mutating func due(now: Int64) -> [(line: Line, count: Int)] {
        release(next: now + interval) { $0.nextAllowed <= now }
    }

    /// Everything that is still held back: the last call.
    package mutating func rest() -> [(line: Line, count: Int)] {
        release(next: .max) { _ in true }
    }

    private mutating func release(
        next: Int64,
        _ isDue: (Kind) -> Bool
    ) -> [(line: Line, count: Int)] {
        var released: [(line: Line, count: Int)] = []
        for (name, kind) in kinds.sorted(by: { $0.key < $1.key }) where isDue(kind) {
            guard let line = kind.line else { continue }
            released.append((line, kind.held))
            kinds[name] = Kind(nextAllowed: next)
        }
        return released
    }

    private mutating func forgetQuiet(now: Int64) {
        kinds = kinds.filter { $0.value.line != nil || $0.value.nextAllowed > now }
    }
}
