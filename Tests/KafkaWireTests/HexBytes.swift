import BrokerModel
import KafkaWire
import Testing

/// Bytes written as hexadecimal, with spaces and line ends between fields as the test likes.
func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map {
        UInt8(digits[$0] << 4 | digits[$0 + 1])
    }
}

/// What `write` put out.
func written(_ write: (inout ByteWriter) -> Void) -> [UInt8] {
    var output = ByteWriter()
    write(&output)
    return [UInt8](output.bytes)
}

/// Reads a value from all of `bytes`; what it leaves is an issue of the test.
func readAll<Value>(
    _ bytes: [UInt8],
    _ read: (inout ByteReader) throws -> Value
) throws -> Value {
    try bytes.withUnsafeBytes { input in
        var reader = ByteReader(input)
        let value = try read(&reader)
        #expect(reader.isAtEnd, "\(reader.remaining) bytes left")
        return value
    }
}

/// The error that reading `bytes` throws, nil when it throws none.
func refusal<Value>(
    _ bytes: [UInt8],
    _ read: (inout ByteReader) throws(KafkaWireError) -> Value
) -> KafkaWireError? {
    bytes.withUnsafeBytes { input in
        var reader = ByteReader(input)
        do throws(KafkaWireError) {
            _ = try read(&reader)
            return nil
        } catch {
            return error
        }
    }
}
