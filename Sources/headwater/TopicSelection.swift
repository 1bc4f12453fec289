import KafkaWire

/// Which topics a consumer reads: those it names, or all whose name matches, new ones too.
struct TopicSelection {
    let names: [String]
    private let pattern: Regex<AnyRegexOutput>?

    var isPattern: Bool { pattern != nil }

    /// Throws where `expression` is no regular expression.
    init(names: [String], matching expression: String?) throws {
        self.names = names
        pattern = try expression.map { try Regex($0) }
    }

    /// What to subscribe to now. The broker's own topics are none of a pattern's, as in Kafka.
    func topics(_ client: KafkaClient) throws(KafkaClientError) -> [String] {
        guard let pattern else { return names }
        let all = try client.topics().filter { $0.errorCode == .none && !$0.isInternal }
        return all.compactMap(\.name).filter { $0.wholeMatch(of: pattern) != nil }.sorted()
    }
}
