import BrokerModel
import EventLoop
import MQTTSessions

/// What the MQTT listener grants its clients.
public struct MQTTServerSettings: Sendable {
    public var session = SessionLimits()
    public var connectionsMax = 10_000
    public var packetTimeout = Duration.seconds(30)
    public var outputBytesMax = ByteCount.mebibytes(4)
    public var inFlightBytesMax = ByteCount.mebibytes(4)
    var stopTimeout = Duration.seconds(5)
    var packetBytesMax = ByteCount.mebibytes(1) {
        didSet { session.packetBytesMax = packetBytesMax.rawValue }
    }
    var inFlightMax = 1_024 {
        didSet { session.inFlightMax = UInt16(clamping: inFlightMax) }
    }

    var deliveriesInFlightMax = 4_096 {
        didSet { session.deliveriesInFlightMax = UInt16(clamping: deliveriesInFlightMax) }
    }
    var deliveryBytesMax = ByteCount.mebibytes(4) {
        didSet { session.deliveryBytesMax = deliveryBytesMax.rawValue }
    }

    public init() {}

    var connectionLimits: ConnectionLimits {
        var limits = ConnectionLimits()
        limits.connectionsMax = connectionsMax
        limits.packetTimeout = packetTimeout
        limits.outputBytesMax =
            max(outputBytesMax, ByteCount(session.packetBytesMax)) + Self.repliesBytesMax
        // Before its CONNECT nobody knows a client's version; 3.1.1's «server unavailable» it is.
        limits.refusal = { [0x20, 2, 0, 3] }
        return limits
    }

    /// Deliveries leave this room to PUBACKs, of which as many may be due as were in flight: what
    /// a client has not read yet must never cost it its acknowledgements.
    private static let repliesBytesMax = ByteCount.kibibytes(320)

    /// Whether a delivery of about `size` bytes may join what a client has not read. A large one
    /// may when it is alone.
    func hasRoom(for size: Int, after pending: ByteCount) -> Bool {
        pending == .zero || pending.rawValue &+ size <= outputBytesMax.rawValue
    }

    public static var keys: [ConfigurationKey<MQTTServerSettings>] {
        let defaults = MQTTServerSettings()
        return [
            .init(
                "mqtt.connections.max",
                \.connectionsMax,
                of: defaults,
                in: 1...1_000_000,
                "Further clients are refused."
            ),
            .init(
                "mqtt.packet.timeout",
                \.packetTimeout,
                of: defaults,
                in: .milliseconds(100) ... .minutes(60),
                "A client is cut off when a packet takes longer than this from first to last byte."
            ),
            .init(
                "mqtt.packet.bytes.max",
                \.packetBytesMax,
                of: defaults,
                in: .kibibytes(1) ... .mebibytes(8),
                "A client that sends a larger packet is refused. At most log.segment.bytes and a "
                    + "sixteenth of memory.ceiling."
            ),
            .init(
                "mqtt.inflight.max",
                \.inFlightMax,
                of: defaults,
                in: 1...65_535,
                "Publishes of one client that may wait for the disk: Receive Maximum in MQTT 5."
            ),
            .init(
                "mqtt.inflight.bytes.max",
                \.inFlightBytesMax,
                of: defaults,
                in: .kibibytes(64) ... .gibibytes(1),
                "While so many bytes of one client wait for the disk, it is not read."
            ),
            .init(
                "mqtt.output.bytes.max",
                \.outputBytesMax,
                of: defaults,
                in: .kibibytes(64) ... .mebibytes(256),
                "What a client may leave unread before messages to it are dropped."
            ),
            .init(
                "mqtt.deliveries.in.flight.max",
                \.deliveriesInFlightMax,
                of: defaults,
                in: 1...65_535,
                "Deliveries at QoS 1 that a client may leave unacknowledged; its own Receive "
                    + "Maximum may be lower."
            ),
            .init(
                "mqtt.deliveries.queue.max",
                \.session.deliveryQueueMax,
                of: defaults,
                in: 1...10_000_000,
                "Messages at QoS 1 that wait for one client beyond those in flight; further ones "
                    + "are dropped for it."
            ),
            .init(
                "mqtt.deliveries.bytes.max",
                \.deliveryBytesMax,
                of: defaults,
                in: .kibibytes(4) ... .gibibytes(1),
                "What the messages at QoS 1 of one client may weigh, those in flight included."
            ),
            .init(
                "mqtt.connect.timeout",
                \.session.connectTimeout,
                of: defaults,
                in: .milliseconds(100) ... .minutes(10),
                "How long a new connection may take to send its CONNECT."
            ),
            .init(
                "mqtt.sessions.max",
                \.session.sessionsMax,
                of: defaults,
                in: 1...1_000_000,
                "Sessions kept, of clients that are connected or away."
            ),
            .init(
                "mqtt.subscriptions.max",
                \.session.subscriptionsPerSessionMax,
                of: defaults,
                in: 1...100_000,
                "Topic filters that one client may subscribe to."
            ),
        ]
    }
}
