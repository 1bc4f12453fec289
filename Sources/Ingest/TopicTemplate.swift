import BrokerModel

/// Makes the name of a Kafka topic out of a publish.
///
/// What a device chose may hold any character, and Kafka's names hold few. Letters, digits, `-` and
/// `_` stand for themselves, any other byte is two dots and its two hexadecimal digits, and an
/// empty level is `..00`. So a value never holds a single dot, and single dots of the template
/// keep two values apart: names can be read back, and no two publishes that differ in their values
/// share one. `{topic}` is its levels, joined by dots. Where a value would make the name begin with
/// `__`, which is the broker's own, its underscore is written `..5f`.
package struct TopicTemplate: Equatable, Sendable {
    let template: RouteTemplate
    /// The one name there is when the template has no values.
    package let literal: TopicName?

    var isDerived: Bool { literal == nil }

    /// Nil when a name of it could be illegal, internal or mean two things.
    package init?(_ text: String) {
        guard let template = RouteTemplate(text), !template.pieces.isEmpty else { return nil }
        self.template = template
        guard !template.isLiteral else {
            guard let name = TopicName(template.plainText), !name.isInternal else { return nil }
            literal = name
            return
        }
        literal = nil
        guard template.pieces.count(where: { $0 == .topic }) <= 1 else { return nil }
        var needsDot = false
        for (index, piece) in template.pieces.enumerated() {
            guard case .literal(let bytes) = piece else {
                guard !needsDot else { return nil }
                needsDot = true
                continue
            }
            let text = String(decoding: bytes, as: UTF8.self)
            guard TopicName(text + "x") != nil, !text.contains("..") else { return nil }
            if index == 0, text.hasPrefix("__") { return nil }
            if bytes.contains(NameEscape.dot) { needsDot = false }
        }
    }

    /// Writes the name. False, with something written, when the publish lacks a value or the name
    /// would be too long.
    func write(_ publish: RoutedPublish, to output: inout ByteWriter) -> Bool {
        let start = output.count
        for piece in template.pieces {
            switch piece {
            case .literal(let bytes): output.writeBytes(bytes)
            case .level(let number):
                guard let level = publish.level(number) else { return false }
                NameEscape.write(level, to: &output, nameStart: start)
            case .client:
                guard !publish.client.isEmpty else { return false }
                NameEscape.write(publish.client, to: &output, nameStart: start)
            case .topic:
                NameEscape.writeLevels(publish.topic, to: &output, nameStart: start)
            }
            guard output.count &- start <= TopicName.lengthMax else { return false }
        }
        return true
    }

    /// The name for a publish; nil when there is none.
    package func name(
        topic: UnsafeRawBufferPointer,
        client: UnsafeRawBufferPointer
    ) -> TopicName? {
        var output = ByteWriter()
        guard write(RoutedPublish(topic: topic, client: client), to: &output) else { return nil }
        return TopicName(String(decoding: output.bytes, as: UTF8.self))
    }

    /// Whether some publish makes this name.
    package func yields(_ name: TopicName) -> Bool {
        guard isDerived else { return name == literal }
        return TemplateMatch(pieces: template.pieces, name: Array(name.description.utf8)).holds
    }
}

extension TopicTemplate: ConfigurationValue {
    package init?(configurationText: String) { self.init(configurationText) }
    package var configurationText: String { template.text }
}

extension RouteTemplate {
    /// The text of a template without values.
    fileprivate var plainText: String {
        pieces.reduce(into: "") {
            if case .literal(let bytes) = $1 { $0 += String(decoding: bytes, as: UTF8.self) }
        }
    }
}

