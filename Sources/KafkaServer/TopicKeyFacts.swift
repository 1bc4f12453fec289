import CommitLog
import KafkaWire

/// What Kafka says of a topic's key beside its value: which kind of value it takes, and under which
/// name the broker's own configuration has its default.
struct TopicKeyFacts {
    let type: ConfigType
    let brokerKey: String?

    private init(_ type: ConfigType, _ brokerKey: String? = nil) {
        self.type = type
        self.brokerKey = brokerKey
    }

    /// A key of our own is told from its default.
    init(_ key: TopicKey) {
        self = Self.known[key.name] ?? TopicKeyFacts(ConfigType(of: key.defaultText))
    }

    private static let known: [String: TopicKeyFacts] = [
        "cleanup.policy": .init(.list, "log.cleanup.policy"),
        "compression.gzip.level": .init(.int, "compression.gzip.level"),
        "compression.lz4.level": .init(.int, "compression.lz4.level"),
        "compression.type": .init(.string, "compression.type"),
        "compression.zstd.level": .init(.int, "compression.zstd.level"),
        "delete.retention.ms": .init(.long, "log.cleaner.delete.retention.ms"),
        "file.delete.delay.ms": .init(.long, "log.segment.delete.delay.ms"),
        "flush.messages": .init(.long, "log.flush.interval.messages"),
        "flush.ms": .init(.long, "log.flush.interval.ms"),
        "follower.replication.throttled.replicas": .init(.list),
        "index.interval.bytes": .init(.int, "log.index.interval.bytes"),
        "leader.replication.throttled.replicas": .init(.list),
        "local.retention.bytes": .init(.long, "log.local.retention.bytes"),
        "local.retention.ms": .init(.long, "log.local.retention.ms"),
        "max.compaction.lag.ms": .init(.long, "log.cleaner.max.compaction.lag.ms"),
        "max.message.bytes": .init(.int, "message.max.bytes"),
        "message.timestamp.after.max.ms": .init(.long, "log.message.timestamp.after.max.ms"),
        "message.timestamp.before.max.ms": .init(.long, "log.message.timestamp.before.max.ms"),
        "message.timestamp.type": .init(.string, "log.message.timestamp.type"),
        "min.cleanable.dirty.ratio": .init(.double, "log.cleaner.min.cleanable.ratio"),
        "min.compaction.lag.ms": .init(.long, "log.cleaner.min.compaction.lag.ms"),
        "min.insync.replicas": .init(.int, "min.insync.replicas"),
        "preallocate": .init(.boolean, "log.preallocate"),
        "remote.log.copy.disable": .init(.boolean),
        "remote.log.delete.on.disable": .init(.boolean),
        "remote.storage.enable": .init(.boolean),
        "retention.bytes": .init(.long, "log.retention.bytes"),
        "retention.ms": .init(.long, "log.retention.ms"),
        "segment.bytes": .init(.int, "log.segment.bytes"),
        "segment.index.bytes": .init(.int, "log.index.size.max.bytes"),
        "segment.jitter.ms": .init(.long, "log.roll.jitter.ms"),
        "segment.ms": .init(.long, "log.roll.ms"),
        "unclean.leader.election.enable": .init(.boolean, "unclean.leader.election.enable"),
    ]
}

extension ConfigType {
    /// What a default looks like.
    init(of text: String) {
        self =
            text == "true" || text == "false"
            ? .boolean : Int64(text) != nil ? .long : Double(text) != nil ? .double : .string
    }
}

extension TopicKey {
    /// Whether it has one value only, which a topic may repeat and not change.
    var isFixed: Bool { allowedText == defaultText }
    var isList: Bool { TopicKeyFacts(self).type == .list }
}
