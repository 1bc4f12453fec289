/// Reads RFC 4180 records off a stream: quotes, doubled quotes, line ends inside quotes, CRLF or
/// LF.
///
/// Lenient where files in the field are: text after a closing quote belongs to the field, and a
/// last line needs no line end. What is not lenient: a record has a largest size.
package final class CSVReader {
    package enum Record: Equatable {
        case fields([String])
        case tooLong
        case unclosedQuote
    }

    /// A record that grows past this is given up: most often a quote that nobody closed.
    package static let recordBytesMax = 1 << 20

    private let source: ReplaySource
    private let delimiter: UInt8
    /// The line that the next record begins on.
    package private(set) var line: Int

    private var field: [UInt8] = []
    private var fields: [String] = []
    private var size = 0
    private var hasQuotes = false

    package init(_ source: ReplaySource, delimiter: UInt8, line: Int) {
        self.source = source
        self.delimiter = delimiter
        self.line = line
    }

    /// The next record and the line that it begins on; nil at the end. Empty lines are nothing.
    package func next() throws(Failure) -> (line: Int, record: Record)? {
        while true {
            let start = line
            begin()
            guard let record = try read() else { return nil }
            if record == .fields([""]), !hasQuotes { continue }
            return (start, record)
        }
    }

    private func begin() {
        field.removeAll(keepingCapacity: true)
        fields.removeAll(keepingCapacity: true)
        size = 0
        hasQuotes = false
    }

    private func read() throws(Failure) -> Record? {
        var isQuoted = false
        var hasBytes = false
        while let byte = try source.next() {
            hasBytes = true
            size += 1
            if byte == UInt8(ascii: "\n") { line += 1 }
            if isQuoted {
                if byte != UInt8(ascii: "\"") {
                    append(byte)
                } else if try source.peek() == byte {
                    _ = try source.next()
                    append(byte)
                } else {
                    isQuoted = false
                }
                continue
            }
            switch byte {
            case delimiter: endField()
            case UInt8(ascii: "\""):
                if field.isEmpty { (isQuoted, hasQuotes) = (true, true) } else { append(byte) }
            case UInt8(ascii: "\n"): return endRecord()
            case UInt8(ascii: "\r"):
                let following = try source.peek()
                if following != nil, following != UInt8(ascii: "\n") { append(byte) }
            default: append(byte)
            }
        }
        guard hasBytes else { return nil }
        return isQuoted ? .unclosedQuote : endRecord()
    }

    private func append(_ byte: UInt8) {
        if size <= Self.recordBytesMax { field.append(byte) }
    }

    private func endField() {
        guard size <= Self.recordBytesMax else { return }
        fields.append(String(decoding: field, as: UTF8.self))
        field.removeAll(keepingCapacity: true)
    }

    private func endRecord() -> Record {
        endField()
        return size <= Self.recordBytesMax ? .fields(fields) : .tooLong
    }
}
