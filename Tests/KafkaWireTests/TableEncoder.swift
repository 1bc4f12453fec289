/// Writes a message straight from the table of fields, by its own reading of Kafka's rules, so that
/// it shares no mistake with the codecs.
struct TableEncoder {
    enum Fill: CaseIterable {
        /// Every field has a value that no other field has.
        case distinct
        /// The same, with null in each field that may be null.
        case nulls
        /// Every field has its default, and every array is empty.
        case defaults
    }

    let message: MessageShape
    let version: Int16
    var fill = Fill.distinct
    /// Fields that this version doesn't have get their default.
    var fieldsOf: Int16?
    /// Puts a tagged field that nobody knows behind the others of each structure.
    var hasUnknownTags = false

    private static let unknownTag: UInt32 = 9_999

    private var isFlexible: Bool { message.isFlexible(version) }

    func encode() -> [UInt8] {
        var output: [UInt8] = []
        write(message.fields, seed: 0, isAbsent: false, to: &output)
        return output
    }

    private func write(
        _ fields: [FieldShape],
        seed: Int,
        isAbsent: Bool,
        to output: inout [UInt8]
    ) {
        let present = fields.filter { $0.versions.contains(version) }
        for field in present where !field.isTagged(version) {
            write(field, seed: seed, isAbsent: isAbsent, to: &output)
        }
        guard isFlexible else { return }
        var tagged: [(tag: UInt32, bytes: [UInt8])] = []
        for field in present where field.isTagged(version) && !isDefault(field, isAbsent) {
            var bytes: [UInt8] = []
            write(field, seed: seed, isAbsent: isAbsent, to: &bytes)
            tagged.append((field.tag, bytes))
        }
        if hasUnknownTags { tagged.append((Self.unknownTag, [0xfe, 0xff, 0x80])) }
        append(varint: UInt32(tagged.count), to: &output)
        for field in tagged.sorted(by: { $0.tag < $1.tag }) {
            append(varint: field.tag, to: &output)
            append(varint: UInt32(field.bytes.count), to: &output)
            output += field.bytes
        }
    }

    private func isDefault(_ field: FieldShape, _ isAbsent: Bool) -> Bool {
        takesDefault(field, isAbsent) || fill == .nulls && field.isNullable(version)
    }

    private func takesDefault(_ field: FieldShape, _ isAbsent: Bool) -> Bool {
        let isOlder = fieldsOf.map { !field.versions.contains($0) } ?? false
        return isAbsent || isOlder || fill == .defaults
    }

    private func write(
        _ field: FieldShape,
        seed: Int,
        isAbsent: Bool,
        to output: inout [UInt8]
    ) {
        let seed = seed &* 37 &+ field.line
        let takesDefault = takesDefault(field, isAbsent)
        let isNull =
            takesDefault ? field.defaultText == "null" : fill == .nulls && field.isNullable(version)
        if isNull, field.isNullable(version) { return writeNull(field, to: &output) }
        guard field.isArray else {
            if field.kind == .structure, field.nullable != nil { output.append(1) }
            return writeElement(field, seed: seed, takesDefault: takesDefault, to: &output)
        }
        let count = takesDefault ? 0 : 2
        append(length: count, to: &output)
        for index in 0..<count {
            writeElement(field, seed: seed &+ 1_000 &* index, takesDefault: false, to: &output)
        }
    }

    private func writeNull(_ field: FieldShape, to output: inout [UInt8]) {
        if field.kind == .structure, !field.isArray { return output.append(0xff) }
        if isFlexible { return output.append(0) }
        let isShort = field.kind == .string && !field.isArray
        output += [UInt8](repeating: 0xff, count: isShort ? 2 : 4)
    }

    private func writeElement(
        _ field: FieldShape,
        seed: Int,
        takesDefault: Bool,
        to output: inout [UInt8]
    ) {
        let number =
            takesDefault ? Int64(field.defaultText ?? "") ?? 0 : Int64(truncatingIfNeeded: seed)
        switch field.kind {
        case .structure:
            write(field.fields, seed: seed, isAbsent: takesDefault, to: &output)
        case .bool: output.append(takesDefault ? (number == 0 ? 0 : 1) : 1)
        case .int8: append(takesDefault ? Int8(number) : Int8(seed % 100) + 1, to: &output)
        case .int16: append(takesDefault ? Int16(number) : Int16(seed % 30_000) + 1, to: &output)
        case .int32: append(takesDefault ? Int32(number) : Int32(seed % 2_000_000), to: &output)
        case .int64: append(number, to: &output)
        case .uuid:
            append(number, to: &output)
            append(takesDefault ? 0 : number &* 3, to: &output)
        case .string:
            // Some are longer than one byte of a compact length can say.
            let text = takesDefault ? "" : String(repeating: "é", count: seed % 90) + "\(seed)"
            if isFlexible {
                append(length: text.utf8.count, to: &output)
            } else {
                append(Int16(text.utf8.count), to: &output)
            }
            output += Array(text.utf8)
        case .bytes, .records:
            let count = takesDefault ? 0 : seed % 200
            append(length: count, to: &output)
            output += (0..<count).map { UInt8(truncatingIfNeeded: $0 &+ seed) }
        }
    }

    private func append(length: Int, to output: inout [UInt8]) {
        guard isFlexible else { return append(Int32(length), to: &output) }
        append(varint: UInt32(length + 1), to: &output)
    }

    private func append(varint value: UInt32, to output: inout [UInt8]) {
        var left = value
        while left > 127 {
            output.append(UInt8(left % 128 + 128))
            left /= 128
        }
        output.append(UInt8(left))
    }

    private func append(_ value: some FixedWidthInteger, to output: inout [UInt8]) {
        for shift in stride(from: value.bitWidth - 8, through: 0, by: -8) {
            output.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}
