import BrokerModel
import CommitLog
import KafkaSessions

/// What an operator can set about the Kafka listener.
public struct KafkaServerSettings: Sendable {
    /// The largest request; a Produce may bring several partitions' batches.
    public var requestBytesMax = ByteCount.mebibytes(2)
    /// The most record bytes in one Fetch response, whatever the client asks for.
    public var fetchBytesMax = ByteCount.mebibytes(4)
    /// How long a new connection may take to its first whole request.
    public var handshakeTimeout = Duration.seconds(10)
    /// How long a connection may ask for nothing; nil is for ever.
    public var idleMax = TimeLimit(.minutes(10))

    /// Clients whose fetches name only what changed, as Kafka's consumers do.
    public var fetchSessionsMax = 1_000
    /// The most threads that wait for the disk so that the Kafka loop need not.
    public var readerThreads = 2
    /// Cold reads that no reader thread has begun. Past that, fetches wait as for memory.
    public var readerQueueMax = 1_024
    public var groups = GroupSettings()
    public var offsets = OffsetSettings()

    public init() {}

    public static var keys: [ConfigurationKey<KafkaServerSettings>] {
        let defaults = KafkaServerSettings()
        return [
            .init(
                "socket.request.max.bytes",
                \.requestBytesMax,
                of: defaults,
                in: .kibibytes(16) ... .mebibytes(100),
                "A larger Produce is answered MESSAGE_TOO_LARGE, any other request disconnected."
            ),
            .init(
                "fetch.max.bytes",
                \.fetchBytesMax,
                of: defaults,
                in: .kibibytes(64) ... .mebibytes(64),
                "The most record bytes in one Fetch response; a single larger batch still comes."
            ),
            .init(
                "kafka.handshake.timeout",
                \.handshakeTimeout,
                of: defaults,
                in: .milliseconds(100) ... .minutes(10),
                "A Kafka client is cut off when its first request takes longer than this."
            ),
            .init(
                "connections.max.idle.ms",
                \.idleMax,
                of: defaults,
                allowed: "1s ... 3650d, milliseconds, or -1",
                "A Kafka client that asks for nothing for this long is disconnected; -1: never."
            ) { $0.duration == nil || $0.isWithin(.seconds(1) ... .days(3_650)) },
            .init(
                "fetch.reader.threads",
                \.readerThreads,
                of: defaults,
                in: 1...16,
                "How many reads of records that are not in memory run at the same time."
            ),
            .init(
                "max.incremental.fetch.session.cache.slots",
                \.fetchSessionsMax,
                of: defaults,
                in: 0...10_000,
                "How many clients may have a fetch session; others ask for everything each time."
            ),
        ] + GroupSettings.keys.map { $0.inside(\.groups) }
            + OffsetSettings.keys.map { $0.inside(\.offsets) }
    }
}

/// Who this broker says it is, and where clients are told to connect.
public struct KafkaBrokerIdentity: Equatable, Sendable {
    public var nodeID: Int32
    public var clusterID: UUIDBytes
    public var advertisedHost: String
    public var advertisedPort: UInt16

    /// A broker whose data directory is not open yet.
    public static let unknown = KafkaBrokerIdentity(
        nodeID: -1,
        clusterID: .zero,
        advertisedHost: "",
        advertisedPort: 0
    )

    public init(
        nodeID: Int32,
        clusterID: UUIDBytes,
        advertisedHost: String,
        advertisedPort: UInt16
    ) {
        self.nodeID = nodeID
        self.clusterID = clusterID
        self.advertisedHost = advertisedHost
        self.advertisedPort = advertisedPort
    }
}
