import ArgumentParser
import BrokerModel
import Foundation

/// A record that is still to be sent.
struct OutgoingRecord {
    var key: [UInt8]?
    var value: [UInt8]?
    var headers: [(name: String, value: [UInt8]?)] = []
    /// Nil for now.
    var timestamp: Timestamp?
}

/// How `headwater produce` makes records of its input.
struct ProduceInput: ParsableArguments {
    enum Form: String, ExpressibleByArgument, CaseIterable {
        case lines, json
    }

    @Option(help: ArgumentHelp("Read this file; - is stdin.", valueName: "FILE"))
    var file = "-"

    @Option(
        help: ArgumentHelp("lines: each is a value; json: each is an object.", valueName: "FORM")
    )
    var input = Form.lines

    @Option(
        help: ArgumentHelp("What stands between a line's key and its value.", valueName: "TEXT")
    )
    var keySeparator: String?

    @Option(help: ArgumentHelp("A key or value that is exactly this is null.", valueName: "TEXT"))
    var null: String?

    @Option(
        name: .customLong("header"),
        parsing: .singleValue,
        help: ArgumentHelp("A header that every record gets.", valueName: "NAME=VALUE")
    )
    var headers: [String] = []

    func validate() throws {
        if keySeparator?.isEmpty == true {
            throw ValidationError("--key-separator takes at least one character")
        }
        if input == .json, keySeparator != nil || null != nil {
            throw ValidationError("--key-separator and --null are for --input lines")
        }
        for header in headers where !header.contains("=") || header.first == "=" {
            throw ValidationError("--header \(header): write NAME=VALUE, such as site=north")
        }
    }

    /// The headers of `--header`.
    var commonHeaders: [(name: String, value: [UInt8]?)] {
        headers.map { header in
            let parts = header.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts[0]), Array(parts[1].utf8))
        }
    }
}

/// Makes a record of a line. Pure.
package struct RecordParser {
    private let separator: [UInt8]?
    private let null: [UInt8]?
    private let common: [(name: String, value: [UInt8]?)]
    private let isJSON: Bool
    private let decoder = JSONDecoder()

    init(_ input: ProduceInput) {
        separator = input.keySeparator.map { Array($0.utf8) }
        null = input.null.map { Array($0.utf8) }
        common = input.commonHeaders
        isJSON = input.input == .json
    }

    /// Why a line is no record.
    struct Refusal: Error {
        let reason: String
    }

    func record(of line: [UInt8]) throws(Refusal) -> OutgoingRecord {
        isJSON ? try object(line) : try plain(line)
    }

    private func plain(_ line: [UInt8]) throws(Refusal) -> OutgoingRecord {
        guard let separator else {
            return OutgoingRecord(value: nullable(line[...]), headers: common)
        }
        guard let place = line.firstRange(of: separator) else {
            throw Refusal(reason: "no '\(String(decoding: separator, as: UTF8.self))' after a key")
        }
        return OutgoingRecord(
            key: nullable(line[..<place.lowerBound]),
            value: nullable(line[place.upperBound...]),
            headers: common
        )
    }

    private func nullable(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        null.map { bytes.elementsEqual($0) } == true ? nil : Array(bytes)
    }

    /// What `tail --json` and `consume --json` print. Where the record was is left out: it gets a
    /// place of its own.
    private func object(_ line: [UInt8]) throws(Refusal) -> OutgoingRecord {
        guard let fields = try? decoder.decode([String: JSONValue].self, from: Data(line)) else {
            throw Refusal(reason: "no JSON object")
        }
        let known: Set = [
            "key", "key_hex", "value", "value_hex", "headers", "timestamp", "topic", "partition",
            "offset",
        ]
        if let stranger = fields.keys.sorted().first(where: { !known.contains($0) }) {
            throw Refusal(
                reason: "'\(stranger)' is none of key, value, headers, timestamp; a value that is "
                    + "an object goes under \"value\""
            )
        }
        var record = OutgoingRecord(headers: common)
        record.key = try bytes("key", in: fields)
        record.value = try bytes("value", in: fields)
        record.headers += try headers(fields["headers"])
        switch fields["timestamp"] {
        case nil, .null: break
        case .integer(let milliseconds): record.timestamp = Timestamp(milliseconds: milliseconds)
        default: throw Refusal(reason: "'timestamp' is milliseconds since 1970")
        }
        return record
    }

    private func headers(
        _ value: JSONValue?
    ) throws(Refusal) -> [(name: String, value: [UInt8]?)] {
        var headers: [(name: String, value: [UInt8]?)] = []
        switch value {
        case nil, .null: break
        case .object(let pairs):
            for (name, value) in pairs.sorted(by: { $0.key < $1.key }) {
                headers.append((name, value.text.map { Array($0.utf8) }))
            }
        case .array(let pairs):
            for case .object(let fields) in pairs {
                guard case .string(let name) = fields["name"] else {
                    throw Refusal(reason: "a header without a name")
                }
                headers.append((name, try bytes("value", in: fields)))
            }
        default: throw Refusal(reason: "'headers' is an object, or a list with names and values")
        }
        return headers
    }

    /// Text as it is, anything else as JSON; or bytes, in hexadecimal, under a name that says so.
    private func bytes(
        _ name: String,
        in fields: [String: JSONValue]
    ) throws(Refusal) -> [UInt8]? {
        guard let hex = fields[name + "_hex"] else {
            return fields[name]?.text.map { Array($0.utf8) }
        }
        guard case .string(let digits) = hex, digits.utf8.count.isMultiple(of: 2) else {
            throw Refusal(reason: "'\(name)_hex' is pairs of hexadecimal digits")
        }
        var bytes: [UInt8] = []
        var rest = Array(digits.utf8)[...]
        while rest.count >= 2 {
            guard let byte = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            else {
                throw Refusal(reason: "'\(name)_hex' is pairs of hexadecimal digits")
            }
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}
