import BrokerModel

/// Reads sources, one after the other, into one value of `Settings`.
package struct ConfigurationReader<Settings> {
    package private(set) var settings: Settings
    /// Each key's place of its last assignment, for `config describe` and for error messages.
    package private(set) var places: [String: String] = [:]
    private let keys: [String: ConfigurationKey<Settings>]

    package init(_ settings: Settings, keys: [ConfigurationKey<Settings>]) {
        self.settings = settings
        self.keys = Dictionary(keys.map { ($0.name, $0) }) { first, _ in first }
    }

    /// Takes over a YAML file's text. Nested maps and dotted keys mean the same.
    package mutating func read(yaml text: String, path: String) throws(ConfigurationError) {
        var seen: Set<String> = []
        for assignment in try flattenYAML(text, path: path) {
            guard seen.insert(assignment.key).inserted else {
                throw .repeatedKey(place: assignment.place, key: assignment.key)
            }
            try apply(assignment)
        }
    }

    /// Takes over `HEADWATER_LOG_SEGMENT_BYTES=1MiB` and the like. Variables that name no key are
    /// returned: other programs may own them, so they are worth a warning and no refusal.
    package mutating func read(
        environment: [String: String]
    ) throws(ConfigurationError) -> [String] {
        let byVariable = Dictionary(
            keys.keys.map { (Self.variable(for: $0), $0) },
            uniquingKeysWith: { first, _ in first }
        )
        var unknown: [String] = []
        for (variable, value) in environment.sorted(by: { $0.key < $1.key })
        where variable.hasPrefix(Self.variablePrefix) {
            guard let key = byVariable[variable] else {
                unknown.append(variable)
                continue
            }
            try apply(Assignment(key: key, value: value, place: "environment variable \(variable)"))
        }
        return unknown
    }

    /// Takes over one `KEY=VALUE` of a command line.
    package mutating func read(flag text: String) throws(ConfigurationError) {
        guard let equals = text.firstIndex(of: "=") else {
            throw .notAnAssignment(place: "--set", text: text)
        }
        let key = String(text[..<equals])
        try set(key, to: String(text[text.index(after: equals)...]), place: "--set \(key)")
    }

    /// Takes over one value from a flag of its own, such as `--mqtt`.
    package mutating func set(
        _ key: String,
        to value: String,
        place: String
    ) throws(ConfigurationError) {
        try apply(Assignment(key: key, value: value, place: place))
    }

    private static var variablePrefix: String { "HEADWATER_" }

    private static func variable(for key: String) -> String {
        variablePrefix
            + key.uppercased().map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
    }

    private mutating func apply(_ assignment: Assignment) throws(ConfigurationError) {
        guard let key = keys[assignment.key] else {
            throw .unknownKey(
                place: assignment.place,
                key: assignment.key,
                nearest: nearest(to: assignment.key, among: keys.keys.sorted())
            )
        }
        guard key.apply(assignment.value, to: &settings) else {
            throw .badValue(
                place: assignment.place,
                key: key.name,
                value: assignment.value,
                allowed: key.allowedText
            )
        }
        places[key.name] = assignment.place
    }
}

/// The name that needs the fewest edits, if fewer than half of its letters differ.
func nearest(to name: String, among candidates: [String]) -> String? {
    let distances = candidates.map { ($0, editDistance(Array(name.utf8), Array($0.utf8))) }
    guard let best = distances.min(by: { $0.1 < $1.1 }) else { return nil }
    return best.1 * 2 < best.0.utf8.count ? best.0 : nil
}

/// Levenshtein's distance: insertions, deletions and replacements.
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var previous = Array(0...b.count)
    for (row, left) in a.enumerated() {
        var current = [row + 1]
        for (column, right) in b.enumerated() {
            let replaced = previous[column] + (left == right ? 0 : 1)
            current.append(min(replaced, previous[column + 1] + 1, current[column] + 1))
        }
        previous = current
    }
    return previous[b.count]
}
