import BrokerModel

/// One optional field at the end of a structure of a flexible version (KIP-482).
struct TaggedField {
    let tag: UInt32
    var body: ByteReader

    /// Throws when the field held more than its reader understood: then we misread it.
    func finish() throws(KafkaWireError) {
        guard body.isAtEnd else { throw .taggedFieldLength(tag: tag) }
    }
}

/// Walks the tagged fields of one structure. Who does not know a tag asks for the next.
struct TaggedFields {
    private var left: UInt32

    init(reading reader: inout ByteReader) throws(KafkaWireError) {
        left = try reader.readVarintLength()
        // A field has a tag and a length, so it takes two bytes at least.
        guard Int(left) <= reader.remaining / 2 else { throw .tooManyElements(Int(left)) }
    }

    mutating func next(_ reader: inout ByteReader) throws(KafkaWireError) -> TaggedField? {
        guard left > 0 else { return nil }
        left &-= 1
        let tag = try reader.readVarintLength()
        let length = try reader.readVarintLength()
        guard let body = reader.readBytes(Int(length)) else {
            throw .taggedFieldLength(tag: tag)
        }
        return TaggedField(tag: tag, body: ByteReader(body))
    }
}

extension ByteReader {
    mutating func skipTaggedFields() throws(KafkaWireError) {
        var fields = try TaggedFields(reading: &self)
        while try fields.next(&self) != nil {}
    }
}

/// Gathers the tagged fields of one structure, in the order of their tags, then writes them.
struct TaggedFieldsWriter: ~Copyable {
    private var fields = ByteWriter()
    private var count: UInt32 = 0

    mutating func add(_ tag: UInt32, _ write: (inout ByteWriter) -> Void) {
        var body = ByteWriter()
        write(&body)
        fields.writeUnsignedVarint(tag)
        fields.writeUnsignedVarint(UInt32(body.count))
        fields.writeBytes(body.bytes)
        count &+= 1
    }

    func write(to output: inout ByteWriter) {
        output.writeUnsignedVarint(count)
        output.writeBytes(fields.bytes)
    }
}

extension ByteWriter {
    mutating func writeNoTaggedFields() { writeByte(0) }
}
