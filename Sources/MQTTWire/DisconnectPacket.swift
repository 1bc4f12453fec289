import BrokerModel

/// DISCONNECT or AUTH (3.14, 3.15): a reason and properties, both left out when they say nothing.
package struct DisconnectPacket: Equatable, Sendable {
    package var type: PacketType
    package var reasonCode: ReasonCode
    package var properties: Properties

    package init(
        _ reasonCode: ReasonCode = .success,
        properties: Properties = Properties(),
        type: PacketType = .disconnect
    ) {
        self.type = type
        self.reasonCode = reasonCode
        self.properties = properties
    }

    package init(_ frame: PacketFrame, version: ProtocolVersion) throws(MQTTWireError) {
        type = frame.type
        reasonCode = .success
        properties = Properties()
        var reader = ByteReader(frame.body)
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
            output.writeEmptyPacket(type)
            return
        }
        output.writePacket(type) { body in
            body.writeByte(reasonCode.rawValue)
            if !properties.isEmpty { body.writeProperties(properties) }
        }
    }
}
