import BrokerModel
import RecordFormat

/// How `--format` writes a record: text with kcat's `%` signs and the usual escapes.
package struct RecordPattern {
    private enum Piece {
        case text(String)
        case topic, partition, offset, time, key, value, keySize, valueSize, headers
    }

    static let signs =
        "%t topic, %p partition, %o offset, %T milliseconds, %k key, %s value, "
        + "%K and %S their sizes (-1: null), %h headers, %% a %"

    private var pieces: [Piece] = []

    /// Nil when a sign or an escape is none of ours.
    package init?(_ pattern: String) {
        var text = ""
        var rest = pattern[...]
        while let character = rest.popFirst() {
            switch character {
            case "\\":
                guard let escaped = Self.escaped(rest.popFirst()) else { return nil }
                text.append(escaped)
            case "%":
                guard let sign = rest.popFirst() else { return nil }
                if sign == "%" {
                    text.append(sign)
                    continue
                }
                guard let piece = Self.piece(sign) else { return nil }
                pieces += [.text(text), piece]
                text = ""
            default: text.append(character)
            }
        }
        pieces.append(.text(text))
    }

    private static func escaped(_ character: Character?) -> Character? {
        switch character {
        case "n": "\n"
        case "r": "\r"
        case "t": "\t"
        case "0": "\0"
        case "\\": "\\"
        default: nil
        }
    }

    private static func piece(_ sign: Character) -> Piece? {
        switch sign {
        case "t": .topic
        case "p": .partition
        case "o": .offset
        case "T": .time
        case "k": .key
        case "s": .value
        case "K": .keySize
        case "S": .valueSize
        case "h": .headers
        default: nil
        }
    }

    /// Keys and values go out as they are, whatever bytes they have.
    func write(_ partition: PartitionName, _ record: RecordView, to output: inout [UInt8]) {
        for piece in pieces {
            switch piece {
            case .text(let text): output += text.utf8
            case .topic: output += partition.topic.utf8
            case .partition: output += "\(partition.index)".utf8
            case .offset: output += "\(record.offset.rawValue)".utf8
            case .time: output += "\(record.timestamp.rawValue)".utf8
            case .key: output += record.key ?? Self.nothing
            case .value: output += record.value ?? Self.nothing
            case .keySize: output += "\(record.key?.count ?? -1)".utf8
            case .valueSize: output += "\(record.value?.count ?? -1)".utf8
            case .headers: Self.write(record.headers, to: &output)
            }
        }
    }

    private static func write(_ headers: RecordHeaders, to output: inout [UInt8]) {
        var headers = headers
        var isFirst = true
        while let header = headers.next() {
            if !isFirst { output.append(UInt8(ascii: ",")) }
            isFirst = false
            output += header.name
            output.append(UInt8(ascii: "="))
            output += header.value ?? UnsafeRawBufferPointer(start: nil, count: 0)
        }
    }

    private static var nothing: UnsafeRawBufferPointer { .init(start: nil, count: 0) }
}
