import BrokerModel
import MQTTWire

/// What the server keeps of one client, connected or not (4.1).
struct StoredSession {
    let clientIdentifier: Text
    /// Nil while the client is away.
    var connection: UInt64?
    var expiryInterval: UInt32 = 0
    /// Only while the client is away.
    var expiresAt: MonotonicTime?
    var will: Will?
    /// Only while the client is away and its will is delayed (3.1.3.2.2).
    var willDueAt: MonotonicTime?
    /// Nil until the client subscribes to something at QoS 1.
    var deliveries: Deliveries?
    /// By filter.
    var subscriptions: [Text: KeptSubscription] = [:]
    /// Of all these filters.
    var filterBytes = 0
    /// What its QoS 2 publishes are known by (4.1); every connection of the session shares it.
    var receipts: ExactlyOnceReceipts
    /// The number of the first receipt that may be this session's.
    var firstReceipt: UInt64
    var version = ProtocolVersion.v311
    /// Whether `__mqtt_sessions` holds it, and must be told of its end.
    var isKept = false
    /// The `firstReceipt` that it holds.
    var keptReceipt: UInt64 = 0

    func isExpired(at now: MonotonicTime) -> Bool {
        guard let expiresAt else { return false }
        return expiresAt <= now
    }
}

/// What sessions wait for.
package struct SessionLoad: Equatable, Sendable {
    /// QoS 2 publishes that are not released.
    package var receipts = 0
    /// Deliveries at QoS 1 that are sent and not acknowledged.
    package var unacknowledged = 0
    /// Deliveries at QoS 1 that are not sent on the present connection.
    package var queued = 0

    package init() {}
}

/// What a client's state weighs, in round figures: enough to bound it, not to account for it.
enum StateCost {
    static func session(_ clientIdentifier: Text) -> ByteCount {
        ByteCount(512 + 2 * clientIdentifier.bytes.count)
    }

    static func will(_ will: Will?) -> ByteCount {
        guard let will else { return .zero }
        return ByteCount(
            256 + will.topic.bytes.count + will.payload.count + will.properties.bytes.count
        )
    }

    static func subscription(_ filter: TopicFilter) -> ByteCount {
        ByteCount(128 + 2 * filter.text.bytes.count + 128 * filter.levelCount)
    }
}
