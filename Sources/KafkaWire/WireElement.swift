import BrokerModel

/// A structure inside an array: it has both directions and a least size, which bounds how many of
/// them a frame can hold.
typealias WireElement = ReadableElement & WritableElement

protocol ReadableElement {
    /// The least bytes that one takes in any version.
    static var bytesMin: Int { get }
    init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError)
}

protocol WritableElement {
    func write(to output: inout ByteWriter, version: Int16)
}

extension ByteReader {
    mutating func readArray<Element: ReadableElement>(
        version: Int16,
        flexible: Bool
    ) throws(KafkaWireError) -> [Element] {
        let array: [Element]? = try readNullableArray(version: version, flexible: flexible)
        guard let array else { throw .unexpectedNull }
        return array
    }

    mutating func readNullableArray<Element: ReadableElement>(
        version: Int16,
        flexible: Bool
    ) throws(KafkaWireError) -> [Element]? {
        let count = try readCount(flexible: flexible, elementBytesMin: Element.bytesMin)
        guard let count else { return nil }
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for _ in 0..<count {
            elements.append(try Element(reading: &self, version: version))
        }
        return elements
    }

    /// A structure that may be null: a byte tells, negative for null.
    mutating func readNullableStructure<Element: ReadableElement>(
        version: Int16
    ) throws(KafkaWireError) -> Element? {
        guard try readFixed(Int8.self) >= 0 else { return nil }
        return try Element(reading: &self, version: version)
    }
}

extension ByteWriter {
    mutating func writeArray(
        _ elements: [some WritableElement]?,
        version: Int16,
        flexible: Bool
    ) {
        writeCount(elements?.count, flexible: flexible)
        for element in elements ?? [] { element.write(to: &self, version: version) }
    }

    mutating func writeNullableStructure(_ element: (some WritableElement)?, version: Int16) {
        writeInteger(Int8(element == nil ? -1 : 1))
        element?.write(to: &self, version: version)
    }
}
