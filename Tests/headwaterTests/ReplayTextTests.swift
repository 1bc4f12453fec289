import Foundation
import Testing
import headwater

@Suite struct CSVReaderTests {
    /// What a file of these bytes holds: each record's line, and its fields.
    private func records(_ text: String, delimiter: Character = ",") throws -> [String] {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("headwater-csv-\(UUID().uuidString)").path
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let source = try ReplaySource(path: path) { false }
        let reader = CSVReader(source, delimiter: delimiter.asciiValue ?? 0, line: 1)
        var found: [String] = []
        while let (line, record) = try reader.next() {
            switch record {
            case .fields(let fields): found.append("\(line) \(fields.joined(separator: "|"))")
            case .tooLong: found.append("\(line) too long")
            case .unclosedQuote: found.append("\(line) unclosed")
            }
        }
        return found
    }

    @Test(
        arguments: [
            ("a,b\nc,d\n", ["1 a|b", "2 c|d"]), ("a,b\r\nc,d", ["1 a|b", "2 c|d"]),
            ("", []), ("\n\n\r\n", []), (",\n", ["1 |"]), ("\"\"\n", ["1 "]),
            ("\"a,b\",\"c\"\"d\"\n", ["1 a,b|c\"d"]),
            ("\"x\ny\",1\nz\n", ["1 x\ny|1", "3 z"]),
            ("\"a\"b,c\n", ["1 ab|c"]),
            ("a\"b,c\n", ["1 a\"b|c"]), ("a\rb\r\n", ["1 a\rb"]),
            ("a\n\"b", ["1 a", "2 unclosed"]),
            ("a,\"\"", ["1 a|"]), ("ü,€\n", ["1 ü|€"]),
        ] as [(String, [String])]
    )
    func `records are read as RFC 4180 has them`(text: String, expected: [String]) throws {
        #expect(try records(text) == expected)
    }

    @Test func `another delimiter leaves commas alone`() throws {
        #expect(try records("a;b,c\n", delimiter: ";") == ["1 a|b,c"])
    }

    @Test func `a record that is too large is given up, and the next one is read`() throws {
        let long = String(repeating: "x", count: CSVReader.recordBytesMax + 1)
        #expect(try records("a\n\(long),b\nc\n") == ["1 a", "2 too long", "3 c"])
        #expect(try records("\"" + long) == ["1 unclosed"])
        let fits = String(repeating: "x", count: CSVReader.recordBytesMax - 1)
        #expect(try records(fits + "\n") == ["1 " + fits])
    }
}

@Suite struct ReplayTimeTests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("1970-01-01t00:00:00.5z", 500_000_000),
            ("1970-01-01 01:00:00+01:00", 0), ("1969-12-31T23:59:59-00:00", -1_000_000_000),
            ("2000-02-29T00:00:00.123456789999Z", 951_782_400_123_456_789),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000_000_000),
            ("1900-03-01T00:00:00Z", -2_203_891_200_000_000_000),
            ("2000-02-30T00:00:00Z", nil), ("1900-02-29T00:00:00Z", nil),
            ("1970-01-01T24:00:00Z", nil), ("1970-13-01T00:00:00Z", nil),
            ("1970-01-01T00:00:00", nil), ("1970-01-01T00:00:00Zx", nil),
            ("1970-01-01T00:00:00.Z", nil), ("1970-01-01T00:00:00+24:00", nil),
            ("9999-12-31T23:59:59Z", nil), ("1677-01-01T00:00:00Z", nil), ("", nil),
            ("١٩٧٠-01-01T00:00:00Z", nil),
        ] as [(String, Int64?)]
    )
    func `an RFC 3339 time is nanoseconds since 1970, or nothing`(text: String, expected: Int64?) {
        #expect(ReplayTimeFormat.rfc3339.nanoseconds(text) == expected)
    }

    @Test func `a time without a zone is UTC`() {
        #expect(ReplayTimeFormat.datetime.nanoseconds("1970-01-02 00:00:00") == 86_400_000_000_000)
        #expect(ReplayTimeFormat.datetime.nanoseconds("1970-01-01T02:00:00+02:00") == 0)
    }

    @Test(
        arguments: [
            ("1700000000", 1_700_000_000_000_000_000), ("1700000000123", 1_700_000_000_123_000_000),
            ("1700000000123456", 1_700_000_000_123_456_000),
            ("1700000000123456789", 1_700_000_000_123_456_789), ("0", 0), ("-1.5", -1_500_000_000),
            ("2026-11-21T00:00:00Z", 1_795_219_200_000_000_000),
        ] as [(String, Int64)]
    )
    func `the unit of a number is guessed from its size`(text: String, expected: Int64) {
        #expect(ReplayTimeFormat.guess(text)?.nanoseconds(text) == expected)
    }

    @Test(arguments: ["nan", "inf", "-inf", "yesterday", "", "1e400"])
    func `what is no time is none`(text: String) {
        #expect(ReplayTimeFormat.guess(text) == nil)
        #expect(ReplayTimeFormat.epoch(unitsPerSecond: 1).nanoseconds(text) == nil)
    }

    @Test func `a number that nanoseconds cannot hold is none`() {
        let seconds = ReplayTimeFormat.epoch(unitsPerSecond: 1)
        #expect(seconds.nanoseconds("9223372037") == nil)
        #expect(seconds.nanoseconds("1e300") == nil)
        #expect(seconds.nanoseconds("9223372036") == 9_223_372_036_000_000_000)
    }
}
