import BrokerModel
import MQTTWire

/// A message that waits for subscribers: one copy for all who wait for it, which counts them.
///
/// A pointer into the memory of a `MessageStore`; whoever keeps one has retained it there.
struct StoredMessage {
    struct Head {
        /// How many keep it.
        var references: UInt32 = 1
        /// What it takes of its store's memory.
        var capacity: Int32
        var topicBytes: Int32
        var payloadBytes: Int32
        /// The publisher's, without a topic alias.
        var properties: PropertiesView
        /// Where the expiry interval's value stands in the property list; negative without one.
        var expiryPosition: Int32 = -1
        var expirySeconds: UInt32 = 0
        var storedAt: MonotonicTime
        var qos: QualityOfService
        var isRetained: Bool
    }

    static let headBytes = MemoryLayout<Head>.stride

    let start: UnsafeMutableRawPointer

    var head: UnsafeMutablePointer<Head> { start.assumingMemoryBound(to: Head.self) }

    /// The memory that a packet's copy needs.
    static func size(of packet: PublishPacket) -> Int {
        headBytes &+ packet.topic.count &+ packet.payload.count &+ packet.properties.bytes.count
    }

    private var topic: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: start + Self.headBytes, count: Int(head.pointee.topicBytes))
    }

    private var payload: UnsafeRawBufferPointer {
        let position =
            Self.headBytes &+ Int(head.pointee.topicBytes) &+ head.pointee.properties.bytes.count
        return UnsafeRawBufferPointer(
            start: start + position,
            count: Int(head.pointee.payloadBytes)
        )
    }

    /// The message as it was published.
    var packet: PublishPacket {
        PublishPacket(
            topic: topic,
            payload: payload,
            qos: head.pointee.qos,
            isRetained: head.pointee.isRetained,
            properties: head.pointee.properties
        )
    }

    /// Whether its life, as its publisher set it, is over (3.3.2.3.3).
    func isExpired(at now: MonotonicTime) -> Bool {
        head.pointee.expiryPosition >= 0 && secondsLeft(at: now) == 0
    }

    /// What a subscriber gets, but for what differs between subscribers.
    func delivery(at now: MonotonicTime) -> DeliveryPacket {
        var packet = DeliveryPacket(
            topic: topic,
            payload: payload,
            properties: head.pointee.properties.bytes
        )
        if head.pointee.expiryPosition >= 0 {
            packet.expiry = DeliveryPacket.Expiry(
                seconds: secondsLeft(at: now),
                position: Int(head.pointee.expiryPosition)
            )
        }
        return packet
    }

    private func secondsLeft(at now: MonotonicTime) -> UInt32 {
        let life = head.pointee.expirySeconds
        let waited = (now.rawValue &- head.pointee.storedAt.rawValue) / 1_000_000_000
        return life &- UInt32(clamping: min(waited, Int64(life)))
    }

    /// Copies a packet into memory that `size(of:)` fits.
    func fill(_ packet: PublishPacket, capacity: Int, now: MonotonicTime) {
        let list = packet.properties.bytes
        let alias = packet.properties.place(of: .topicAlias) ?? list.count..<list.count
        var end = Self.copy(packet.topic, to: start + Self.headBytes)
        let propertiesStart = end
        end = Self.copy(UnsafeRawBufferPointer(rebasing: list[..<alias.lowerBound]), to: end)
        end = Self.copy(UnsafeRawBufferPointer(rebasing: list[alias.upperBound...]), to: end)
        let properties = UnsafeRawBufferPointer(
            start: propertiesStart,
            count: end - propertiesStart
        )
        _ = Self.copy(packet.payload, to: end)
        head.initialize(
            to: Head(
                capacity: Int32(truncatingIfNeeded: capacity),
                topicBytes: Int32(truncatingIfNeeded: packet.topic.count),
                payloadBytes: Int32(truncatingIfNeeded: packet.payload.count),
                properties: packet.properties.moved(to: properties, without: .topicAlias),
                storedAt: now,
                qos: packet.qos,
                isRetained: packet.isRetained
            )
        )
        guard let expiry = head.pointee.properties.place(of: .messageExpiryInterval) else { return }
        head.pointee.expiryPosition = Int32(truncatingIfNeeded: expiry.lowerBound &+ 1)
        head.pointee.expirySeconds = packet.properties.integer(.messageExpiryInterval) ?? 0
    }

    /// Returns the copy's end.
    private static func copy(
        _ bytes: UnsafeRawBufferPointer,
        to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return target }
        target.copyMemory(from: source, byteCount: bytes.count)
        return target + bytes.count
    }
}
