import BrokerModel

/// Kafka's `partition.metadata`: which topic the folder belongs to, by id.
struct PartitionMetadata: Equatable {
    let topicID: UUIDBytes

    init(topicID: UUIDBytes) { self.topicID = topicID }

    /// Nil when the text is no such file.
    init?(text: String) {
        var lines: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            lines[line[..<colon]] = line[line.index(after: colon)...].drop { $0 == " " }
        }
        guard lines["version"] == "0", let id = lines["topic_id"].map(String.init),
            let topicID = UUIDBytes(id)
        else { return nil }
        self.topicID = topicID
    }

    var text: String { "version: 0\ntopic_id: \(topicID)" }
}
