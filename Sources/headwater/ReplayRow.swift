import Foundation

/// One row of a recording.
struct ReplayRow {
    /// Where it begins, counted from 1.
    let line: Int
    fileprivate let content: Content

    fileprivate enum Content {
        case fields([String], CSVHeader)
        case object([String: JSONValue], source: String)
    }

    init(line: Int, fields: [String], header: CSVHeader) {
        self.line = line
        content = .fields(fields, header)
    }

    init(line: Int, object: [String: JSONValue], source: String) {
        self.line = line
        content = .object(object, source: source)
    }

    /// A column's value as text; nil when the row has none there.
    func text(_ column: String) -> String? {
        switch content {
        case .fields(let fields, let header): header.place(of: column).map { fields[$0] }
        case .object(let object, _): object[column]?.text
        }
    }

    /// The names of its columns, in order; of an object sorted.
    var names: [String] {
        switch content {
        case .fields(_, let header): header.columns
        case .object(let object, _): object.keys.sorted()
        }
    }

    /// The row as a JSON object; from NDJSON the line as it stood there.
    var json: String {
        switch content {
        case .fields(let fields, let header): header.json(fields)
        case .object(_, let source): source
        }
    }
}

/// The names of a CSV file's columns.
final class CSVHeader {
    let columns: [String]
    private let places: [String: Int]
    private let keys: [String]

    init(_ columns: [String]) {
        self.columns = columns
        places = Dictionary(zip(columns, columns.indices)) { first, _ in first }
        keys = columns.map { JSONText.quoted($0) + ":" }
    }

    func place(of column: String) -> Int? { places[column] }

    func json(_ fields: [String]) -> String {
        var text = "{"
        for (key, field) in zip(keys, fields) {
            if text.utf8.count > 1 { text += "," }
            text += key
            text += JSONText.value(field)
        }
        return text + "}"
    }
}

/// A value of an NDJSON row.
enum JSONValue: Codable {
    case null
    case bool(Bool)
    case string(String)
    case integer(Int64)
    case number(Double)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let integer = try? value.decode(Int64.self) {
            self = .integer(integer)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let array = try? value.decode([JSONValue].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case .bool(let bool): try value.encode(bool)
        case .string(let string): try value.encode(string)
        case .integer(let integer): try value.encode(integer)
        case .number(let number): try value.encode(number)
        case .array(let array): try value.encode(array)
        case .object(let object): try value.encode(object)
        }
    }

    /// What stands for the value in a topic or payload: text without quotes, the rest as JSON. Nil
    /// for null.
    var text: String? {
        switch self {
        case .null: nil
        case .bool(let bool): "\(bool)"
        case .string(let string): string
        case .integer(let integer): "\(integer)"
        case .number(let number): "\(number)"
        case .array, .object:
            (try? Self.encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// The order of a map's keys means nothing in JSON; here it is at least always the same.
    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}

/// CSV fields as JSON.
enum JSONText {
    /// Numbers, `true` and `false` stay what they look like, an empty field is null, the rest is
    /// text. A leading zero is text: part numbers have them.
    static func value(_ field: String) -> String {
        switch field {
        case "": "null"
        case "true", "false": field
        default: isNumber(field) ? field : quoted(field)
        }
    }

    /// JSON's own grammar of numbers (RFC 8259, 6).
    static func isNumber(_ field: String) -> Bool {
        var rest = field.utf8[...]
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let whole = rest.prefix(while: isDigit)
        guard !whole.isEmpty, whole.first != UInt8(ascii: "0") || whole.count == 1 else {
            return false
        }
        rest = rest.dropFirst(whole.count)
        if rest.first == UInt8(ascii: ".") {
            let digits = rest.dropFirst().prefix(while: isDigit)
            guard !digits.isEmpty else { return false }
            rest = rest.dropFirst(digits.count + 1)
        }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") {
                rest = rest.dropFirst()
            }
            let digits = rest.prefix(while: isDigit)
            guard !digits.isEmpty else { return false }
            rest = rest.dropFirst(digits.count)
        }
        return rest.isEmpty
    }

    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case _ where scalar.value < 0x20: quoted += String(format: "\\u%04x", scalar.value)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
