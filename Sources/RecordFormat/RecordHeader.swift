import BrokerModel

/// One header of a record (KIP-82): a name, and a value that may be null. The bytes are borrowed.
public struct RecordHeader {
    public let name: UnsafeRawBufferPointer
    public let value: UnsafeRawBufferPointer?
}

/// Walks the headers of one record, which its `RecordCursor` has already checked.
public struct RecordHeaders {
    /// How many are left.
    public private(set) var count: Int
    private var reader: ByteReader

    /// Nil when the bytes are not exactly `count` headers.
    init?(_ bytes: UnsafeRawBufferPointer, count: Int) {
        self.count = count
        reader = ByteReader(bytes)
        var walker = reader
        // Each header takes two bytes or more: a wild count ends here at once.
        guard count >= 0, count <= bytes.count / 2 || count == 0 else { return nil }
        for _ in 0..<count {
            guard walker.readRecordHeader() != nil else { return nil }
        }
        guard walker.isAtEnd else { return nil }
    }

    /// The next header, in the order in which the producer gave them; nil after the last.
    public mutating func next() -> RecordHeader? {
        guard count > 0, let header = reader.readRecordHeader() else { return nil }
        count &-= 1
        return header
    }
}

extension ByteReader {
    /// Bytes after their length, as records have them: nil inside for a length of -1, nil outside
    /// when the length is wrong.
    mutating func readNullableRecordBytes() -> UnsafeRawBufferPointer?? {
        guard let length = readRecordVarint() else { return nil }
        guard length != -1 else { return .some(nil) }
        guard let bytes = readBytes(Int(length)) else { return nil }
        return bytes
    }

    fileprivate mutating func readRecordHeader() -> RecordHeader? {
        guard let name = readNullableRecordBytes(), let name,
            let value = readNullableRecordBytes()
        else { return nil }
        return RecordHeader(name: name, value: value)
    }
}

extension ByteWriter {
    /// Writes a header as `RecordBatchBuilder.append` takes it.
    public mutating func writeRecordHeader(
        name: UnsafeRawBufferPointer,
        value: UnsafeRawBufferPointer?
    ) {
        let bytes = value ?? UnsafeRawBufferPointer(start: nil, count: 0)
        let bits = value == nil ? UInt64(Varint.null) : Varint.zigzag(length: bytes.count)
        writeRecordHeader(name: name, valueLength: bits, value: bytes)
    }

    /// The same for a name that stands in the program.
    public mutating func writeRecordHeader(name: StaticString, value: UnsafeRawBufferPointer?) {
        writeRecordHeader(name: name.recordBytes, value: value)
    }

    /// Writes a header up to its value. The caller then writes exactly `valueBytes` bytes, in as
    /// many pieces as it likes.
    public mutating func beginRecordHeader(name: UnsafeRawBufferPointer, valueBytes: Int) {
        writeRecordHeader(
            name: name,
            valueLength: Varint.zigzag(length: valueBytes),
            value: UnsafeRawBufferPointer(start: nil, count: 0)
        )
    }

    /// The same for a name that stands in the program.
    public mutating func beginRecordHeader(name: StaticString, valueBytes: Int) {
        beginRecordHeader(name: name.recordBytes, valueBytes: valueBytes)
    }

    private mutating func writeRecordHeader(
        name: UnsafeRawBufferPointer,
        valueLength: UInt64,
        value: UnsafeRawBufferPointer
    ) {
        writeUpTo(2 &* Varint.sizeMax &+ name.count &+ value.count) { room in
            guard let start = room.baseAddress else { return 0 }
            var target = start
            Varint.write(Varint.zigzag(length: name.count), to: &target)
            Varint.copy(name, to: &target)
            Varint.write(valueLength, to: &target)
            Varint.copy(value, to: &target)
            return target - start
        }
    }
}

extension StaticString {
    fileprivate var recordBytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
    }
}
