import BrokerModel

/// What a subscription asks for beside its filter (3.8.3.1).
public struct SubscriptionOptions: Hashable, Sendable {
    public var qosMax: QualityOfService
    public var isNoLocal: Bool
    public var isRetainAsPublished: Bool
    public var retainHandling: RetainHandling

    public enum RetainHandling: UInt8, Sendable {
        case send = 0
        case sendIfNew = 1
        case never = 2
    }

    public init(
        qosMax: QualityOfService = .atMostOnce,
        isNoLocal: Bool = false,
        isRetainAsPublished: Bool = false,
        retainHandling: RetainHandling = .send
    ) {
        self.qosMax = qosMax
        self.isNoLocal = isNoLocal
        self.isRetainAsPublished = isRetainAsPublished
        self.retainHandling = retainHandling
    }

    /// Nil for QoS 3, retain handling 3 and reserved bits; 3.1.1 reserves all but the QoS.
    init?(_ byte: UInt8, version: ProtocolVersion) {
        let reserved: UInt8 = version == .v5 ? 0b1100_0000 : 0b1111_1100
        guard byte & reserved == 0, let qos = QualityOfService(rawValue: byte & 0b11),
            let handling = RetainHandling(rawValue: byte >> 4 & 0b11)
        else { return nil }
        qosMax = qos
        isNoLocal = byte & 0b100 != 0
        isRetainAsPublished = byte & 0b1000 != 0
        retainHandling = handling
    }

    /// The byte of MQTT 5, whatever the client speaks: for keeping.
    package var storedByte: UInt8 { byte(version: .v5) }

    package init?(storedByte: UInt8) { self.init(storedByte, version: .v5) }

    func byte(version: ProtocolVersion) -> UInt8 {
        guard version == .v5 else { return qosMax.rawValue }
        let flags: UInt8 = (isNoLocal ? 0b100 : 0) | (isRetainAsPublished ? 0b1000 : 0)
        return qosMax.rawValue | flags | retainHandling.rawValue << 4
    }
}

/// A client asks for topics (3.8). Filters are UTF-8 but not checked further: a bad one fails
/// alone, with its own code in SUBACK.
package struct SubscribePacket: Equatable, Sendable {
    package struct Request: Equatable, Sendable {
        package var filter: Text
        package var options: SubscriptionOptions

        package init(_ filter: Text, _ options: SubscriptionOptions = .init()) {
            self.filter = filter
            self.options = options
        }
    }

    package var packetIdentifier: UInt16
    package var requests: [Request]
    package var properties: Properties

    package init(
        packetIdentifier: UInt16,
        requests: [Request],
        properties: Properties = Properties()
    ) {
        self.packetIdentifier = packetIdentifier
        self.requests = requests
        self.properties = properties
    }

    package init(_ frame: PacketFrame, version: ProtocolVersion) throws(MQTTWireError) {
        var reader = ByteReader(frame.body)
        packetIdentifier = try reader.readPacketIdentifier()
        properties = Properties(
            version == .v5 ? try reader.readProperties(in: .subscribe) : .none
        )
        requests = []
        while !reader.isAtEnd {
            let filter = Text(try reader.readText())
            let byte = try reader.require(UInt8.self)
            guard let options = SubscriptionOptions(byte, version: version) else {
                throw .reservedSubscriptionOptions
            }
            requests.append(Request(filter, options))
        }
        guard !requests.isEmpty else { throw .noTopicFilter }
    }

    package func write(to output: inout ByteWriter, version: ProtocolVersion) {
        output.writePacket(.subscribe) { body in
            body.writeInteger(packetIdentifier)
            if version == .v5 { body.writeProperties(properties) }
            for request in requests {
                body.writeField(request.filter.bytes)
                body.writeByte(request.options.byte(version: version))
            }
        }
    }
}
