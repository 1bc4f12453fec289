import Foundation
import KafkaWire

/// A request or response as Tests/vectors/kafka-fields.tsv describes it.
struct MessageShape: Sendable, CustomStringConvertible {
    let api: KafkaAPI
    let isRequest: Bool
    let versions: ClosedRange<Int16>
    let flexible: ClosedRange<Int16>?
    var fields: [FieldShape] = []

    var description: String { "\(api) \(isRequest ? "request" : "response")" }
    var type: any WireBody.Type { isRequest ? api.requestType : api.responseType }

    func isFlexible(_ version: Int16) -> Bool { flexible?.contains(version) ?? false }
}

struct FieldShape: Sendable {
    enum Kind: String {
        case bool, int8, int16, int32, int64, string, bytes, records, uuid
        case structure = "struct"
    }

    /// The line in the table, which makes values distinct.
    let line: Int
    let name: String
    let kind: Kind
    let isArray: Bool
    let versions: ClosedRange<Int16>
    let nullable: ClosedRange<Int16>?
    let tagged: ClosedRange<Int16>?
    let tag: UInt32
    /// Nil for the zero of the type.
    let defaultText: String?
    var fields: [FieldShape] = []

    func isNullable(_ version: Int16) -> Bool { nullable?.contains(version) ?? false }
    func isTagged(_ version: Int16) -> Bool { tagged?.contains(version) ?? false }
}

enum MessageTable {
    static let messages: [MessageShape] = read()

    private static func read() -> [MessageShape] {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../vectors/kafka-fields.tsv")
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [] }
        var messages: [MessageShape] = []
        for (number, line) in text.split(separator: "\n").enumerated() where !line.hasPrefix("#") {
            let columns = line.split(separator: "\t").map(String.init)
            guard columns.count == 9, let key = Int16(columns[0]),
                let api = KafkaAPI(rawValue: key), let versions = range(columns[4])
            else { return [] }
            guard columns[2] != "." else {
                messages.append(
                    MessageShape(
                        api: api,
                        isRequest: columns[1] == "request",
                        versions: versions,
                        flexible: range(columns[5])
                    )
                )
                continue
            }
            guard !messages.isEmpty, let field = field(columns, number, versions) else {
                return []
            }
            let path = columns[2].split(separator: ".").map(String.init)
            insert(field, path.dropLast(), into: &messages[messages.count - 1].fields)
        }
        return messages
    }

    private static func field(
        _ columns: [String],
        _ line: Int,
        _ versions: ClosedRange<Int16>
    ) -> FieldShape? {
        let isArray = columns[3].hasPrefix("[]")
        guard let kind = FieldShape.Kind(rawValue: String(columns[3].dropFirst(isArray ? 2 : 0)))
        else { return nil }
        return FieldShape(
            line: line,
            name: columns[2],
            kind: kind,
            isArray: isArray,
            versions: versions,
            nullable: range(columns[5]),
            tagged: range(columns[6]),
            tag: UInt32(columns[7]) ?? 0,
            defaultText: columns[8] == "-" ? nil : columns[8]
        )
    }

    /// Below the last field of that name: some messages have two of one name, for other versions.
    private static func insert(
        _ field: FieldShape,
        _ path: ArraySlice<String>,
        into fields: inout [FieldShape]
    ) {
        guard !path.isEmpty, !fields.isEmpty else { return fields.append(field) }
        insert(field, path.dropFirst(), into: &fields[fields.count - 1].fields)
    }

    private static func range(_ text: String) -> ClosedRange<Int16>? {
        let ends = text.split(separator: "-").compactMap { Int16($0) }
        guard ends.count == 2, ends[0] <= ends[1] else { return nil }
        return ends[0]...ends[1]
    }
}
