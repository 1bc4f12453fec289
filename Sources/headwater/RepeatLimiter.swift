/// Lets the first event of a kind through, and then one line an interval with how many it stands
/// for.
struct RepeatLimiter {
    private struct Kind {
        var nextAllowed: Int64
        var held = 0
    }

    private let interval: Int64
    private let kindsMax: Int
    private var kinds: [String: Kind] = [:]

    init(intervalMilliseconds: Int64, kindsMax: Int = 256) {
        interval = intervalMilliseconds
        self.kindsMax = kindsMax
    }

    /// How many events of this kind the line may stand for, itself included; nil to hold it back.
    mutating func admit(_ kind: String, count: Int, now: Int64) -> Int? {
        guard var known = kinds[kind] else {
            if kinds.count >= kindsMax { kinds.removeAll() }  // Only forgets who was held back.
            kinds[kind] = Kind(nextAllowed: now + interval)
            return count
        }
        known.held += count
        defer { kinds[kind] = known }
        guard now >= known.nextAllowed else { return nil }
        let held = known.held
        known = Kind(nextAllowed: now + interval)
        return held
    }
}
