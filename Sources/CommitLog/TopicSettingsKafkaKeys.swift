import BrokerModel

/// What Kafka can tell a topic beyond cleaning, retention and records. A key that means nothing on
/// one broker takes its default and nothing else: clients that spell defaults out are served, and
/// who asks for more hears why there is none.
extension TopicSettings {
    static let segmentKeys: [TopicKey] = [
        .number(
            "segment.jitter.ms",
            \.segmentJitterNumber,
            in: 0...Int.max,
            "A segment is sealed up to this much before `segment.ms`, each at another time, so "
                + "that not all partitions' are at once."
        ),
        .number(
            "segment.index.bytes",
            \.indexBytesNumber,
            in: 4...Int(Int32.max),
            "A segment is sealed before one of its indexes would grow past this."
        ),
        .flag(
            "preallocate",
            \.log.isPreallocated,
            "Whether a new segment takes its whole place on the disk at once."
        ),
        .number(
            "flush.messages",
            \.flushMessagesNumber,
            in: 1...Int.max,
            "After so many records a partition is synced, whether or not somebody waits for it. "
                + "What a durable topic acknowledges is synced before that in any case."
        ),
        .number(
            "flush.ms",
            \.flushAgeNumber,
            in: 0...Int.max,
            "A record is synced at the latest after this, whether or not somebody waits for it. "
                + "What a durable topic acknowledges is synced before that in any case."
        ),
    ]

    static let replicaKeys: [TopicKey] = [
        .only("1", "min.insync.replicas", "this broker holds the only replica"),
        .only("false", "unclean.leader.election.enable", "there is one broker, and it leads"),
        .only("", "leader.replication.throttled.replicas", "one broker replicates nothing"),
        .only("", "follower.replication.throttled.replicas", "one broker replicates nothing"),
    ]

    static let remoteKeys: [TopicKey] = [
        .only("false", "remote.storage.enable", "this broker has no remote storage"),
        .only("false", "remote.log.copy.disable", "this broker has no remote storage"),
        .only("false", "remote.log.delete.on.disable", "this broker has no remote storage"),
        .only("-2", "local.retention.ms", "all is local here, and retention.ms counts"),
        .only("-2", "local.retention.bytes", "all is local here, and retention.bytes counts"),
    ]
}

/// Of what kind a key's values are, as Kafka's clients are told.
public enum TopicKeyType: Sendable {
    case boolean, string, int, long, double, list
}

extension TopicKey {
    /// As Kafka declares it.
    public var type: TopicKeyType { Self.types[name] ?? .string }

    private static let types: [String: TopicKeyType] = [
        "segment.bytes": .int, "segment.ms": .long, "segment.jitter.ms": .long,
        "segment.index.bytes": .int, "index.interval.bytes": .int, "preallocate": .boolean,
        "flush.messages": .long, "flush.ms": .long, "retention.ms": .long,
        "retention.bytes": .long, "file.delete.delay.ms": .long, "max.message.bytes": .int,
        "message.timestamp.before.max.ms": .long, "message.timestamp.after.max.ms": .long,
        "min.insync.replicas": .int, "unclean.leader.election.enable": .boolean,
        "leader.replication.throttled.replicas": .list,
        "follower.replication.throttled.replicas": .list, "remote.storage.enable": .boolean,
        "remote.log.copy.disable": .boolean, "remote.log.delete.on.disable": .boolean,
        "local.retention.ms": .long, "local.retention.bytes": .long, "cleanup.policy": .list,
        "min.cleanable.dirty.ratio": .double, "delete.retention.ms": .long,
        "min.compaction.lag.ms": .long, "max.compaction.lag.ms": .long,
        "compression.gzip.level": .int, "compression.lz4.level": .int,
        "compression.zstd.level": .int,
    ]

    /// True or false, in any case, as Kafka reads them.
    fileprivate static func flag(
        _ name: String,
        _ path: any WritableKeyPath<TopicSettings, Bool> & Sendable,
        _ sentence: String
    ) -> TopicKey {
        TopicKey(
            name,
            allowed: "true | false",
            sentence,
            read: { String($0[keyPath: path]) },
            write: { text, settings in
                guard let value = Bool(text.lowercased()) else { return false }
                settings[keyPath: path] = value
                return true
            }
        )
    }

    /// A key of Kafka's that has one value here, and why.
    fileprivate static func only(_ value: String, _ name: String, _ reason: String) -> TopicKey {
        TopicKey(
            name,
            allowed: (value.isEmpty ? "no value" : value) + ", for " + reason,
            "Always \(value.isEmpty ? "empty" : value): \(reason).",
            isFixed: true,
            read: { _ in value },
            write: { text, _ in text.lowercased() == value }
        )
    }
}

extension TopicSettings {
    fileprivate var segmentJitterNumber: Int {
        get { Int(log.segmentJitter.wholeMilliseconds) }
        set { log.segmentJitter = .milliseconds(min(newValue, Self.millisecondsMax)) }
    }
    fileprivate var indexBytesNumber: Int {
        get { log.indexBytes.rawValue }
        set { log.indexBytes = ByteCount(newValue) }
    }
    fileprivate var flushMessagesNumber: Int {
        get { log.flushMessages }
        set { log.flushMessages = newValue }
    }
    fileprivate var flushAgeNumber: Int {
        get { Self.number(log.flushAge) }
        set { log.flushAge = Self.duration(newValue) }
    }
}
