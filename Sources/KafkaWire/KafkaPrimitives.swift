import BrokerModel

// The protocol's basic types, read and written. `flexible` asks for the compact forms, whose
// lengths are unsigned varints of the length plus one, with zero for null (KIP-482).

extension ByteReader {
    mutating func readFixed<T: FixedWidthInteger>(
        _: T.Type = T.self
    ) throws(KafkaWireError) -> T {
        guard let value = readInteger(T.self) else { throw .truncated }
        return value
    }

    mutating func readBool() throws(KafkaWireError) -> Bool { try readFixed(UInt8.self) != 0 }

    mutating func readErrorCode() throws(KafkaWireError) -> KafkaErrorCode {
        KafkaErrorCode(rawValue: try readFixed())
    }

    mutating func readUUID() throws(KafkaWireError) -> UUIDBytes {
        UUIDBytes(high: try readFixed(), low: try readFixed())
    }

    mutating func readVarintLength() throws(KafkaWireError) -> UInt32 {
        guard let value = readUnsignedVarint() else {
            throw remaining < 5 ? .truncated : .varintTooLong
        }
        return value
    }

    mutating func readString(flexible: Bool) throws(KafkaWireError) -> String {
        guard let text = try readNullableString(flexible: flexible) else { throw .unexpectedNull }
        return text
    }

    mutating func readNullableString(flexible: Bool) throws(KafkaWireError) -> String? {
        let length =
            flexible ? Int(try readVarintLength()) &- 1 : Int(try readFixed(Int16.self))
        guard length <= KafkaWireLimits.stringBytesMax else { throw .stringTooLong(length) }
        guard let bytes = try readNullable(length) else { return nil }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .invalidUTF8 }
        return text
    }

    /// Bytes or records: they live as long as the frame does.
    mutating func readNullableBytes(
        flexible: Bool
    ) throws(KafkaWireError) -> UnsafeRawBufferPointer? {
        let length =
            flexible ? Int(try readVarintLength()) &- 1 : Int(try readFixed(Int32.self))
        return try readNullable(length)
    }

    /// The count of an array, nil for null. `elementBytesMin` is the least that one element takes.
    mutating func readCount(
        flexible: Bool,
        elementBytesMin: Int
    ) throws(KafkaWireError) -> Int? {
        let count =
            flexible ? Int(try readVarintLength()) &- 1 : Int(try readFixed(Int32.self))
        guard count >= 0 else {
            guard count == -1 else { throw .negativeLength(count) }
            return nil
        }
        guard count <= remaining / elementBytesMin, count <= KafkaWireLimits.arrayElementsMax
        else { throw .tooManyElements(count) }
        return count
    }

    /// Bytes that outlive the frame.
    mutating func readByteArray(flexible: Bool) throws(KafkaWireError) -> [UInt8] {
        guard let bytes = try readNullableBytes(flexible: flexible) else { throw .unexpectedNull }
        return [UInt8](bytes)
    }

    mutating func readIntegers<T: FixedWidthInteger>(
        _: T.Type = T.self,
        flexible: Bool
    ) throws(KafkaWireError) -> [T] {
        let values: [T]? = try readNullableIntegers(flexible: flexible)
        guard let values else { throw .unexpectedNull }
        return values
    }

    mutating func readNullableIntegers<T: FixedWidthInteger>(
        _: T.Type = T.self,
        flexible: Bool
    ) throws(KafkaWireError) -> [T]? {
        let count = try readCount(flexible: flexible, elementBytesMin: MemoryLayout<T>.size)
        guard let count else { return nil }
        var values: [T] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try readFixed()) }
        return values
    }

    mutating func readStrings(flexible: Bool) throws(KafkaWireError) -> [String] {
        guard let texts = try readNullableStrings(flexible: flexible) else {
            throw .unexpectedNull
        }
        return texts
    }

    mutating func readNullableStrings(flexible: Bool) throws(KafkaWireError) -> [String]? {
        let count = try readCount(flexible: flexible, elementBytesMin: 1)
        guard let count else { return nil }
        var texts: [String] = []
        texts.reserveCapacity(count)
        for _ in 0..<count { texts.append(try readString(flexible: flexible)) }
        return texts
    }

    private mutating func readNullable(
        _ length: Int
    ) throws(KafkaWireError) -> UnsafeRawBufferPointer? {
        guard length >= 0 else {
            guard length == -1 else { throw .negativeLength(length) }
            return nil
        }
        guard let bytes = readBytes(length) else { throw .truncated }
        return bytes
    }
}

extension ByteWriter {
    mutating func writeBool(_ value: Bool) { writeByte(value ? 1 : 0) }

    mutating func writeErrorCode(_ code: KafkaErrorCode) { writeInteger(code.rawValue) }

    mutating func writeUUID(_ id: UUIDBytes) {
        writeInteger(id.high)
        writeInteger(id.low)
    }

    mutating func writeString(_ text: String, flexible: Bool) {
        let length = text.utf8.count
        precondition(
            length <= KafkaWireLimits.stringBytesMax,
            "our own names and messages are short"
        )
        if flexible {
            writeUnsignedVarint(UInt32(length &+ 1))
        } else {
            writeInteger(Int16(length))
        }
        writeUTF8(text)
    }

    mutating func writeNullableString(_ text: String?, flexible: Bool) {
        guard let text else {
            if flexible { writeByte(0) } else { writeInteger(Int16(-1)) }
            return
        }
        writeString(text, flexible: flexible)
    }

    mutating func writeNullableBytes(_ bytes: UnsafeRawBufferPointer?, flexible: Bool) {
        // The length of bytes takes the same forms as the count of an array.
        writeCount(bytes?.count, flexible: flexible)
        if let bytes { writeBytes(bytes) }
    }

    /// The count of an array; nil writes null.
    mutating func writeCount(_ count: Int?, flexible: Bool) {
        if flexible {
            writeUnsignedVarint(UInt32((count ?? -1) &+ 1))
        } else {
            writeInteger(Int32(count ?? -1))
        }
    }

    mutating func writeByteArray(_ bytes: [UInt8], flexible: Bool) {
        writeCount(bytes.count, flexible: flexible)
        writeBytes(bytes)
    }

    mutating func writeIntegers(_ values: [some FixedWidthInteger]?, flexible: Bool) {
        writeCount(values?.count, flexible: flexible)
        for value in values ?? [] { writeInteger(value) }
    }

    mutating func writeStrings(_ texts: [String]?, flexible: Bool) {
        writeCount(texts?.count, flexible: flexible)
        for text in texts ?? [] { writeString(text, flexible: flexible) }
    }
}
