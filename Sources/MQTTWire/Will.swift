import BrokerModel

/// The message that a client leaves with the server, for when it goes without a word (3.1.2.5).
public struct Will: Equatable, Sendable {
    public var topic: Text
    public var payload: [UInt8]
    public var qos: QualityOfService
    public var isRetained: Bool
    /// Seconds to wait after the connection ends (3.1.3.2.2).
    public var delay: UInt32
    /// Without the delay: what is left is what subscribers get.
    public var properties: Properties

    public init(
        topic: Text,
        payload: [UInt8],
        qos: QualityOfService = .atMostOnce,
        isRetained: Bool = false,
        delay: UInt32 = 0,
        properties: Properties = Properties()
    ) {
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.isRetained = isRetained
        self.delay = delay
        self.properties = properties
    }

    /// Lends the will as the PUBLISH that it becomes.
    public func withPacket<Result>(_ body: (PublishPacket) -> Result) -> Result {
        topic.bytes.withUnsafeBytes { topic in
            payload.withUnsafeBytes { payload in
                properties.withView { properties in
                    body(
                        PublishPacket(
                            topic: topic,
                            payload: payload,
                            qos: qos,
                            isRetained: isRetained,
                            properties: properties
                        )
                    )
                }
            }
        }
    }
}

extension ByteReader {
    /// Reads the will's part of CONNECT's payload (3.1.3.2 to 3.1.3.4).
    mutating func readWill(
        qos: QualityOfService,
        isRetained: Bool,
        version: ProtocolVersion
    ) throws(MQTTWireError) -> Will {
        let properties = version == .v5 ? try readProperties(in: .will) : .none
        let topic = try readBinary()
        try topic.requireTopicName()
        guard !topic.isEmpty else { throw .topicNameEmpty }
        let payload = try readBinary()
        return Will(
            topic: Text(topic),
            payload: Array(payload),
            qos: qos,
            isRetained: isRetained,
            delay: properties.integer(.willDelayInterval) ?? 0,
            properties: Properties(properties, without: .willDelayInterval)
        )
    }
}

extension ByteWriter {
    mutating func writeWill(_ will: Will, version: ProtocolVersion) {
        if version == .v5 {
            var properties = will.properties
            if will.delay > 0 { properties.append(.willDelayInterval, will.delay) }
            writeProperties(properties)
        }
        writeField(will.topic.bytes)
        writeField(will.payload)
    }
}
