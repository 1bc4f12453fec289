import BrokerModel

/// A PUBLISH (3.3) in somebody else's bytes, which stay alive and unchanged while it is used.
public struct PublishPacket {
    public var topic: UnsafeRawBufferPointer
    public var payload: UnsafeRawBufferPointer
    public var properties: PropertiesView
    /// Zero at QoS 0.
    public var packetIdentifier: UInt16
    public var qos: QualityOfService
    public var isRetained: Bool
    public var isDuplicate: Bool

    public init(
        topic: UnsafeRawBufferPointer,
        payload: UnsafeRawBufferPointer,
        qos: QualityOfService = .atMostOnce,
        packetIdentifier: UInt16 = 0,
        isRetained: Bool = false,
        isDuplicate: Bool = false,
        properties: PropertiesView = .none
    ) {
        self.topic = topic
        self.payload = payload
        self.properties = properties
        self.packetIdentifier = packetIdentifier
        self.qos = qos
        self.isRetained = isRetained
        self.isDuplicate = isDuplicate
    }

    /// Reads the body of a PUBLISH frame. An empty topic passes only beside a topic alias.
    public init(_ frame: PacketFrame, version: ProtocolVersion) throws(MQTTWireError) {
        let flags = frame.flags
        guard let qos = QualityOfService(rawValue: flags >> 1 & 0b11) else { throw .reservedQoS }
        guard flags & 0b1000 == 0 || qos != .atMostOnce else { throw .duplicateAtQoS0 }
        self.qos = qos
        isDuplicate = flags & 0b1000 != 0
        isRetained = flags & 0b0001 != 0
        // By pointer and not by cursor: this runs for every message.
        guard let start = frame.body.baseAddress, frame.body.count >= 2 else {
            throw .packetTooShort
        }
        let end = frame.body.count
        let topicLength = Int(UInt16(bigEndian: start.loadUnaligned(as: UInt16.self)))
        var position = 2 &+ topicLength
        guard position <= end else { throw .packetTooShort }
        topic = UnsafeRawBufferPointer(start: start + 2, count: topicLength)
        try topic.requireTopicName()
        packetIdentifier = 0
        if qos != .atMostOnce {
            guard position &+ 2 <= end else { throw .packetTooShort }
            packetIdentifier = UInt16(
                bigEndian: start.loadUnaligned(fromByteOffset: position, as: UInt16.self)
            )
            guard packetIdentifier != 0 else { throw .packetIdentifierZero }
            position &+= 2
        }
        let rest = UnsafeRawBufferPointer(start: start + position, count: end &- position)
        switch version {
        case .v311:
            properties = .none
            payload = rest
        case .v5:
            var reader = ByteReader(rest)
            properties = try reader.readProperties(in: .publish)
            payload = reader.rest
        }
        guard !topic.isEmpty || properties.has(.topicAlias) else { throw .topicNameEmpty }
    }

    /// The whole packet's size on the wire.
    public func encodedSize(version: ProtocolVersion) -> Int {
        let length = remainingLength(
            version: version,
            propertyBytes: properties.bytes.count
        )
        return 1 &+ ByteWriter.variableByteIntegerSize(length) &+ length
    }

    /// Writes the packet with all its properties.
    public func write(to output: inout ByteWriter, version: ProtocolVersion) {
        let propertyBytes = properties.bytes.count
        writeHead(to: &output, version: version, propertyBytes: propertyBytes)
        if version == .v5 {
            output.writeBytes(properties.bytes)
        }
        output.writeBytes(payload)
    }

    /// Writes the packet for a subscriber, at QoS 0: without the publisher's topic alias, and with
    /// the identifiers of the subscriptions that matched (3.3.4). Returns its size.
    @discardableResult
    public func writeForwarded(
        to output: inout ByteWriter,
        version: ProtocolVersion,
        subscriptionIdentifiers: [UInt32] = []
    ) -> Int {
        let start = output.count
        var copy = self
        copy.qos = .atMostOnce
        copy.isDuplicate = false
        copy.isRetained = false
        guard version == .v5 else {
            copy.properties = .none
            copy.write(to: &output, version: version)
            return output.count &- start
        }
        guard properties.has(.topicAlias) || !subscriptionIdentifiers.isEmpty else {
            copy.write(to: &output, version: version)
            return output.count &- start
        }
        var forwarded = Properties(properties, without: .topicAlias)
        for identifier in subscriptionIdentifiers {
            forwarded.append(.subscriptionIdentifier, identifier)
        }
        forwarded.withView { view in
            copy.properties = view
            copy.write(to: &output, version: version)
        }
        return output.count &- start
    }

    private func writeHead(
        to output: inout ByteWriter,
        version: ProtocolVersion,
        propertyBytes: Int
    ) {
        let length = remainingLength(version: version, propertyBytes: propertyBytes)
        output.reserve(length &+ 5)
        let duplicate: UInt8 = isDuplicate ? 0b1000 : 0
        let retain: UInt8 = isRetained ? 1 : 0
        output.writeByte(PacketType.publish.rawValue << 4 | duplicate | qos.rawValue << 1 | retain)
        output.writeVariableByteInteger(length)
        output.writeField(topic)
        if qos != .atMostOnce {
            output.writeInteger(packetIdentifier)
        }
        if version == .v5 {
            output.writeVariableByteInteger(propertyBytes)
        }
    }

    private func remainingLength(version: ProtocolVersion, propertyBytes: Int) -> Int {
        var length = 2 &+ topic.count &+ payload.count
        if qos != .atMostOnce { length &+= 2 }
        if version == .v5 {
            length &+= ByteWriter.variableByteIntegerSize(propertyBytes) &+ propertyBytes
        }
        return length
    }
}
