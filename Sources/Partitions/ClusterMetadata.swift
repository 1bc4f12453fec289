import BrokerModel
import CommitLog
import RecordFormat

/// Which topics there are, as the records of `__cluster_metadata` say.
struct ClusterMetadata: Equatable {
    struct Topic: Equatable {
        let name: TopicName
        let id: UUIDBytes
        var partitionCount = 0
        var overrides: [String: String] = [:]
    }

    private(set) var topics: [TopicName: Topic] = [:]
    /// Topics that were there once: a folder of theirs is what a deletion has left.
    private(set) var removed: Set<UUIDBytes> = []
    /// The first producer id that was not yet given away; nil when none ever was.
    private(set) var nextProducerID: Int64?
    private var names: [UUIDBytes: TopicName] = [:]
    /// Whether there are records that this version does not know.
    private(set) var hasOthers = false

    init() {}

    mutating func apply(_ record: ClusterMetadataRecord) {
        switch record {
        case .topic(let text, let id):
            guard let name = TopicName(text) else { return }
            topics[name] = Topic(name: name, id: id)
            names[id] = name
        case .partition(let number, let id, _):
            guard number >= 0, let name = names[id] else { return }
            let count = topics[name]?.partitionCount ?? 0
            topics[name]?.partitionCount = max(count, Int(number) + 1)
        case .topicSetting(let text, let setting, let value):
            guard let name = TopicName(text) else { return }
            topics[name]?.overrides[setting] = value
        case .removeTopic(let id):
            removed.insert(id)
            guard let name = names.removeValue(forKey: id) else { return }
            topics[name] = nil
        case .producerIDs(_, let next): nextProducerID = max(next, nextProducerID ?? 0)
        case .other: hasOthers = true
        }
    }

    /// Applies what a batch of the log holds.
    mutating func apply(
        _ batch: RecordBatchView,
        _ decompressor: inout RecordDecompressor
    ) throws(RecordFormatError) {
        var records = try batch.records(decompressor: &decompressor, limit: .mebibytes(64))
        while let record = try records.next() {
            guard let value = record.value, let change = ClusterMetadataRecord(value) else {
                continue
            }
            apply(change)
        }
    }

    /// Forgets the topics that were removed, but for those of which a folder may still be there.
    mutating func forgetRemoved(but remembered: Set<UUIDBytes>) {
        removed.formIntersection(remembered)
    }

    /// What describes this state, and nothing of how it came to be.
    func records(node: Int32) -> [ClusterMetadataRecord] {
        var records = removed.sorted { $0.description < $1.description }
            .map { ClusterMetadataRecord.removeTopic($0) }
        for topic in topics.values.sorted(by: { $0.name < $1.name }) {
            let name = topic.name.description
            records.append(.topic(name: name, id: topic.id))
            for (key, value) in topic.overrides.sorted(by: { $0.key < $1.key }) {
                records.append(.topicSetting(topic: name, name: key, value: value))
            }
            for number in 0..<topic.partitionCount {
                records.append(
                    .partition(Int32(truncatingIfNeeded: number), of: topic.id, node: node)
                )
            }
        }
        if let nextProducerID {
            records.append(.producerIDs(node: node, next: nextProducerID))
        }
        return records
    }

    /// About how many records that would be.
    var size: Int { topics.values.reduce(removed.count) { $0 + 1 + $1.partitionCount } }
}
