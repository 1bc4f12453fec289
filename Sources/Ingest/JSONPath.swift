/// Where in a JSON document a value stands: names of object members, or places in arrays, counted
/// from 0, joined by dots.
package struct JSONPath: Equatable, Sendable {
    struct Step: Equatable, Sendable {
        let name: [UInt8]
        /// Which element, where the value is an array.
        let index: Int?
    }

    let text: String
    let steps: [Step]

    /// Deeper fields than this have no key.
    package static let stepsMax = 16

    package init?(_ text: String) {
        let names = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...Self.stepsMax).contains(names.count), names.allSatisfy({ !$0.isEmpty }) else {
            return nil
        }
        self.text = text
        steps = names.map {
            Step(name: Array($0.utf8), index: Int($0).flatMap { $0 >= 0 ? $0 : nil })
        }
    }
}
