// MQTTSessions decides what one MQTT client, and all of them together, may do. It is pure: no
// clock, socket or thread. Time comes in as a value, replies go out as bytes.
//
// Start at `Session`, the machine of one connection: it takes packets off unread bytes, writes the
// replies that need nobody else, and returns one action. What needs the other clients (CONNECT,
// SUBSCRIBE, UNSUBSCRIBE, the end) goes to the `SessionDirectory`, which knows sessions by client
// identifier, outlives connections and holds the `SubscriptionTree`. `OutgoingPublish` encodes a
// message for all who get it: at QoS 0 once a version, straight into their output; at QoS 1 once in
// the `MessageStore`, for the `Deliveries` of each session.
//
// A QoS 2 publish is known by its `ExactlyOnceReceipt` until its sender releases it. What must
// outlive the broker is told as `SessionChange`s and releases, written as `SessionJournalRecord`s
// by whoever owns the log, and put together again by `SessionRecovery`.
//
// Today: publishes at QoS 0, 1 and 2, delivery at QoS 0 and 1 (a subscription that asks for 2 is
// granted 1) to clients that are connected: what they were sent, or had waiting, survives a
// reconnect, but nothing is queued for a client while it is away. No retained messages (a retain
// flag from 3.1.1 is taken for an ordinary message, MQTT 5 is told that retain is not available),
// no shared subscriptions, no authentication: a user name and password are read and not looked at,
// because the broker listens on loopback alone. The memory that clients can make us keep comes from
// one pool, and a client that asks past it is refused with 0x97 «quota exceeded».

/// What one client, and all together, may ask for.
public struct SessionLimits: Sendable {
    /// The largest packet taken, and told to MQTT 5 clients.
    public var packetBytesMax = 1 << 20
    /// Publishes that wait for their last answer: MQTT 5's Receive Maximum, 3.1.1's pause.
    public var inFlightMax: UInt16 = 1024
    public var topicAliasMax: UInt16 = 16
    public var clientIdentifierBytesMax = 256
    public var sessionsMax = 10_000
    public var subscriptionsPerSessionMax = 1_000
    /// All filters of a session together: they are written down as one record.
    public var filterBytesPerSessionMax = 256 << 10
    /// Deliveries at QoS 1 that a client may leave unacknowledged, should it not say less itself.
    public var deliveriesInFlightMax: UInt16 = 4_096
    /// Messages that wait behind those, for each client.
    public var deliveryQueueMax = 65_536
    /// What one client's deliveries may weigh, those in flight included.
    public var deliveryBytesMax = 4 << 20
    /// Seconds; longer wishes are cut to it.
    public var sessionExpiryMax: UInt32 = 7 * 86_400
    /// Seconds; zero lets clients do without a keep alive. MQTT 5 clients are told a lower one.
    public var keepAliveMax: UInt16 = 0
    /// How long a new connection may take to send its CONNECT.
    public var connectTimeout: Duration = .seconds(10)

    public init() {}
}
