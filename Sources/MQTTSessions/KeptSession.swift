import BrokerModel
import MQTTWire

/// A session that outlives its connection, as it is written down.
package struct KeptSession: Equatable, Sendable {
    package var clientIdentifier: Text
    package var version: ProtocolVersion
    /// Seconds that it outlives its connection.
    package var expiryInterval: UInt32
    /// When it ends; nil while its client is connected, or when it never does.
    package var expiresAt: Timestamp?
    /// Receipts with lower numbers are not this session's.
    package var firstReceipt: UInt64
    package var subscriptions: [KeptSubscription]

    package init(
        clientIdentifier: Text,
        version: ProtocolVersion = .v5,
        expiryInterval: UInt32,
        expiresAt: Timestamp? = nil,
        firstReceipt: UInt64 = 0,
        subscriptions: [KeptSubscription] = []
    ) {
        self.clientIdentifier = clientIdentifier
        self.version = version
        self.expiryInterval = expiryInterval
        self.expiresAt = expiresAt
        self.firstReceipt = firstReceipt
        self.subscriptions = subscriptions
    }
}

/// One subscription as its client asked for it.
package struct KeptSubscription: Equatable, Sendable {
    package var filter: Text
    package var options: SubscriptionOptions
    /// Zero for none (MQTT 5, 3.8.2.1.2).
    package var identifier: UInt32

    package init(filter: Text, options: SubscriptionOptions, identifier: UInt32 = 0) {
        self.filter = filter
        self.options = options
        self.identifier = identifier
    }
}

/// A stored QoS 2 message whose release has not come.
public struct OutstandingReceipt: Hashable, Sendable {
    public var packetIdentifier: UInt16
    public var receipt: UInt64

    public init(packetIdentifier: UInt16, receipt: UInt64) {
        self.packetIdentifier = packetIdentifier
        self.receipt = receipt
    }
}

/// From where on a partition may hold receipts that nothing else tells of.
package struct ReceiptPlace: Hashable, Sendable {
    package var topicID: UUIDBytes
    package var partition: Int32
    package var offset: Offset
    /// Receipts with lower numbers in this partition are known without it.
    package var firstReceipt: UInt64

    package init(topicID: UUIDBytes, partition: Int32, offset: Offset, firstReceipt: UInt64) {
        self.topicID = topicID
        self.partition = partition
        self.offset = offset
        self.firstReceipt = firstReceipt
    }
}
