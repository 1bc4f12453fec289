import BrokerModel

/// A checked property list in somebody else's bytes. Empty for every 3.1.1 packet.
public struct PropertiesView: Sequence {
    /// The list without its length.
    public let bytes: UnsafeRawBufferPointer
    /// One bit an identifier.
    let present: UInt64

    public static var none: PropertiesView { .init(bytes: .init(start: nil, count: 0), present: 0) }

    @inlinable public var isEmpty: Bool { bytes.isEmpty }
    public func has(_ identifier: PropertyIdentifier) -> Bool { present & identifier.bit != 0 }

    /// The first value of a byte, integer or length property.
    public func integer(_ identifier: PropertyIdentifier) -> UInt32? {
        guard has(identifier) else { return nil }
        for property in self where property.identifier == identifier {
            if case .integer(let value) = property.value { return value }
        }
        return nil
    }

    /// The first value of a text or binary property.
    public func field(_ identifier: PropertyIdentifier) -> UnsafeRawBufferPointer? {
        guard has(identifier) else { return nil }
        for property in self where property.identifier == identifier {
            if case .field(let value) = property.value { return value }
        }
        return nil
    }

    /// Where the first property of this kind stands in `bytes`, its identifier included.
    public func place(of identifier: PropertyIdentifier) -> Range<Int>? {
        guard has(identifier) else { return nil }
        var reader = ByteReader(bytes)
        while !reader.isAtEnd {
            let start = reader.position
            guard let property = try? reader.readProperty() else { return nil }
            if property.identifier == identifier { return start..<reader.position }
        }
        return nil
    }

    /// The same list at another place, which holds equal bytes but for the properties named: those
    /// are not there.
    public func moved(
        to bytes: UnsafeRawBufferPointer,
        without dropped: PropertyIdentifier
    ) -> PropertiesView {
        PropertiesView(bytes: bytes, present: present & ~dropped.bit)
    }

    public func makeIterator() -> Iterator { Iterator(reader: ByteReader(bytes)) }

    public struct Iterator: IteratorProtocol {
        var reader: ByteReader

        /// The bytes were checked when the view was made: what fails here is only the end.
        public mutating func next() -> PropertyView? {
            guard !reader.isAtEnd else { return nil }
            return try? reader.readProperty()
        }
    }
}

/// One property in somebody else's bytes.
public struct PropertyView {
    public enum Value {
        case integer(UInt32)
        case field(UnsafeRawBufferPointer)
        case pair(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)
    }

    public let identifier: PropertyIdentifier
    public let value: Value
}

extension ByteReader {
    /// Reads a property list with its length and checks all of it: identifiers, types, places,
    /// values, and that nothing stands twice that must stand once (2.2.2).
    package mutating func readProperties(
        in place: PropertyPlaces
    ) throws(MQTTWireError) -> PropertiesView {
        let length = try readVariableByteInteger()
        guard let bytes = readBytes(length) else { throw .packetTooShort }
        return try PropertiesView(checking: bytes, in: place)
    }

    mutating func readProperty() throws(MQTTWireError) -> PropertyView {
        let number = try readVariableByteInteger()
        guard let byte = UInt8(exactly: number),
            let identifier = PropertyIdentifier(rawValue: byte)
        else { throw .unknownProperty(UInt32(truncatingIfNeeded: number)) }
        return PropertyView(identifier: identifier, value: try readValue(of: identifier.valueType))
    }

    private mutating func readValue(
        of type: PropertyIdentifier.ValueType
    ) throws(MQTTWireError) -> PropertyView.Value {
        switch type {
        case .byte: .integer(UInt32(try require(UInt8.self)))
        case .twoByteInteger: .integer(UInt32(try require(UInt16.self)))
        case .fourByteInteger: .integer(try require(UInt32.self))
        case .variableByteInteger:
            .integer(UInt32(truncatingIfNeeded: try readVariableByteInteger()))
        case .text: .field(try readText())
        case .binary: .field(try readBinary())
        case .textPair: .pair(name: try readText(), value: try readText())
        }
    }
}

extension PropertiesView {
    init(checking bytes: UnsafeRawBufferPointer, in place: PropertyPlaces) throws(MQTTWireError) {
        var reader = ByteReader(bytes)
        var present: UInt64 = 0
        while !reader.isAtEnd {
            let property = try reader.readProperty()
            let identifier = property.identifier
            guard !identifier.places.isDisjoint(with: place) else {
                throw .misplacedProperty(identifier)
            }
            guard present & identifier.bit == 0 || identifier.isRepeatable(in: place) else {
                throw .repeatedProperty(identifier)
            }
            present |= identifier.bit
            switch property.value {
            case .integer(let value): try identifier.check(value)
            case .field(let value):
                if identifier == .responseTopic { try value.requireTopicName() }
            case .pair: break
            }
        }
        self.init(bytes: bytes, present: present)
    }
}
