import BrokerModel
import CommitLog
import MQTTWire

/// Which publishes go to which topic, and how.
package struct Route: Sendable {
    let filter: TopicFilter
    package let topic: TopicTemplate
    let key: RouteKey
    let headers: [RouteHeader]
    /// Of a topic that it creates; nil: as many as any topic gets.
    package let partitions: Int32?
    let live: LiveMode
    /// Settings of a topic that it creates.
    package let overrides: [String: String]

    package static let defaultTopic = "mqtt"

    /// What holds without configuration: everything goes to one topic.
    package static let everything: [Route] = {
        var draft = RouteDraft()
        draft.filter = RouteFilter("#")
        draft.topic = TopicTemplate(defaultTopic)
        return (try? draft.route()).map { [$0] } ?? []
    }()

    /// Whether anything in it depends on who publishes.
    var usesClient: Bool {
        topic.template.usesClient || key.template?.usesClient == true
            || headers.contains { $0.value.usesClient }
    }
}

/// One header that a route adds to its records.
package struct RouteHeader: Sendable {
    let name: [UInt8]
    let value: RouteTemplate
}

/// When subscribers get a message.
package enum LiveMode: String, CaseIterable, Sendable {
    /// At once, in parallel to the disk.
    case early
    /// When it is as durable as its topic makes it.
    case synced
}

extension LiveMode: ConfigurationValue {
    package init?(configurationText: String) { self.init(rawValue: configurationText) }
    package var configurationText: String { rawValue }
}

/// A topic filter that a route can have.
package struct RouteFilter: Sendable {
    let filter: TopicFilter

    init?(_ text: String) {
        guard let filter = TopicFilter(text), !filter.isShared else { return nil }
        self.filter = filter
    }

    /// How many levels each topic has that it matches; nil when that differs.
    var levelCount: Int? {
        filter.pattern.bytes.last == UInt8(ascii: "#") ? nil : filter.levelCount
    }
}

extension RouteFilter: ConfigurationValue {
    package init?(configurationText: String) { self.init(configurationText) }
    package var configurationText: String { filter.description }
}

/// A route as it is being read from a file.
package struct RouteDraft: Sendable {
    var filter: RouteFilter?
    var topic: TopicTemplate?
    var key = RouteKey.topic
    var headers: [RouteHeader] = []
    var partitions: Int?
    var live = LiveMode.early
    var overrides: [String: String] = [:]

    package init() {}

    subscript(setting name: String) -> String? {
        get { overrides[name] }
        set { overrides[name] = newValue }
    }

    package func route() throws(ConfigurationRowProblem) -> Route {
        guard let filter else {
            throw ConfigurationRowProblem("filter", "is missing; say which MQTT topics it takes")
        }
        guard let topic else {
            throw ConfigurationRowProblem("topic", "is missing; say which Kafka topic they go to")
        }
        if let most = filter.levelCount {
            var asking = [("topic", topic.template.highestLevel)]
            asking.append(("key", key.template?.highestLevel ?? 0))
            for header in headers {
                let name = String(decoding: header.name, as: UTF8.self)
                asking.append(("headers.\(name)", header.value.highestLevel))
            }
            for (name, level) in asking where level > most {
                throw ConfigurationRowProblem(
                    name,
                    "asks for level \(level), but topics that '\(filter.filter)' matches have "
                        + "\(most)"
                )
            }
        }
        return Route(
            filter: filter.filter,
            topic: topic,
            key: key,
            headers: headers,
            partitions: partitions.map { Int32(clamping: $0) },
            live: live,
            overrides: overrides
        )
    }
}
