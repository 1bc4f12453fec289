import BrokerModel
import KafkaSessions
import KafkaWire
import Partitions

/// What one OffsetCommit would keep, and the answer to it as far as it is known.
struct OffsetCommitPlan {
    /// A partition that is there.
    struct Item {
        let topicIndex: Int
        let partitionIndex: Int
        let topic: String
        let partition: Int32
        let offset: CommittedOffset

        var place: Place { Place(topic: topic, partition: partition) }
    }

    struct Place: Hashable {
        let topic: String
        let partition: Int32
    }

    private(set) var response: OffsetCommitResponse
    private(set) var items: [Item] = []

    init(
        _ request: OffsetCommitRequest,
        version: Int16,
        catalog: TopicCatalogSnapshot,
        now: Timestamp
    ) {
        response = OffsetCommitResponse(topics: [])
        response.topics.reserveCapacity(request.topics.count)
        let expiry = Self.expiry(after: request.retentionTimeMilliseconds, now: now)
        for (topicIndex, wanted) in request.topics.enumerated() {
            let topic = catalog.topic(of: wanted, byID: version >= 10)
            var answer = OffsetCommitResponse.Topic(
                name: wanted.name,
                id: wanted.id,
                partitions: []
            )
            answer.partitions.reserveCapacity(wanted.partitions.count)
            for (partitionIndex, partition) in wanted.partitions.enumerated() {
                var result = OffsetCommitResponse.Partition(index: partition.index)
                if let topic, topic.hasPartition(partition.index) {
                    items.append(
                        Item(
                            topicIndex: topicIndex,
                            partitionIndex: partitionIndex,
                            topic: topic.name.description,
                            partition: partition.index,
                            offset: CommittedOffset(
                                offset: partition.committedOffset,
                                leaderEpoch: partition.committedLeaderEpoch,
                                metadata: partition.committedMetadata ?? "",
                                commitTimestamp: now,
                                expireTimestamp: expiry,
                                topicID: topic.id
                            )
                        )
                    )
                } else {
                    let isUnknownID = version >= 10 && topic == nil
                    result.errorCode = isUnknownID ? .unknownTopicID : .unknownTopicOrPartition
                }
                answer.partitions.append(result)
            }
            response.topics.append(answer)
        }
    }

    /// The last item of each place, by its index; empty for one item, which is the last.
    var lastItems: [Place: Int] {
        guard items.count > 1 else { return [:] }
        var last: [Place: Int] = [:]
        last.reserveCapacity(items.count)
        for (index, item) in items.enumerated() { last[item.place] = index }
        return last
    }

    mutating func refuse(_ item: Item, _ code: KafkaErrorCode) {
        response.topics[item.topicIndex].partitions[item.partitionIndex].errorCode = code
    }

    mutating func answer(_ item: Item, as other: Item) {
        let partition = response.topics[other.topicIndex].partitions[other.partitionIndex]
        refuse(item, partition.errorCode)
    }

    /// Says the same of each partition that is there and was not refused by itself.
    mutating func refuseAll(_ code: KafkaErrorCode) {
        for item in items {
            let partition = response.topics[item.topicIndex].partitions[item.partitionIndex]
            if partition.errorCode == .none { refuse(item, code) }
        }
    }

    private static func expiry(after milliseconds: Int64, now: Timestamp) -> Timestamp? {
        guard milliseconds != -1 else { return nil }
        let (end, overflow) = now.rawValue.addingReportingOverflow(milliseconds)
        return Timestamp(milliseconds: overflow ? .max : end)
    }
}

extension TopicCatalogSnapshot {
    /// The topic of a request's block, by its name or, from some version on, by its id.
    func topic<Partition>(of block: TopicBlock<Partition>, byID: Bool) -> TopicEntry? {
        byID ? topic(id: block.id) : TopicName(block.name).flatMap { topic(named: $0) }
    }
}

extension TopicEntry {
    /// Whether it has such a partition, be it offline.
    func hasPartition(_ number: Int32) -> Bool { partitions.indices.contains(Int(number)) }
}
