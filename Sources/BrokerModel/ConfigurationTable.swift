/// A list of maps that an operator can write in the configuration file, such as `routes:`.
///
/// A module declares it once beside the settings that it fills. A row begins as the default row,
/// each line of it sets one of the row's keys, and then the row as a whole is checked.
public struct ConfigurationTable<Settings>: Sendable {
    private typealias Take =
        @Sendable (
            [[ConfigurationCell]], inout Settings
        ) throws(ConfigurationTableError) -> Void

    public let name: String
    public let sentence: String
    public let columns: [ConfigurationColumn]
    private let take: Take

    /// `finish` makes a row of the settings out of what was written, or says which key of the row
    /// is wrong, and why in a clause.
    public init<Draft: Sendable, Row>(
        _ name: String,
        _ path: any WritableKeyPath<Settings, [Row]> & Sendable,
        blank: Draft,
        keys: [ConfigurationKey<Draft>],
        named: [ConfigurationNamedValues<Draft>] = [],
        rowsMax: Int,
        _ sentence: String,
        finish: @escaping @Sendable (Draft) throws(ConfigurationRowProblem) -> Row
    ) {
        self.name = name
        self.sentence = sentence
        columns =
            keys.map {
                ConfigurationColumn(
                    name: $0.name,
                    defaultText: $0.defaultText,
                    allowedText: $0.allowedText,
                    sentence: $0.sentence
                )
            }
            + named.map {
                ConfigurationColumn(
                    name: "\($0.name).NAME",
                    defaultText: "",
                    allowedText: $0.allowedText,
                    sentence: $0.sentence
                )
            }
        let reader = RowReader(blank: blank, keys: keys, named: named)
        take = { rows, settings throws(ConfigurationTableError) in
            guard rows.count <= rowsMax else {
                throw ConfigurationTableError(row: rowsMax, .tooManyRows(most: rowsMax))
            }
            var taken: [Row] = []
            for (index, cells) in rows.enumerated() {
                let draft = try reader.read(cells, row: index)
                do throws(ConfigurationRowProblem) {
                    taken.append(try finish(draft))
                } catch {
                    let cell = cells.firstIndex { $0.key == error.key }
                    throw ConfigurationTableError(
                        row: index,
                        cell: cell,
                        .refused(key: error.key, why: error.why)
                    )
                }
            }
            settings[keyPath: path] = taken
        }
    }

    private init(
        name: String,
        sentence: String,
        columns: [ConfigurationColumn],
        take: @escaping Take
    ) {
        self.name = name
        self.sentence = sentence
        self.columns = columns
        self.take = take
    }

    /// Reads all rows into the settings, which stay as they were when it throws.
    public func apply(
        _ rows: [[ConfigurationCell]],
        to settings: inout Settings
    ) throws(ConfigurationTableError) {
        try take(rows, &settings)
    }

    /// The same table of larger settings that hold these.
    public func inside<Whole>(
        _ path: any WritableKeyPath<Whole, Settings> & Sendable
    ) -> ConfigurationTable<Whole> {
        let take = take
        return ConfigurationTable<Whole>(
            name: name,
            sentence: sentence,
            columns: columns
        ) { rows, whole throws(ConfigurationTableError) in
            try take(rows, &whole[keyPath: path])
        }
    }
}

/// What can stand in a row, for whoever describes it.
public struct ConfigurationColumn: Sendable {
    public let name: String
    public let defaultText: String
    public let allowedText: String
    public let sentence: String
}

/// Keys of a row that the operator names: `headers.NAME`.
public struct ConfigurationNamedValues<Row>: Sendable {
    public let name: String
    public let allowedText: String
    public let sentence: String
    let set: @Sendable (_ key: String, _ text: String, inout Row) -> Bool

    /// `set` is false, with the row as it was, for a name or value that is not allowed.
    public init(
        _ name: String,
        allowed: String,
        _ sentence: String,
        set: @escaping @Sendable (_ key: String, _ text: String, inout Row) -> Bool
    ) {
        self.name = name
        allowedText = allowed
        self.sentence = sentence
        self.set = set
    }
}

/// One `key: value` of a row, nested maps as a dotted key.
public struct ConfigurationCell: Equatable, Sendable {
    public let key: String
    public let value: String

    public init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}

/// Why a row as a whole can't be used; `why` is a clause without an end.
public struct ConfigurationRowProblem: Error, Equatable, Sendable {
    public let key: String
    public let why: String

    public init(_ key: String, _ why: String) {
        self.key = key
        self.why = why
    }
}

/// Why a table can't be used, and which row and cell are to blame; no cell: the row.
public struct ConfigurationTableError: Error, Equatable, Sendable {
    public enum Reason: Equatable, Sendable {
        case unknownKey(String)
        case badValue(key: String, value: String, allowed: String)
        case refused(key: String, why: String)
        case tooManyRows(most: Int)
    }

    public let row: Int
    public let cell: Int?
    public let reason: Reason

    init(row: Int, cell: Int? = nil, _ reason: Reason) {
        self.row = row
        self.cell = cell
        self.reason = reason
    }
}

/// Fills one row's draft, cell by cell.
private struct RowReader<Draft: Sendable>: Sendable {
    let blank: Draft
    let keys: [ConfigurationKey<Draft>]
    let named: [ConfigurationNamedValues<Draft>]

    func read(_ cells: [ConfigurationCell], row: Int) throws(ConfigurationTableError) -> Draft {
        var draft = blank
        for (index, cell) in cells.enumerated() {
            guard let (isSet, allowed) = set(cell, in: &draft) else {
                throw ConfigurationTableError(row: row, cell: index, .unknownKey(cell.key))
            }
            guard !isSet else { continue }
            throw ConfigurationTableError(
                row: row,
                cell: index,
                .badValue(key: cell.key, value: cell.value, allowed: allowed)
            )
        }
        return draft
    }

    /// Whether the value was taken, and what would be; nil when there is no such key.
    private func set(_ cell: ConfigurationCell, in draft: inout Draft) -> (Bool, String)? {
        if let key = keys.first(where: { $0.name == cell.key }) {
            return (key.apply(cell.value, to: &draft), key.allowedText)
        }
        for values in named where cell.key.hasPrefix(values.name + ".") {
            let name = String(cell.key.dropFirst(values.name.count + 1))
            return (values.set(name, cell.value, &draft), values.allowedText)
        }
        return nil
    }
}
