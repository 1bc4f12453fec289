import Foundation

/// A recording's rows, whatever its form: CSV with a header line, or one JSON object a line.
struct ReplayReader {
    /// A row, or why there is none.
    enum Outcome {
        case row(ReplayRow)
        case bad(line: Int, String)
    }

    private enum Form {
        case csv(CSVReader, CSVHeader)
        case ndjson
    }

    private let source: ReplaySource
    private var form: Form
    private var line = 1
    private let decoder = JSONDecoder()
    /// An NDJSON row that was read to learn its columns.
    private var ahead: Outcome?
    /// The columns' names; of NDJSON those of its first good row.
    private(set) var columns: [String] = []

    /// Reads as far as the columns' names.
    init(_ source: ReplaySource, path: String) throws(Failure) {
        self.source = source
        form = .ndjson
        try skipByteOrderMark()
        guard let first = try source.peek() else {
            throw .unusable("--replay \(path): it is empty")
        }
        if first == UInt8(ascii: "{") {
            ahead = try readObject()
            if case .row(let row) = ahead { columns = row.names }
        } else {
            try beginCSV(path)
        }
    }

    /// The next row; nil at the end.
    mutating func next() throws(Failure) -> Outcome? {
        if let ahead {
            self.ahead = nil
            return ahead
        }
        switch form {
        case .ndjson: return try readObject()
        case .csv(let reader, let header):
            guard let (line, record) = try reader.next() else { return nil }
            return Self.outcome(line, record, header)
        }
    }

    private mutating func skipByteOrderMark() throws(Failure) {
        guard try source.peek() == 0xef else { return }
        for _ in 0..<3 { _ = try source.next() }
    }

    // MARK: CSV

    private mutating func beginCSV(_ path: String) throws(Failure) {
        let delimiter = Self.delimiter(of: try source.restOfLine())
        let reader = CSVReader(source, delimiter: delimiter, line: line)
        guard case .fields(let names) = try reader.next()?.record else {
            throw .unusable("--replay \(path): no header line that names the columns")
        }
        columns = names.map { $0.trimmingCharacters(in: .whitespaces) }
        form = .csv(reader, CSVHeader(columns))
    }

    /// Whichever of comma, semicolon and tab the header line has most of.
    private static func delimiter(of header: String) -> UInt8 {
        let candidates = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t")]
        func count(_ delimiter: UInt8) -> Int { header.utf8.count { $0 == delimiter } }
        return candidates.max { count($0) < count($1) } ?? candidates[0]
    }

    private static func outcome(
        _ line: Int,
        _ record: CSVReader.Record,
        _ header: CSVHeader
    ) -> Outcome {
        switch record {
        case .tooLong: return .bad(line: line, "the row is longer than 1 MiB")
        case .unclosedQuote: return .bad(line: line, "a quote is opened and never closed")
        case .fields(let fields):
            guard fields.count == header.columns.count else {
                let wanted = header.columns.count
                return .bad(line: line, "\(fields.count) fields instead of \(wanted)")
            }
            return .row(ReplayRow(line: line, fields: fields, header: header))
        }
    }

    // MARK: NDJSON

    private mutating func readObject() throws(Failure) -> Outcome? {
        while true {
            let start = line
            guard let text = try readLine() else { return nil }
            guard let text else { return .bad(line: start, "the row is longer than 1 MiB") }
            if text.allSatisfy(\.isWhitespace) { continue }
            guard let object = try? decoder.decode([String: JSONValue].self, from: Data(text.utf8))
            else { return .bad(line: start, "no JSON object") }
            return .row(ReplayRow(line: start, object: object, source: text))
        }
    }

    /// A line without its end: nil at the end of the file, and nil inside when it is too long.
    private mutating func readLine() throws(Failure) -> String?? {
        guard let bytes = try source.readLine(bytesMax: CSVReader.recordBytesMax) else {
            return .none
        }
        line += 1
        return .some(bytes.map { String(decoding: $0, as: UTF8.self) })
    }
}
