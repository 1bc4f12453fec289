/// Why a template or the topic that it makes can't be one.
enum ReplayTemplateError: Error, Equatable, CustomStringConvertible {
    case unclosedBrace
    case emptyPlaceholder
    case wildcard
    case empty
    case tooLong
    case noValue(String)

    var description: String {
        switch self {
        case .unclosedBrace: "a { has no }"
        case .emptyPlaceholder: "{} names no column"
        case .wildcard: "a topic to publish to has no + and no #"
        case .empty: "the topic is empty"
        case .tooLong: "the topic is longer than 65535 bytes"
        case .noValue(let column): "no value in column '\(column)'"
        }
    }
}

/// A topic with columns to fill in: `plant/{line}/{sensor}`.
struct ReplayTemplate: Equatable {
    private enum Part: Equatable {
        case text(String)
        case column(String)
    }

    private var parts: [Part] = []

    init(literal: String) { parts = [.text(literal)] }

    init(_ template: String) throws(ReplayTemplateError) {
        var rest = template[...]
        while let brace = rest.firstIndex(of: "{") {
            if brace > rest.startIndex { parts.append(.text(String(rest[..<brace]))) }
            guard let end = rest[brace...].firstIndex(of: "}") else { throw .unclosedBrace }
            let name = rest[rest.index(after: brace)..<end]
            guard !name.isEmpty else { throw .emptyPlaceholder }
            parts.append(.column(String(name)))
            rest = rest[rest.index(after: end)...]
        }
        if !rest.isEmpty { parts.append(.text(String(rest))) }
        guard !parts.isEmpty else { throw .empty }
        for case .text(let text) in parts where text.contains("+") || text.contains("#") {
            throw .wildcard
        }
    }

    var columns: [String] {
        parts.compactMap { part in
            guard case .column(let name) = part else { return nil }
            return name
        }
    }

    func topic(_ value: (String) -> String?) throws(ReplayTemplateError) -> String {
        var topic = ""
        for part in parts {
            switch part {
            case .text(let text): topic += text
            case .column(let name):
                guard let text = value(name), !text.isEmpty else { throw .noValue(name) }
                topic += Self.level(text)
            }
        }
        guard topic.utf8.count <= 65_535 else { throw .tooLong }
        return topic
    }

    /// What no topic may hold, wildcards and control characters, becomes `_`.
    static func level(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            byte >= 0x20 && byte < 0x7f && byte != UInt8(ascii: "+") && byte != UInt8(ascii: "#")
        }
        guard !isPlain else { return text }
        let scalars = text.unicodeScalars.map { scalar -> Unicode.Scalar in
            let isControl = scalar.properties.generalCategory == .control
            return scalar == "+" || scalar == "#" || isControl ? "_" : scalar
        }
        var level = ""
        level.unicodeScalars.append(contentsOf: scalars)
        return level
    }
}
