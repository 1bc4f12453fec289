import BrokerModel
import MQTTWire
import RecordFormat

/// Encodes what a publish says beside topic and payload as record headers.
///
/// `mqtt.qos` is always there. A publish with a receipt has `mqtt.client`, the client's identifier,
/// and `mqtt.receipt`: packet identifier, a colon, the receipt's number. `mqtt.retain`,
/// `mqtt.payload-format`, `mqtt.message-expiry`, `mqtt.content-type`, `mqtt.response-topic` and
/// `mqtt.correlation-data` are there when the publish has them (MQTT 5, 3.3.2.3), numbers as text.
/// User properties keep their names and their order, but for one named `mqtt.receipt`, which is left
/// out; the route's own headers come last.
struct PublishHeaders: ~Copyable {
    private static let receiptHeader = Array("mqtt.receipt".utf8)

    private(set) var count = 0
    private var writer = ByteWriter(capacity: 256)

    var bytes: UnsafeRawBufferPointer { writer.bytes }

    mutating func encode(_ packet: PublishPacket, from origin: PublishOrigin) {
        writer.removeAll()
        count = 1
        writer.beginRecordHeader(name: "mqtt.qos", valueBytes: 1)
        writer.writeByte(UInt8(ascii: "0") &+ packet.qos.rawValue)
        if let receipt = origin.receipt {
            add("mqtt.client", origin.clientIdentifier)
            add(receipt: receipt, packetIdentifier: packet.packetIdentifier)
        }
        if packet.isRetained {
            count &+= 1
            writer.beginRecordHeader(name: "mqtt.retain", valueBytes: 1)
            writer.writeByte(UInt8(ascii: "1"))
        }
        guard !packet.properties.isEmpty else { return }
        for property in packet.properties where !Self.forgesReceipt(property) { add(property) }
    }

    /// Adds headers that are encoded already.
    mutating func append(_ encoded: UnsafeRawBufferPointer, count: Int) {
        writer.writeBytes(encoded)
        self.count &+= count
    }

    /// Only the broker gives receipts. A will at QoS 2 has none, and a user property that says
    /// otherwise would stand where a start looks for it.
    private static func forgesReceipt(_ property: PropertyView) -> Bool {
        guard case .pair(let name, _) = property.value else { return false }
        return name.elementsEqual(receiptHeader)
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

    private mutating func add(receipt: UInt64, packetIdentifier: UInt16) {
        count &+= 1
        let size = Self.digits(UInt64(packetIdentifier)) &+ 1 &+ Self.digits(receipt)
        writer.beginRecordHeader(name: "mqtt.receipt", valueBytes: size)
        write(UInt64(packetIdentifier))
        writer.writeByte(UInt8(ascii: ":"))
        write(receipt)
    }

    private static func digits(_ number: UInt64) -> Int {
        var (rest, digits) = (number / 10, 1)
        while rest > 0 { (rest, digits) = (rest / 10, digits &+ 1) }
        return digits
    }

    private mutating func write(_ number: UInt64) {
        let digits = Self.digits(number)
        writer.writeUpTo(digits) { room in
            var rest = number
            for index in (0..<digits).reversed() {
                room[index] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            return digits
        }
    }

    private mutating func add(_ name: StaticString, number: UInt32) {
        var text = String(number)
        text.withUTF8 { add(name, UnsafeRawBufferPointer($0)) }
    }
}
