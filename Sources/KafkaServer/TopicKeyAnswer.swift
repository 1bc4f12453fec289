import CommitLog
import KafkaWire

// What Kafka's clients are told of a topic's key beside its value.
extension TopicKey {
    var configType: ConfigType {
        switch type {
        case .boolean: .boolean
        case .string: .string
        case .int: .int
        case .long: .long
        case .double: .double
        case .list: .list
        }
    }

    /// Under which name the broker's own configuration has the default; nil where it has none.
    var brokerKey: String? { Self.brokerKeys[name] }

    private static let brokerKeys = [
        "cleanup.policy": "log.cleanup.policy",
        "compression.gzip.level": "compression.gzip.level",
        "compression.type": "compression.type",
        "compression.zstd.level": "compression.zstd.level",
        "delete.retention.ms": "log.cleaner.delete.retention.ms",
        "file.delete.delay.ms": "log.segment.delete.delay.ms",
        "flush.messages": "log.flush.interval.messages",
        "flush.ms": "log.flush.interval.ms",
        "index.interval.bytes": "log.index.interval.bytes",
        "local.retention.bytes": "log.local.retention.bytes",
        "local.retention.ms": "log.local.retention.ms",
        "max.compaction.lag.ms": "log.cleaner.max.compaction.lag.ms",
        "max.message.bytes": "message.max.bytes",
        "message.timestamp.after.max.ms": "log.message.timestamp.after.max.ms",
        "message.timestamp.before.max.ms": "log.message.timestamp.before.max.ms",
        "message.timestamp.type": "log.message.timestamp.type",
        "min.cleanable.dirty.ratio": "log.cleaner.min.cleanable.ratio",
        "min.compaction.lag.ms": "log.cleaner.min.compaction.lag.ms",
        "min.insync.replicas": "min.insync.replicas",
        "preallocate": "log.preallocate",
        "retention.bytes": "log.retention.bytes",
        "retention.ms": "log.retention.ms",
        "segment.bytes": "log.segment.bytes",
        "segment.index.bytes": "log.index.size.max.bytes",
        "segment.jitter.ms": "log.roll.jitter.ms",
        "segment.ms": "log.roll.ms",
        "unclean.leader.election.enable": "unclean.leader.election.enable",
    ]
}

extension ConfigType {
    /// What a key of the broker's own takes, as its default looks.
    init(of text: String) {
        self =
            text == "true" || text == "false"
            ? .boolean : Int64(text) != nil ? .long : Double(text) != nil ? .double : .string
    }
}
