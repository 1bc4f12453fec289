import BrokerModel

/// Reads the fields of a record in one of Kafka's schemas, whose bytes end with the record.
struct SchemaReader {
    /// Whether lengths are compact and structures end in tagged fields (KIP-482).
    var isFlexible = false
    private var reader: ByteReader

    init(_ bytes: UnsafeRawBufferPointer) {
        reader = ByteReader(bytes)
    }

    mutating func integer<T: FixedWidthInteger>(
        _: T.Type = T.self
    ) throws(GroupRecordError) -> T {
        guard let value = reader.readInteger(T.self) else { throw .truncated }
        return value
    }

    mutating func string() throws(GroupRecordError) -> String {
        guard let text = try nullableString() else { throw .negativeLength }
        return text
    }

    mutating func nullableString() throws(GroupRecordError) -> String? {
        let length = isFlexible ? try compactLength() : Int(try integer(Int16.self))
        guard length != -1 else { return nil }
        // Versions with compact lengths could hold more, and no answer could tell of it.
        guard length <= Int(Int16.max) else { throw .stringTooLong }
        guard let text = String(validating: try body(length), as: UTF8.self) else {
            throw .invalidUTF8
        }
        return text
    }

    mutating func bytes() throws(GroupRecordError) -> [UInt8] {
        Array(try body(isFlexible ? try compactLength() : Int(try integer(Int32.self))))
    }

    /// The count of an array whose elements take so many bytes each, or more.
    mutating func count(elementBytesMin: Int) throws(GroupRecordError) -> Int {
        let count = isFlexible ? try compactLength() : Int(try integer(Int32.self))
        guard count >= 0 else { throw .negativeLength }
        guard count <= reader.remaining / elementBytesMin else { throw .tooManyElements }
        return count
    }

    mutating func taggedFieldCount() throws(GroupRecordError) -> Int {
        guard let count = reader.readUnsignedVarint() else { throw .truncated }
        guard Int(count) <= reader.remaining / 2 else { throw .tooManyElements }
        return Int(count)
    }

    mutating func taggedField() throws(GroupRecordError) -> (tag: UInt32, body: SchemaReader) {
        guard let tag = reader.readUnsignedVarint(), let size = reader.readUnsignedVarint() else {
            throw .truncated
        }
        return (tag, SchemaReader(try body(Int(size))))
    }

    mutating func skipTaggedFields() throws(GroupRecordError) {
        guard isFlexible else { return }
        for _ in 0..<(try taggedFieldCount()) { _ = try taggedField() }
    }

    func finish() throws(GroupRecordError) {
        guard reader.isAtEnd else { throw .bytesAfterEnd }
    }

    private mutating func compactLength() throws(GroupRecordError) -> Int {
        guard let length = reader.readUnsignedVarint() else { throw .truncated }
        return Int(length) - 1
    }

    private mutating func body(_ length: Int) throws(GroupRecordError) -> UnsafeRawBufferPointer {
        guard length >= 0 else { throw .negativeLength }
        guard let bytes = reader.readBytes(length) else { throw .truncated }
        return bytes
    }
}

extension ByteWriter {
    /// A string after two bytes of length, which is all that Kafka's names ever need.
    mutating func writeSchemaString(_ text: String) {
        let length = text.utf8.count
        precondition(length <= Int(Int16.max), "no request brings a longer string")
        writeInteger(Int16(length))
        writeUTF8(text)
    }

    mutating func writeNullableSchemaString(_ text: String?) {
        guard let text else { return writeInteger(Int16(-1)) }
        writeSchemaString(text)
    }
}
