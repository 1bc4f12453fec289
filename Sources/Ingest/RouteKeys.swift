import BrokerModel
import CommitLog

extension Route {
    /// More would make every new topic's first publish slow.
    static let routesMax = 1_000
    private static let headersMax = 32

    /// The list `routes:` in the configuration file.
    static let table = ConfigurationTable<IngestSettings>(
        "routes",
        \.routes,
        blank: RouteDraft(),
        keys: placeKeys + recordKeys + settingKeys,
        named: [headers],
        rowsMax: routesMax,
        "Which MQTT topics go to which Kafka topic. The first entry that matches a publish takes "
            + "it.",
        finish: { draft throws(ConfigurationRowProblem) in try draft.route() }
    )

    private static let placeKeys: [ConfigurationKey<RouteDraft>] = [
        .init(
            "filter",
            \.filter,
            of: RouteDraft(),
            allowed: "an MQTT topic filter, such as plant/+/temperature or sensors/#",
            "The MQTT topics that it takes. Required. A leading wildcard takes no topic that "
                + "begins with `$`."
        ),
        .init(
            "topic",
            \.topic,
            of: RouteDraft(),
            allowed: "a Kafka topic, such as plant or sensors.{2}, with a dot between two values",
            "The Kafka topic, created at first use. Required. `{1}`, `{2}` are levels of the MQTT "
                + "topic, `{topic}` is all of it, `{client}` the client id."
        ),
    ]

    private static let recordKeys: [ConfigurationKey<RouteDraft>] = [
        .init(
            "key",
            \.key,
            of: RouteDraft(),
            allowed: RouteKey.allowedText,
            "The record's key, by which its partition is chosen as Kafka's clients do."
        ),
        .init(
            "live",
            \.live,
            of: RouteDraft(),
            allowed: LiveMode.allCases.map(\.rawValue).joined(separator: " | "),
            "Whether MQTT subscribers get a message at once, or when it is stored."
        ),
        .init(
            "partitions",
            \.partitions,
            of: RouteDraft(),
            allowed: "1 ... 10000",
            "How many partitions a topic gets that it creates. Empty: `num.partitions`."
        ) { $0.map { (1...10_000).contains($0) } ?? false },
        .init(
            "durability",
            \.[setting: "durability"],
            of: RouteDraft(),
            allowed: Durability.allCases.map(\.rawValue).joined(separator: " | "),
            "When a record counts as stored, for a topic that it creates: synced (the default), in "
                + "the page cache, or on its way there."
        ) { $0.map { Durability(rawValue: $0) != nil } ?? false },
    ]

    /// Kafka's keys of a topic; durability has a place of its own.
    private static let settingKeys: [ConfigurationKey<RouteDraft>] = TopicSettings.keys
        .filter { $0.name != "durability" }
        .map { key in
            .init(
                "settings.\(key.name)",
                \.[setting: key.name],
                of: RouteDraft(),
                allowed: key.allowedText,
                "For a topic that it creates: \(key.sentence)"
            ) { text in
                guard let text else { return false }
                return (try? TopicSettings().applying([key.name: text])) != nil
            }
        }

    /// Names in `mqtt.` say what the publish said, and receipts are found again by them.
    private static let headers = ConfigurationNamedValues<RouteDraft>(
        "headers",
        allowed: "a text in which {1}, {2}, {topic} and {client} may stand; 32 headers at most, "
            + "none of whose names begins with mqtt.",
        "A header that each record gets; left out where a publish lacks the value."
    ) { name, text, draft in
        guard !name.isEmpty, !name.hasPrefix("mqtt."), draft.headers.count < headersMax,
            let value = RouteTemplate(text)
        else { return false }
        draft.headers.append(RouteHeader(name: Array(name.utf8), value: value))
        return true
    }
}
