import BrokerModel

/// A client's first packet (3.1).
package struct ConnectPacket: Equatable, Sendable {
    package var version: ProtocolVersion
    package var clientIdentifier: Text
    /// 3.1.1 calls it clean session.
    package var isCleanStart: Bool
    /// Seconds; zero turns it off.
    package var keepAlive: UInt16
    package var will: Will?
    package var userName: Text?
    package var password: [UInt8]?
    package var properties: Properties

    package init(
        version: ProtocolVersion,
        clientIdentifier: Text,
        isCleanStart: Bool = true,
        keepAlive: UInt16 = 60,
        will: Will? = nil,
        userName: Text? = nil,
        password: [UInt8]? = nil,
        properties: Properties = Properties()
    ) {
        self.version = version
        self.clientIdentifier = clientIdentifier
        self.isCleanStart = isCleanStart
        self.keepAlive = keepAlive
        self.will = will
        self.userName = userName
        self.password = password
        self.properties = properties
    }

    private enum Flag {
        static let reserved: UInt8 = 0x01
        static let cleanStart: UInt8 = 0x02
        static let will: UInt8 = 0x04
        static let willRetain: UInt8 = 0x20
        static let password: UInt8 = 0x40
        static let userName: UInt8 = 0x80
    }

    /// Reads just the protocol name and level: even a refusal is written in the peer's version.
    package static func version(of frame: PacketFrame) throws(MQTTWireError) -> ProtocolVersion {
        var reader = ByteReader(frame.body)
        return try readVersion(from: &reader)
    }

    private static func readVersion(
        from reader: inout ByteReader
    ) throws(MQTTWireError) -> ProtocolVersion {
        let name = Text(try reader.readBinary())
        guard name == "MQTT" || name == "MQIsdp" else { throw .notMQTT }
        let level = try reader.require(UInt8.self)
        guard name == "MQTT", let version = ProtocolVersion(rawValue: level) else {
            throw .unsupportedProtocolLevel(level)
        }
        return version
    }

    package init(_ frame: PacketFrame) throws(MQTTWireError) {
        var reader = ByteReader(frame.body)
        version = try Self.readVersion(from: &reader)
        let flags = try reader.require(UInt8.self)
        let willQoS = try Self.checkFlags(flags, version: version)
        isCleanStart = flags & Flag.cleanStart != 0
        keepAlive = try reader.require(UInt16.self)
        properties = Properties(
            version == .v5 ? try reader.readProperties(in: .connect) : .none
        )
        guard !properties.has(.authenticationData) || properties.has(.authenticationMethod) else {
            throw .authenticationDataWithoutMethod
        }
        clientIdentifier = Text(try reader.readText())
        if flags & Flag.will != 0 {
            will = try reader.readWill(
                qos: willQoS,
                isRetained: flags & Flag.willRetain != 0,
                version: version
            )
        }
        if flags & Flag.userName != 0 { userName = Text(try reader.readText()) }
        if flags & Flag.password != 0 { password = Array(try reader.readBinary()) }
        try reader.requireEnd()
    }

    /// The rules of 3.1.2.3 to 3.1.2.9. Returns the will's QoS.
    private static func checkFlags(
        _ flags: UInt8,
        version: ProtocolVersion
    ) throws(MQTTWireError) -> QualityOfService {
        guard flags & Flag.reserved == 0 else { throw .reservedConnectFlags }
        guard let willQoS = QualityOfService(rawValue: flags >> 3 & 0b11) else {
            throw .reservedQoS
        }
        let hasWill = flags & Flag.will != 0
        guard hasWill || (willQoS == .atMostOnce && flags & Flag.willRetain == 0) else {
            throw .reservedConnectFlags
        }
        let isLonelyPassword = flags & Flag.password != 0 && flags & Flag.userName == 0
        guard version == .v5 || !isLonelyPassword else { throw .reservedConnectFlags }
        return willQoS
    }

    package func write(to output: inout ByteWriter) {
        output.writePacket(.connect) { body in
            body.writeField("MQTT".utf8)
            body.writeByte(version.rawValue)
            body.writeByte(flags)
            body.writeInteger(keepAlive)
            if version == .v5 { body.writeProperties(properties) }
            body.writeField(clientIdentifier.bytes)
            if let will { body.writeWill(will, version: version) }
            if let userName { body.writeField(userName.bytes) }
            if let password { body.writeField(password) }
        }
    }

    private var flags: UInt8 {
        var flags: UInt8 = isCleanStart ? Flag.cleanStart : 0
        if let will {
            flags |= Flag.will | will.qos.rawValue << 3 | (will.isRetained ? Flag.willRetain : 0)
        }
        if userName != nil { flags |= Flag.userName }
        if password != nil { flags |= Flag.password }
        return flags
    }
}
