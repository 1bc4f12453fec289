import BrokerModel
import CommitLog
import KafkaWire
import Partitions

/// What the broker knows of its own settings, and of those that new topics get.
public struct KafkaBrokerConfiguration: Sendable {
    /// One key of the broker's own.
    public struct Setting: Sendable {
        public let name: String
        public let value: String
        public let defaultText: String
        /// Whether a file, the environment or a flag gave it.
        public let isSet: Bool
        public let sentence: String

        public init(
            name: String,
            value: String,
            defaultText: String,
            isSet: Bool,
            sentence: String
        ) {
            self.name = name
            self.value = value
            self.defaultText = defaultText
            self.isSet = isSet
            self.sentence = sentence
        }
    }

    public var topicDefaults = TopicSettings()
    public var creation = TopicCreationSettings()
    public var settings: [Setting] = []

    public init() {}

    func isSet(_ name: String) -> Bool { settings.contains { $0.name == name && $0.isSet } }
}

// How topics and the broker are set. No key can be changed while the broker runs, and all say so.
extension BrokerAnswers {
    func describeConfigs(_ request: DescribeConfigsRequest) -> DescribeConfigsResponse {
        // A few bytes ask for a few kilobytes: so each resource is described once.
        var seen: Set<[String]> = []
        let distinct = request.resources.filter { resource in
            seen.insert(["\(resource.type.rawValue)", resource.name]).inserted
        }
        let results = distinct.map { resource in
            var result = DescribeConfigsResponse.Result(type: resource.type, name: resource.name)
            do throws(TopicRefusal) {
                let entries = try entries(of: resource, request)
                let wanted = resource.keys.map { Set($0) }
                result.entries = entries.filter { wanted?.contains($0.name) ?? true }
            } catch {
                result.errorCode = error.code
                result.errorMessage = error.message
            }
            return result
        }
        return DescribeConfigsResponse(results: results)
    }

    private func entries(
        of resource: DescribeConfigsRequest.Resource,
        _ request: DescribeConfigsRequest
    ) throws(TopicRefusal) -> [ConfigEntry] {
        switch resource.type {
        case .topic:
            guard let name = TopicName(resource.name) else {
                throw TopicRefusal(.invalidTopic, "'\(resource.name)' is no topic name")
            }
            guard let topic = catalog.topic(named: name) else { throw TopicRefusal(.unknown) }
            return TopicSettings.keys.map { entry(of: $0, topic, request) }
        case .broker:
            guard resource.name == "\(identity.nodeID)" else {
                throw TopicRefusal(
                    .invalidRequest,
                    "this is broker \(identity.nodeID), not '\(resource.name)'"
                )
            }
            return configuration.settings.map { entry(of: $0, request) }
        default:
            throw TopicRefusal(.invalidRequest, "only topics and brokers have settings here")
        }
    }

    private func entry(
        of key: TopicKey,
        _ topic: TopicEntry,
        _ request: DescribeConfigsRequest
    ) -> ConfigEntry {
        var entry = ConfigEntry(
            name: key.name,
            value: key.text(in: topic.settings),
            source: source(of: key, overrides: topic.overrides)
        )
        entry.isReadOnly = true
        entry.type = Int(key.defaultText) == nil ? .string : .long
        if request.wantsDocumentation { entry.documentation = key.sentence }
        guard request.wantsSynonyms else { return entry }
        if let own = topic.overrides[key.name] {
            entry.synonyms.append(.init(name: key.name, value: own, source: .topic))
        }
        guard let brokerKey = Self.brokerKeys[key.name] else { return entry }
        if configuration.isSet(brokerKey) {
            let value = key.text(in: configuration.topicDefaults)
            entry.synonyms.append(.init(name: brokerKey, value: value, source: .broker))
        }
        entry.synonyms.append(.init(name: brokerKey, value: key.defaultText, source: .byDefault))
        return entry
    }

    private func entry(
        of setting: KafkaBrokerConfiguration.Setting,
        _ request: DescribeConfigsRequest
    ) -> ConfigEntry {
        var entry = ConfigEntry(
            name: setting.name,
            value: setting.value,
            source: setting.isSet ? .broker : .byDefault
        )
        entry.isReadOnly = true
        entry.type = .string
        if request.wantsDocumentation { entry.documentation = setting.sentence }
        guard request.wantsSynonyms else { return entry }
        if setting.isSet {
            entry.synonyms.append(
                .init(name: setting.name, value: setting.value, source: .broker)
            )
        }
        entry.synonyms.append(
            .init(name: setting.name, value: setting.defaultText, source: .byDefault)
        )
        return entry
    }

    func source(of key: TopicKey, overrides: [String: String]) -> ConfigSource {
        if overrides[key.name] != nil { return .topic }
        let isSet = Self.brokerKeys[key.name].map(configuration.isSet) ?? false
        return isSet ? .broker : .byDefault
    }

    /// Under which name the broker's own configuration has the default of a topic's key.
    private static let brokerKeys = [
        "segment.bytes": "log.segment.bytes", "segment.ms": "log.roll.ms",
        "index.interval.bytes": "log.index.interval.bytes", "retention.ms": "log.retention.ms",
        "retention.bytes": "log.retention.bytes",
        "file.delete.delay.ms": "log.segment.delete.delay.ms",
        "max.message.bytes": "message.max.bytes",
        "message.timestamp.type": "log.message.timestamp.type",
        "message.timestamp.before.max.ms": "log.message.timestamp.before.max.ms",
        "message.timestamp.after.max.ms": "log.message.timestamp.after.max.ms",
        "cleanup.policy": "log.cleanup.policy",
        "min.cleanable.dirty.ratio": "log.cleaner.min.cleanable.ratio",
        "delete.retention.ms": "log.cleaner.delete.retention.ms",
        "min.compaction.lag.ms": "log.cleaner.min.compaction.lag.ms",
        "max.compaction.lag.ms": "log.cleaner.max.compaction.lag.ms",
        "compression.type": "compression.type",
        "compression.gzip.level": "compression.gzip.level",
        "compression.lz4.level": "compression.lz4.level",
        "compression.zstd.level": "compression.zstd.level",
    ]
}
