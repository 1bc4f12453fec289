import BrokerModel
import MQTTWire

/// What a publish shows to routes: its topic and who sent it. The bytes are borrowed.
struct RoutedPublish {
    let topic: UnsafeRawBufferPointer
    /// Empty for whoever has none.
    let client: UnsafeRawBufferPointer

    /// The level with this number, counted from 1; nil when the topic has fewer.
    func level(_ number: Int) -> UnsafeRawBufferPointer? {
        var current = 1
        var start = 0
        var index = 0
        while index < topic.count {
            if topic[index] == UInt8(ascii: "/") {
                if current == number { break }
                current &+= 1
                start = index &+ 1
            }
            index &+= 1
        }
        guard current == number else { return nil }
        return UnsafeRawBufferPointer(rebasing: topic[start..<index])
    }
}

/// Text in which `{1}`, `{2}` and so on stand for levels of the MQTT topic, `{topic}` for all of it
/// and `{client}` for the client identifier. A brace that is meant as such is written twice.
package struct RouteTemplate: Equatable, Sendable {
    enum Piece: Equatable, Sendable {
        case literal([UInt8])
        case level(Int)
        case topic
        case client

        var isLiteral: Bool {
            if case .literal = self { true } else { false }
        }
    }

    let text: String
    let pieces: [Piece]

    /// Nil when a brace stands alone or holds something else.
    package init?(_ text: String) {
        self.text = text
        var pieces: [Piece] = []
        var literal: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == Self.open || byte == Self.close else {
                literal.append(byte)
                continue
            }
            if rest.first == byte {
                literal.append(byte)
                rest.removeFirst()
                continue
            }
            guard byte == Self.open, let end = rest.firstIndex(of: Self.close),
                let piece = Self.piece(String(decoding: rest[..<end], as: UTF8.self))
            else { return nil }
            if !literal.isEmpty { pieces.append(.literal(literal)) }
            literal = []
            pieces.append(piece)
            rest = rest[(end + 1)...]
        }
        if !literal.isEmpty { pieces.append(.literal(literal)) }
        self.pieces = pieces
    }

    private static func piece(_ name: String) -> Piece? {
        switch name {
        case "topic": return .topic
        case "client": return .client
        default:
            guard let number = Int(name), String(number) == name,
                (1...MQTTWireLimits.topicLevelsMax).contains(number)
            else { return nil }
            return .level(number)
        }
    }

    private static let open = UInt8(ascii: "{")
    private static let close = UInt8(ascii: "}")

    var usesClient: Bool { pieces.contains(.client) }
    var isLiteral: Bool { pieces.allSatisfy(\.isLiteral) }
    /// The highest level that it asks for; zero for none.
    var highestLevel: Int {
        pieces.reduce(0) {
            if case .level(let number) = $1 { max($0, number) } else { $0 }
        }
    }

    /// Writes the text with its values as they are. False, with something written, when the publish
    /// lacks one of them.
    func write(_ publish: RoutedPublish, to output: inout ByteWriter) -> Bool {
        for piece in pieces {
            switch piece {
            case .literal(let bytes): output.writeBytes(bytes)
            case .topic: output.writeBytes(publish.topic)
            case .level(let number):
                guard let level = publish.level(number) else { return false }
                output.writeBytes(level)
            case .client:
                guard !publish.client.isEmpty else { return false }
                output.writeBytes(publish.client)
            }
        }
        return true
    }
}

extension RouteTemplate: ConfigurationValue {
    package init?(configurationText: String) { self.init(configurationText) }
    package var configurationText: String { text }
}
