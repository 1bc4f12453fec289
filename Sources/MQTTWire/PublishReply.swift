import BrokerModel

/// PUBACK, PUBREC, PUBREL or PUBCOMP (3.4 to 3.7): one shape for all four.
package struct PublishReply: Equatable, Sendable {
    package var type: PacketType
    package var packetIdentifier: UInt16
    package var reasonCode: ReasonCode
    package var properties: Properties

    package init(
        _ type: PacketType,
        packetIdentifier: UInt16,
        reasonCode: ReasonCode = .success,
        properties: Properties = Properties()
    ) {
        self.type = type
        self.packetIdentifier = packetIdentifier
        self.reasonCode = reasonCode
        self.properties = properties
    }

    /// Reads the body of one of the four. MQTT 5 may leave out properties and a successful code.
    package init(_ frame: PacketFrame, version: ProtocolVersion) throws(MQTTWireError) {
        type = frame.type
        reasonCode = .success
        properties = Properties()
        var reader = ByteReader(frame.body)
        packetIdentifier = try reader.readPacketIdentifier()
        if version == .v5, !reader.isAtEnd {
            reasonCode = try reader.readReasonCode(in: frame.type)
            if !reader.isAtEnd {
                properties = Properties(try reader.readProperties(in: .init(frame.type)))
            }
        }
        try reader.requireEnd()
    }

    package func write(to output: inout ByteWriter, version: ProtocolVersion) {
        guard version == .v5, reasonCode != .success || !properties.isEmpty else {
            output.writePublishReply(type, packetIdentifier: packetIdentifier)
            return
        }
        output.writePacket(type) { body in
            body.writeInteger(packetIdentifier)
            body.writeByte(reasonCode.rawValue)
            if !properties.isEmpty { body.writeProperties(properties) }
        }
    }
}

extension ByteWriter {
    /// Writes a successful reply, which is four bytes and the same in both versions.
    public mutating func writePublishReply(_ type: PacketType, packetIdentifier: UInt16) {
        let head = UInt32(type.rawValue << 4 | type.requiredFlags) << 24 | 2 << 16
        writeInteger(head | UInt32(packetIdentifier))
    }
}

extension ByteReader {
    mutating func readReasonCode(in type: PacketType) throws(MQTTWireError) -> ReasonCode {
        let byte = try require(UInt8.self)
        guard let reason = ReasonCode(rawValue: byte), reason.isLegal(in: type) else {
            throw .unknownReasonCode(byte)
        }
        return reason
    }
}
