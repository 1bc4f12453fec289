import BrokerModel
import RecordFormat

/// How a record reads on a terminal.
enum RecordText {
    /// `2026-11-21T05:32:41.123Z  0@17  plant/line1/motor/temperature  {"value":24.1}`
    static func line(_ partition: Int32, _ record: RecordView) -> String {
        let key = record.key.map(printable) ?? "-"
        let value = record.value.map(printable) ?? "-"
        let place = "\(partition)@\(record.offset.rawValue)"
        return "\(utcText(record.timestamp))  \(place)  \(key)  \(value)"
    }

    /// One JSON object. Bytes that are not UTF-8 come as hex, under a name that says so.
    static func json(_ topic: String, _ partition: Int32, _ record: RecordView) -> String {
        var fields = [
            "\"topic\":\(quoted(topic))", "\"partition\":\(partition)",
            "\"offset\":\(record.offset.rawValue)", "\"timestamp\":\(record.timestamp.rawValue)",
            field("key", record.key),
        ]
        var headers = record.headers
        var pairs: [String] = []
        while let header = headers.next() {
            let name = String(decoding: header.name, as: UTF8.self)
            pairs.append("{\"name\":\(quoted(name)),\(field("value", header.value))}")
        }
        fields.append("\"headers\":[\(pairs.joined(separator: ","))]")
        fields.append(field("value", record.value))
        return "{" + fields.joined(separator: ",") + "}"
    }

    /// What a reader says when retention was faster.
    static func skipped(_ partition: PartitionName, _ offsets: Range<Offset>) -> String {
        "# partition \(partition): offsets \(offsets.lowerBound.rawValue) to "
            + "\(offsets.upperBound.rawValue - 1) were deleted before they were read\n"
    }

    private static func field(_ name: String, _ bytes: UnsafeRawBufferPointer?) -> String {
        guard let bytes else { return "\"\(name)\":null" }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            return "\"\(name)_hex\":\"\(hex(bytes))\""
        }
        return "\"\(name)\":\(quoted(text))"
    }

    /// Text as it is, as long as a terminal shows it as text; anything else as hex.
    private static func printable(_ bytes: UnsafeRawBufferPointer) -> String {
        guard let text = String(validating: bytes, as: UTF8.self),
            text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else { return "0x" + hex(bytes) }
        return text
    }

    private static func hex(_ bytes: UnsafeRawBufferPointer) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case _ where scalar.value < 0x20:
                quoted += "\\u00" + (scalar.value < 16 ? "0" : "")
                quoted += String(scalar.value, radix: 16)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
