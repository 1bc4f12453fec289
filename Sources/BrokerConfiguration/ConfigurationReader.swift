import BrokerModel

/// Reads sources, one after the other, into one value of `Settings`.
package struct ConfigurationReader<Settings> {
    package private(set) var settings: Settings
    /// Each key's place of its last assignment, for `config describe` and for error messages.
    package private(set) var places: [String: String] = [:]
    private let keys: [String: ConfigurationKey<Settings>]
    private let tables: [String: ConfigurationTable<Settings>]

    package init(
        _ settings: Settings,
        keys: [ConfigurationKey<Settings>],
        tables: [ConfigurationTable<Settings>] = []
    ) {
        self.settings = settings
        self.keys = Dictionary(keys.map { ($0.name, $0) }) { first, _ in first }
        self.tables = Dictionary(tables.map { ($0.name, $0) }) { first, _ in first }
    }

    /// Takes over a YAML file's text, all of it or nothing. Nested maps and dotted keys mean the
    /// same.
    package mutating func read(yaml text: String, path: String) throws(ConfigurationError) {
        var reader = self
        let assignments = try flattenYAML(text, path: path)
        try requireOnce(assignments)
        for assignment in assignments { try reader.apply(assignment) }
        self = reader
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
            try set(key, to: value, place: "environment variable \(variable)")
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
        try apply(Assignment(key: key, value: .text(value), place: place))
    }

    private static var variablePrefix: String { "HEADWATER_" }

    private static func variable(for key: String) -> String {
        variablePrefix
            + key.uppercased().map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
    }

    private mutating func apply(_ assignment: Assignment) throws(ConfigurationError) {
        let place = assignment.place
        switch assignment.value {
        case .list(let entries): try apply(entries, of: assignment.key, place: place)
        case .text(let text):
            guard let key = keys[assignment.key] else {
                throw tables[assignment.key] == nil
                    ? unknown(assignment.key, place) : .notAList(place: place, key: assignment.key)
            }
            guard key.apply(text, to: &settings) else {
                throw .badValue(
                    place: place,
                    key: key.name,
                    value: text,
                    allowed: key.allowedText
                )
            }
        }
        places[assignment.key] = place
    }

    private func unknown(_ key: String, _ place: String) -> ConfigurationError {
        let names = (Array(keys.keys) + Array(tables.keys)).sorted()
        return .unknownKey(place: place, key: key, nearest: nearest(to: key, among: names))
    }
}

// Tables.
extension ConfigurationReader {
    private mutating func apply(
        _ entries: [ListEntry],
        of name: String,
        place: String
    ) throws(ConfigurationError) {
        guard let table = tables[name] else {
            throw keys[name] == nil ? unknown(name, place) : .notAScalar(place: place, key: name)
        }
        var rows: [[ConfigurationCell]] = []
        for entry in entries {
            guard let assignments = entry.assignments else {
                throw .notAMap(place: entry.place, key: name)
            }
            try requireOnce(assignments)
            var cells: [ConfigurationCell] = []
            for assignment in assignments {
                guard case .text(let text) = assignment.value else {
                    throw .notAScalar(place: assignment.place, key: "\(name).\(assignment.key)")
                }
                cells.append(ConfigurationCell(key: assignment.key, value: text))
            }
            rows.append(cells)
        }
        do throws(ConfigurationTableError) {
            try table.apply(rows, to: &settings)
        } catch {
            throw describe(error, in: entries, of: table)
        }
    }

    private func describe(
        _ error: ConfigurationTableError,
        in entries: [ListEntry],
        of table: ConfigurationTable<Settings>
    ) -> ConfigurationError {
        let entry = entries[error.row]
        let place = error.cell.flatMap { entry.assignments?[$0].place } ?? entry.place
        func full(_ key: String) -> String { "\(table.name).\(key)" }
        switch error.reason {
        case .unknownKey(let key):
            let names = table.columns.map(\.name).sorted()
            return .unknownKey(
                place: place,
                key: full(key),
                nearest: nearest(to: key, among: names).map(full)
            )
        case .badValue(let key, let value, let allowed):
            return .badValue(place: place, key: full(key), value: value, allowed: allowed)
        case .refused(let key, let why):
            return .refused(place: place, key: full(key), why: why)
        case .tooManyRows(let most):
            return .tooManyRows(place: place, key: table.name, most: most)
        }
    }

    private func requireOnce(_ assignments: [Assignment]) throws(ConfigurationError) {
        var seen: Set<String> = []
        for assignment in assignments where !seen.insert(assignment.key).inserted {
            throw .repeatedKey(place: assignment.place, key: assignment.key)
        }
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
