import BrokerModel
import MQTTWire
import RecordFormat

/// Encodes what a publish says beside topic and payload as record headers.
///
/// `mqtt.qos` is always there. `mqtt.retain`, `mqtt.payload-format`, `mqtt.message-expiry`,
/// `mqtt.content-type`, `mqtt.response-topic` and `mqtt.correlation-data` are there when the
/// publish has them (MQTT 5, 3.3.2.3), numbers as text. User properties keep their names and their
/// order.
struct PublishHeaders: ~Copyable {
    private(set) var count = 0
    private var writer = ByteWriter(capacity: 256)

    var bytes: UnsafeRawBufferPointer { writer.bytes }

    mutating func encode(_ packet: PublishPacket) {
        writer.removeAll()
        count = 1
        writer.beginRecordHeader(name: "mqtt.qos", valueBytes: 1)
        writer.writeByte(UInt8(ascii: "0") &+ packet.qos.rawValue)
        if packet.isRetained {
            count &+= 1
            writer.beginRecordHeader(name: "mqtt.retain", valueBytes: 1)
            writer.writeByte(UInt8(ascii: "1"))
        }
        guard !packet.properties.isEmpty else { return }
        for property in packet.properties { add(property) }
    }

    private mutating func add(_ property: PropertyView) {
        switch (property.identifier, property.value) {
        case (.payloadFormatIndicator, .integer(let value)):
            add("mqtt.payload-format", number: value)
        case (.messageExpiryInterval, .integer(let value)):
            add("mqtt.message-expiry", number: value)
        case (.contentType, .field(let value)): add("mqtt.content-type", value)
        case (.responseTopic, .field(let value)): add("mqtt.response-topic", value)
        case (.correlationData, .field(let value)): add("mqtt.correlation-data", value)
        case (.userProperty, .pair(let name, let value)):
            count &+= 1
            writer.writeRecordHeader(name: name, value: value)
        default: break  // A topic alias means nothing outside of its connection.
        }
    }

    private mutating func add(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
        count &+= 1
        writer.writeRecordHeader(name: name, value: value)
    }

    private mutating func add(_ name: StaticString, number: UInt32) {
        var text = String(number)
        text.withUTF8 { add(name, UnsafeRawBufferPointer($0)) }
    }
}
