import KafkaWire

/// How topics read on a terminal, and as JSON.
enum TopicText {
    static func table(_ topics: [TopicSummary]) -> String {
        let rows = topics.map { topic in
            [
                topic.name, "\(topic.partitions.count)", "\(topic.records)",
                topic.isInternal ? "the broker's own" : "",
            ]
        }
        return TextTable.aligned([["TOPIC", "PARTITIONS", "RECORDS", ""]] + rows)
    }

    static func description(_ topic: TopicSummary) -> String {
        let partitions = topic.partitions.map(cells)
        let settings = topic.settings.map { entry in
            [entry.name, entry.value ?? "", source(entry)]
        }
        return """
            topic \(topic.name)\(topic.isInternal ? " (the broker's own)" : "")
            id    \(topic.id)

            \(TextTable.aligned([partitionHead] + partitions))

            \(TextTable.aligned([["SETTING", "VALUE", "FROM"]] + settings))
            """
    }

    private static let partitionHead = ["PARTITION", "FIRST", "NEXT", "RECORDS", "BYTES", "EPOCH"]

    private static func cells(of partition: TopicSummary.Partition) -> [String] {
        let place = "\(partition.index)"
        let epoch = "\(partition.leaderEpoch)"
        guard let offsets = partition.offsets else {
            return [place, "-", "-", "offline", "-", epoch]
        }
        let bytes = partition.bytes.map { "\($0)" } ?? "-"
        return [
            place, "\(offsets.lowerBound)", "\(offsets.upperBound)", "\(offsets.count)", bytes,
            epoch,
        ]
    }

    private static func source(_ entry: ConfigEntry) -> String {
        switch entry.source {
        case .topic: "topic"
        case .broker: "broker"
        case .byDefault: "default"
        default: "unknown"
        }
    }

    // MARK: JSON

    static func json(_ topics: [TopicSummary]) -> String { array(topics.map(json)) }

    private static func json(_ topic: TopicSummary) -> String {
        var fields = [
            "\"name\":\(RecordText.quoted(topic.name))", "\"id\":\"\(topic.id)\"",
            "\"internal\":\(topic.isInternal)", "\"records\":\(topic.records)",
            "\"partitions\":\(array(topic.partitions.map(json)))",
        ]
        if !topic.settings.isEmpty {
            let settings = topic.settings.map { entry in
                let value = entry.value.map(RecordText.quoted) ?? "null"
                return "\(RecordText.quoted(entry.name)):{\"value\":\(value),"
                    + "\"source\":\"\(source(entry))\"}"
            }
            fields.append("\"settings\":{\(settings.joined(separator: ","))}")
        }
        return "{" + fields.joined(separator: ",") + "}"
    }

    private static func json(_ partition: TopicSummary.Partition) -> String {
        let first = partition.offsets.map { "\($0.lowerBound)" } ?? "null"
        let next = partition.offsets.map { "\($0.upperBound)" } ?? "null"
        let bytes = partition.bytes.map { "\"bytes\":\($0)," } ?? ""
        return "{\"partition\":\(partition.index),\"first_offset\":\(first),"
            + "\"next_offset\":\(next),\(bytes)\"leader_epoch\":\(partition.leaderEpoch)}"
    }

    static func json(_ topics: [CreateTopicsResponse.Topic]) -> String {
        array(
            topics.map { topic in
                "{\"name\":\(RecordText.quoted(topic.name)),\"id\":\"\(topic.id)\","
                    + "\"partitions\":\(topic.partitionCount)}"
            }
        )
    }

    static func array(_ elements: [String]) -> String {
        "[" + elements.joined(separator: ",") + "]"
    }
}
