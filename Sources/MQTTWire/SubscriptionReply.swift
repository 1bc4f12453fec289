import BrokerModel

/// SUBACK or UNSUBACK (3.9, 3.11): one code a filter, in the order asked.
package struct SubscriptionReply: Equatable, Sendable {
    package var type: PacketType
    package var packetIdentifier: UInt16
    /// Empty in 3.1.1's UNSUBACK, which has no codes.
    package var reasonCodes: [ReasonCode]
    package var properties: Properties

    package init(
        _ type: PacketType,
        packetIdentifier: UInt16,
        reasonCodes: [ReasonCode],
        properties: Properties = Properties()
    ) {
        self.type = type
        self.packetIdentifier = packetIdentifier
        self.reasonCodes = reasonCodes
        self.properties = properties
    }

    package init(_ frame: PacketFrame, version: ProtocolVersion) throws(MQTTWireError) {
        type = frame.type
        var reader = ByteReader(frame.body)
        packetIdentifier = try reader.readPacketIdentifier()
        properties = Properties(
            version == .v5 ? try reader.readProperties(in: .init(frame.type)) : .none
        )
        reasonCodes = []
        if version == .v311, frame.type == .unsuback {
            try reader.requireEnd()
            return
        }
        while !reader.isAtEnd {
            let reason = try reader.readReasonCode(in: frame.type)
            let isOlder = reason.rawValue <= 2 || reason == .unspecifiedError
            guard version == .v5 || isOlder else { throw .unknownReasonCode(reason.rawValue) }
            reasonCodes.append(reason)
        }
        guard !reasonCodes.isEmpty else { throw .packetTooShort }
    }

    /// Writes the packet. 3.1.1 knows a single failure code (3.1.1, 3.9.3).
    package func write(to output: inout ByteWriter, version: ProtocolVersion) {
        output.writePacket(type) { body in
            body.writeInteger(packetIdentifier)
            if version == .v5 { body.writeProperties(properties) }
            guard version == .v5 || type == .suback else { return }
            for reason in reasonCodes {
                let code = version == .v311 && reason.isFailure ? .unspecifiedError : reason
                body.writeByte(code.rawValue)
            }
        }
    }
}
