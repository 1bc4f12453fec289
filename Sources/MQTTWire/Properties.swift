import BrokerModel

/// A property list of our own, in its encoded form: built by us, or copied from a checked view.
public struct Properties: Equatable, Sendable {
    public private(set) var bytes: [UInt8] = []
    private var present: UInt64 = 0

    public init() {}

    public init(_ view: PropertiesView) {
        bytes = Array(view.bytes)
        present = view.present
    }

    /// Copies a view without the properties named.
    public init(_ view: PropertiesView, without dropped: PropertyIdentifier) {
        self.init()
        for property in view where property.identifier != dropped {
            append(property)
        }
    }

    public var isEmpty: Bool { bytes.isEmpty }
    public func has(_ identifier: PropertyIdentifier) -> Bool { present & identifier.bit != 0 }

    /// Lends the list as a view.
    public func withView<Result>(_ body: (PropertiesView) -> Result) -> Result {
        bytes.withUnsafeBytes { body(PropertiesView(bytes: $0, present: present)) }
    }

    public func integer(_ identifier: PropertyIdentifier) -> UInt32? {
        withView { $0.integer(identifier) }
    }

    public func text(_ identifier: PropertyIdentifier) -> Text? {
        withView { view in view.field(identifier).map { Text($0) } }
    }

    public func binary(_ identifier: PropertyIdentifier) -> [UInt8]? {
        withView { view in view.field(identifier).map { Array($0) } }
    }

    public var userProperties: [(name: Text, value: Text)] {
        withView { view in
            view.compactMap { property in
                guard case .pair(let name, let value) = property.value else { return nil }
                return (name: Text(name), value: Text(value))
            }
        }
    }

    public mutating func append(_ identifier: PropertyIdentifier, _ value: UInt32) {
        start(identifier)
        switch identifier.valueType {
        case .byte: bytes.append(UInt8(truncatingIfNeeded: value))
        case .twoByteInteger: appendInteger(UInt16(truncatingIfNeeded: value))
        case .fourByteInteger: appendInteger(value)
        case .variableByteInteger: appendVariableByteInteger(value)
        case .text, .binary, .textPair: preconditionFailure("\(identifier) is not a number")
        }
    }

    public mutating func append(_ identifier: PropertyIdentifier, _ value: Text) {
        append(identifier, value.bytes)
    }

    public mutating func append(_ identifier: PropertyIdentifier, _ value: [UInt8]) {
        let type = identifier.valueType
        precondition(type == .text || type == .binary, "\(identifier) is not text")
        start(identifier)
        appendField(value)
    }

    public mutating func append(userProperty name: Text, _ value: Text) {
        start(.userProperty)
        appendField(name.bytes)
        appendField(value.bytes)
    }

    private mutating func append(_ property: PropertyView) {
        switch property.value {
        case .integer(let value): append(property.identifier, value)
        case .field(let value): append(property.identifier, Array(value))
        case .pair(let name, let value): append(userProperty: Text(name), Text(value))
        }
    }

    private mutating func start(_ identifier: PropertyIdentifier) {
        bytes.append(identifier.rawValue)
        present |= identifier.bit
    }

    private mutating func appendField(_ field: [UInt8]) {
        precondition(field.count <= MQTTWireLimits.fieldBytesMax, "a field's length has two bytes")
        appendInteger(UInt16(truncatingIfNeeded: field.count))
        bytes.append(contentsOf: field)
    }

    private mutating func appendInteger<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    private mutating func appendVariableByteInteger(_ value: UInt32) {
        precondition(value <= MQTTWireLimits.remainingLengthMax, "four bytes hold it (1.5.5)")
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: value))
    }
}

extension ByteWriter {
    /// Writes the list with its length.
    mutating func writeProperties(_ properties: Properties) {
        writeVariableByteInteger(properties.bytes.count)
        writeBytes(properties.bytes)
    }
}
