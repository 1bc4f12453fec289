import BrokerModel
import MQTTWire

/// MQTT packets: the two that every message at QoS 1 costs.
func measurePackets(_ measurements: Measurements) throws {
    let payload = [UInt8](repeating: 0x37, count: 100)
    let topic = [UInt8]("plant/line1/motor".utf8)
    let count = 1_000
    var packets = ByteWriter()
    topic.withUnsafeBytes { topic in
        payload.withUnsafeBytes { payload in
            for identifier in 1...count {
                PublishPacket(
                    topic: topic,
                    payload: payload,
                    qos: .atLeastOnce,
                    packetIdentifier: UInt16(identifier)
                ).write(to: &packets, version: .v311)
            }
        }
    }
    let (bytes, size) = ([UInt8](packets.bytes), packets.count)
    try measurements.measure(
        "mqtt-wire/decode-publish/qos1-100B",
        operations: count,
        bytes: size
    ) {
        let found = try bytes.withUnsafeBytes { try sumOfIdentifiers(in: $0) }
        checkAnswer(found == (sum: count * (count + 1) / 2, payloadBytes: 100 * count))
    }
    var output = ByteWriter(capacity: 4 * count)
    measurements.measure("mqtt-wire/encode-puback/3.1.1", operations: count) {
        output.removeAll()
        for identifier in 1...count {
            output.writePublishReply(.puback, packetIdentifier: UInt16(identifier))
        }
        checkAnswer(output.count == 4 * count)
    }
}

private func sumOfIdentifiers(
    in bytes: UnsafeRawBufferPointer
) throws(MQTTWireError) -> (sum: Int, payloadBytes: Int) {
    var reader = ByteReader(bytes)
    var (sum, payloadBytes) = (0, 0)
    while case .packet(let frame) = try reader.readPacket(sizeMax: 1 << 16) {
        let packet = try PublishPacket(frame, version: .v311)
        sum += Int(packet.packetIdentifier)
        payloadBytes += packet.payload.count
    }
    return (sum, payloadBytes)
}
