import BrokerModel

/// The server's answer to CONNECT (3.2). 3.1.1's return codes are told as MQTT 5's reason codes.
package struct ConnackPacket: Equatable, Sendable {
    package var isSessionPresent: Bool
    package var reasonCode: ReasonCode
    package var properties: Properties

    package init(
        isSessionPresent: Bool = false,
        reasonCode: ReasonCode = .success,
        properties: Properties = Properties()
    ) {
        self.isSessionPresent = isSessionPresent
        self.reasonCode = reasonCode
        self.properties = properties
    }

    package init(_ frame: PacketFrame, version: ProtocolVersion) throws(MQTTWireError) {
        var reader = ByteReader(frame.body)
        let flags = try reader.require(UInt8.self)
        guard flags & 0xfe == 0 else { throw .reservedConnackFlags }
        isSessionPresent = flags == 1
        let code = try reader.require(UInt8.self)
        switch version {
        case .v311:
            guard let reason = Self.reasonCode(returnCode: code) else {
                throw .unknownReasonCode(code)
            }
            reasonCode = reason
            properties = Properties()
        case .v5:
            guard let reason = ReasonCode(rawValue: code), reason.isLegal(in: .connack) else {
                throw .unknownReasonCode(code)
            }
            reasonCode = reason
            properties = Properties(try reader.readProperties(in: .connack))
        }
        try reader.requireEnd()
    }

    /// Writes the packet. A refusal that 3.1.1 has no code for is told as «server unavailable».
    package func write(to output: inout ByteWriter, version: ProtocolVersion) {
        output.writePacket(.connack) { body in
            body.writeByte(isSessionPresent ? 1 : 0)
            switch version {
            case .v311: body.writeByte(Self.returnCode(reasonCode))
            case .v5:
                body.writeByte(reasonCode.rawValue)
                body.writeProperties(properties)
            }
        }
    }

    /// Table 3.1 of MQTT 3.1.1, 3.2.2.3.
    private static let returnCodes: [ReasonCode] = [
        .success, .unsupportedProtocolVersion, .clientIdentifierNotValid, .serverUnavailable,
        .badUserNameOrPassword, .notAuthorized,
    ]

    private static func reasonCode(returnCode: UInt8) -> ReasonCode? {
        Int(returnCode) < returnCodes.count ? returnCodes[Int(returnCode)] : nil
    }

    private static func returnCode(_ reason: ReasonCode) -> UInt8 {
        UInt8(returnCodes.firstIndex(of: reason) ?? 3)
    }
}
