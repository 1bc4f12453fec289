/// A promise that did not hold, and how.
struct Violation: Error, CustomStringConvertible {
    enum Promise: String {
        case p1 = "P1", p2 = "P2", p4 = "P4"
        case topics, logStart = "log start", exactlyOnce = "exactly once", other = "harness"
    }

    let promise: Promise
    let what: String

    var description: String { "\(promise.rawValue): \(what)" }
}