/// The escape that `TopicTemplate` describes.
package enum NameEscape {
    static let dot = UInt8(ascii: ".")
    private static let underscore = UInt8(ascii: "_")
    private static let digits = Array("0123456789abcdef".utf8)

    /// Writes one level's name for itself.
    package static func write(
        _ level: UnsafeRawBufferPointer,
        to output: inout ByteWriter,
        nameStart: Int
    ) {
        guard !level.isEmpty else { return writeEscaped(0, to: &output) }
        for byte in level {
            let wouldBeInternal =
                byte == underscore && output.count &- nameStart == 1
                && output.bytes[nameStart] == underscore
            if isPlain(byte), !wouldBeInternal {
                output.writeByte(byte)
            } else {
                writeEscaped(byte, to: &output)
            }
        }
    }

    static func writeLevels(
        _ topic: UnsafeRawBufferPointer,
        to output: inout ByteWriter,
        nameStart: Int
    ) {
        var start = 0
        while true {
            var end = start
            while end < topic.count, topic[end] != UInt8(ascii: "/") { end &+= 1 }
            write(.init(rebasing: topic[start..<end]), to: &output, nameStart: nameStart)
            guard end < topic.count else { return }
            output.writeByte(dot)
            start = end &+ 1
        }
    }

    /// The level behind an escaped one; nil for what `write` never makes.
    package static func read(_ escaped: some Collection<UInt8>) -> [UInt8]? {
        var level: [UInt8] = []
        var rest = Array(escaped)[...]
        guard !rest.isEmpty else { return nil }
        while let byte = rest.first {
            guard let size = unitSize(rest) else { return nil }
            level.append(size == 1 ? byte : escapedByte(rest))
            rest = rest.dropFirst(size)
        }
        guard level != [0] else { return [] }
        return level.contains(0) ? nil : level
    }

    /// How many bytes the unit at the front takes, 1 or 4; nil when there is none.
    static func unitSize(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard let first = bytes.first else { return nil }
        guard first == dot else { return isPlain(first) ? 1 : nil }
        let unit = bytes.prefix(4)
        guard unit.count == 4, unit.dropFirst().first == dot,
            unit.suffix(2).allSatisfy({ digits.contains($0) })
        else { return nil }
        let byte = escapedByte(bytes)
        return isPlain(byte) && byte != underscore ? nil : 4
    }

    private static func escapedByte(_ unit: ArraySlice<UInt8>) -> UInt8 {
        unit.dropFirst(2).prefix(2).reduce(0) { value, digit in
            value &* 16 &+ UInt8(truncatingIfNeeded: digits.firstIndex(of: digit) ?? 0)
        }
    }

    private static func writeEscaped(_ byte: UInt8, to output: inout ByteWriter) {
        output.writeByte(dot)
        output.writeByte(dot)
        output.writeByte(digits[Int(byte &>> 4)])
        output.writeByte(digits[Int(byte & 15)])
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), underscore:
            true
        default: false
        }
    }
}

/// Reads a name against a template's pieces.
private struct TemplateMatch {
    let pieces: [RouteTemplate.Piece]
    let name: [UInt8]

    var holds: Bool { matches(piece: 0, from: 0) }

    private func matches(piece index: Int, from start: Int) -> Bool {
        guard index < pieces.count else { return start == name.count }
        switch pieces[index] {
        case .literal(let bytes):
            guard name[start...].starts(with: bytes) else { return false }
            return matches(piece: index + 1, from: start + bytes.count)
        case .level, .client:
            return ends(ofRunFrom: start).contains { matches(piece: index + 1, from: $0) }
        case .topic:
            return levels(from: start, then: index + 1)
        }
    }

    private func levels(from start: Int, then next: Int) -> Bool {
        for end in ends(ofRunFrom: start) {
            if matches(piece: next, from: end) { return true }
        }
        guard let last = ends(ofRunFrom: start).last, last < name.count,
            name[last] == NameEscape.dot
        else { return false }
        return levels(from: last + 1, then: next)
    }

    /// Where the value that begins at `start` may end. A literal behind it holds a dot or ends the
    /// name, so only few of these lead on.
    private func ends(ofRunFrom start: Int) -> [Int] {
        var ends: [Int] = []
        var end = start
        while let size = NameEscape.unitSize(name[end...]) {
            end += size
            ends.append(end)
        }
        return ends
    }
}
