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

    public struct DataSpace: Sendable {
        public let total: ByteCount
        public let usable: ByteCount

        public init(total: ByteCount, usable: ByteCount) {
            self.total = total
            self.usable = usable
        }
    }

    public var topicDefaults = TopicSettings()
    public var creation = TopicCreationSettings()
    public var settings: [Setting] = []
    /// The least level of the broker's log lines, in the words of Kafka's tools.
    public var logLevel = "INFO"
    /// Where all partitions lie; absolute.
    public var dataDirectory = ""
    /// What the volume under it takes, and what of that is free, as it was measured last.
    public var dataSpace: @Sendable () -> DataSpace? = { nil }

    public init() {}

    func isSet(_ name: String) -> Bool { settings.contains { $0.name == name && $0.isSet } }
}

// How topics and the broker are set. A topic's settings change while it is there; the broker's come
// from its file, its environment and its flags, and say that they are read-only.
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
                // As with Kafka, an empty list names all keys too.
                let wanted = Set(resource.keys ?? [])
                result.entries = entries.filter { wanted.isEmpty || wanted.contains($0.name) }
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
            let topic = try topic(named: resource.name)
            return TopicSettings.keys.map { entry(of: $0, topic, request) }
        case .broker:
            // Without a name it is what all brokers share at run time: there is none of that.
            guard !resource.name.isEmpty else { return [] }
            try checkIsOurs(broker: resource.name)
            return configuration.settings.map { entry(of: $0, request) }
        case .brokerLogger:
            try checkIsOurs(broker: resource.name)
            return [rootLogger]
        case .clientMetrics, .group:
            guard !resource.name.isEmpty else {
                throw TopicRefusal(.invalidRequest, "the resource has no name")
            }
            // As of one that nobody has set: whatever could be set here does not exist.
            return []
        default: throw TopicRefusal.noSettings(resource.type)
        }
    }

    /// One level holds for all of the log, and is read when the broker starts.
    private var rootLogger: ConfigEntry {
        var entry = ConfigEntry(name: "root", value: configuration.logLevel, source: .brokerLogger)
        entry.isReadOnly = true
        return entry
    }

    func topic(named text: String) throws(TopicRefusal) -> TopicEntry {
        guard let name = TopicName(text) else {
            throw TopicRefusal(.invalidTopic, "'\(text)' is no topic name")
        }
        guard let topic = catalog.topic(named: name) else { throw TopicRefusal(.unknown) }
        return topic
    }

    func checkIsOurs(broker name: String) throws(TopicRefusal) {
        guard name == "\(identity.nodeID)" else {
            throw TopicRefusal(.invalidRequest, "this is broker \(identity.nodeID), not '\(name)'")
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
        entry.isReadOnly = key.isFixed
        entry.type = key.configType
        if request.wantsDocumentation { entry.documentation = key.sentence }
        guard request.wantsSynonyms else { return entry }
        if let own = topic.overrides[key.name] {
            entry.synonyms.append(.init(name: key.name, value: own, source: .topic))
        }
        guard let brokerKey = key.brokerKey else { return entry }
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
        let value = setting.plain(setting.value)
        let defaultText = setting.plain(setting.defaultText)
        var entry = ConfigEntry(
            name: setting.name,
            value: value,
            source: setting.isSet ? .broker : .byDefault
        )
        entry.isReadOnly = true
        entry.type = ConfigType(of: defaultText)
        if request.wantsDocumentation { entry.documentation = setting.sentence }
        guard request.wantsSynonyms else { return entry }
        if setting.isSet {
            entry.synonyms.append(.init(name: setting.name, value: value, source: .broker))
        }
        entry.synonyms.append(.init(name: setting.name, value: defaultText, source: .byDefault))
        return entry
    }

    func source(of key: TopicKey, overrides: [String: String]) -> ConfigSource {
        if overrides[key.name] != nil { return .topic }
        let isSet = key.brokerKey.map(configuration.isSet) ?? false
        return isSet ? .broker : .byDefault
    }
}

extension KafkaBrokerConfiguration.Setting {
    /// Kafka's tools read times and sizes as plain numbers of milliseconds and bytes.
    fileprivate func plain(_ text: String) -> String {
        if name.hasSuffix(".ms"), let limit = TimeLimit(configurationText: text) {
            return "\(limit.duration?.wholeMilliseconds ?? -1)"
        }
        if name.hasSuffix(".bytes"), let size = ByteCount(configurationText: text) {
            return "\(size.rawValue)"
        }
        return text
    }
}

extension TopicRefusal {
    /// What Kafka has settings for and this broker has not.
    static func noSettings(_ type: ConfigResourceType) -> TopicRefusal {
        switch type {
        case .brokerLogger:
            TopicRefusal(
                .invalidRequest,
                "the log's level cannot change while the broker runs; set logging.level"
            )
        case .clientMetrics:
            TopicRefusal(.invalidRequest, "clients are not asked for metrics here")
        case .group: TopicRefusal(.invalidRequest, "groups have no settings of their own here")
        default: TopicRefusal(.invalidRequest, "there is no resource type \(type.rawValue)")
        }
    }
}
