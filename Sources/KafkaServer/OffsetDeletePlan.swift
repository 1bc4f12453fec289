import BrokerModel
import KafkaSessions
import KafkaWire
import Partitions

/// What one OffsetDelete would delete, and the answer to it as far as it is known.
struct OffsetDeletePlan {
    /// A partition that is there.
    struct Item {
        let topicIndex: Int
        let partitionIndex: Int
        let topic: String
        let partition: Int32
    }

    private(set) var response = OffsetDeleteResponse(topics: [])
    private(set) var items: [Item] = []

    init(_ request: OffsetDeleteRequest, catalog: TopicCatalogSnapshot) {
        for (topicIndex, wanted) in request.topics.enumerated() {
            let topic = catalog.topic(of: wanted, byID: false)
            var answer = OffsetDeleteResponse.Topic(name: wanted.name, partitions: [])
            for (partitionIndex, partition) in wanted.partitions.enumerated() {
                var result = OffsetDeleteResponse.Partition(index: partition.index)
                if let topic, topic.hasPartition(partition.index) {
                    items.append(
                        Item(
                            topicIndex: topicIndex,
                            partitionIndex: partitionIndex,
                            topic: wanted.name,
                            partition: partition.index
                        )
                    )
                } else {
                    result.errorCode = .unknownTopicOrPartition
                }
                answer.partitions.append(result)
            }
            response.topics.append(answer)
        }
    }

    mutating func refuse(_ item: Item, _ code: KafkaErrorCode) {
        response.topics[item.topicIndex].partitions[item.partitionIndex].errorCode = code
    }

    /// The group's own error, which takes the place of all others.
    static func refused(_ code: KafkaErrorCode) -> OffsetDeleteResponse {
        var response = OffsetDeleteResponse(topics: [])
        response.errorCode = code
        return response
    }
}
