import BrokerModel

/// The identifiers of the subscriptions that a message matched, as its PUBLISH tells them (3.3.4).
/// The usual one or none of them costs no allocation.
public struct SubscriptionIdentifiers: Equatable, Sendable {
    /// Zero for none.
    private var first: UInt32 = 0
    private var others: [UInt32] = []

    public init() {}

    public var isEmpty: Bool { first == 0 }

    /// Zero, a subscription without an identifier, changes nothing.
    public mutating func append(_ identifier: UInt32) {
        guard identifier != 0 else { return }
        if first == 0 { first = identifier } else { others.append(identifier) }
    }

    /// What they take in a property list.
    var encodedSize: Int {
        guard first != 0 else { return 0 }
        var size = 1 &+ ByteWriter.variableByteIntegerSize(Int(first))
        for other in others { size &+= 1 &+ ByteWriter.variableByteIntegerSize(Int(other)) }
        return size
    }

    func write(to output: inout ByteWriter) {
        guard first != 0 else { return }
        Self.write(first, to: &output)
        for other in others { Self.write(other, to: &output) }
    }

    private static func write(_ identifier: UInt32, to output: inout ByteWriter) {
        output.writeByte(PropertyIdentifier.subscriptionIdentifier.rawValue)
        output.writeVariableByteInteger(Int(identifier))
    }
}

/// A PUBLISH at QoS 1 from us to a subscriber, in parts that a message keeps for all of them.
public struct DeliveryPacket {
    /// What is left of a message's life, and where its property list says so (3.3.2.3.3).
    public struct Expiry {
        public var seconds: UInt32
        /// Of the four bytes of its value.
        public var position: Int

        public init(seconds: UInt32, position: Int) {
            self.seconds = seconds
            self.position = position
        }
    }

    public var topic: UnsafeRawBufferPointer
    public var payload: UnsafeRawBufferPointer
    /// A checked list without a topic alias.
    public var properties: UnsafeRawBufferPointer
    public var expiry: Expiry?
    public var identifiers = SubscriptionIdentifiers()
    public var packetIdentifier: UInt16 = 0
    public var isDuplicate = false

    public init(
        topic: UnsafeRawBufferPointer,
        payload: UnsafeRawBufferPointer,
        properties: UnsafeRawBufferPointer
    ) {
        self.topic = topic
        self.payload = payload
        self.properties = properties
    }

    /// The whole packet's size on the wire.
    public func encodedSize(version: ProtocolVersion) -> Int {
        let length = remainingLength(version: version)
        return 1 &+ ByteWriter.variableByteIntegerSize(length) &+ length
    }

    public func write(to output: inout ByteWriter, version: ProtocolVersion) {
        let length = remainingLength(version: version)
        output.reserve(length &+ 5)
        let flags: UInt8 = isDuplicate ? 0b1010 : 0b0010
        output.writeByte(PacketType.publish.rawValue << 4 | flags)
        output.writeVariableByteInteger(length)
        output.writeField(topic)
        output.writeInteger(packetIdentifier)
        if version == .v5 { writeProperties(to: &output) }
        output.writeBytes(payload)
    }

    private func writeProperties(to output: inout ByteWriter) {
        output.writeVariableByteInteger(propertyBytes)
        let start = output.count
        output.writeBytes(properties)
        if let expiry { output.patchInteger(expiry.seconds, at: start &+ expiry.position) }
        identifiers.write(to: &output)
    }

    private var propertyBytes: Int { properties.count &+ identifiers.encodedSize }

    private func remainingLength(version: ProtocolVersion) -> Int {
        let length = 4 &+ topic.count &+ payload.count
        guard version == .v5 else { return length }
        let propertyBytes = propertyBytes
        return length &+ ByteWriter.variableByteIntegerSize(propertyBytes) &+ propertyBytes
    }
}
