import BrokerModel
import KafkaWire

/// A partition as the commands name it.
package struct PartitionName: Hashable, Comparable, CustomStringConvertible {
    package let topic: String
    package let index: Int32

    package init(topic: String, index: Int32) {
        self.topic = topic
        self.index = index
    }

    package var description: String { "\(topic)-\(index)" }

    package static func < (a: PartitionName, b: PartitionName) -> Bool {
        (a.topic, a.index) < (b.topic, b.index)
    }
}

extension Sequence<PartitionName> {
    /// One block a topic, as requests have them.
    func blocks<Element>(_ element: (PartitionName) -> Element) -> [TopicBlock<Element>] {
        Dictionary(grouping: self, by: \.topic).sorted { $0.key < $1.key }
            .map { TopicBlock(name: $0.key, partitions: $0.value.sorted().map(element)) }
    }
}

extension Sequence {
    /// What a response's blocks say, partition by partition.
    func byPartition<Element>(
        _ index: (Element) -> Int32
    ) -> [PartitionName: Element] where Self.Element == TopicBlock<Element> {
        var all: [PartitionName: Element] = [:]
        for block in self {
            for element in block.partitions {
                all[PartitionName(topic: block.name, index: index(element))] = element
            }
        }
        return all
    }
}

// The requests that more than one command sends.
extension KafkaClient {
    /// The topics of those names, each with its own error; all topics without names.
    func topics(
        _ names: [String]? = nil,
        creating: Bool = false
    ) throws(KafkaClientError) -> [MetadataResponse.Topic] {
        var request = MetadataRequest(topics: names?.map { .init(name: $0) })
        request.allowsTopicCreation = creating
        return try exchange(
            .metadata,
            12,
            request.write(to:version:),
            MetadataResponse.init(reading:version:)
        ).topics
    }

    /// All partitions of topics that have to be there.
    func partitions(of topics: [String]) throws(KafkaClientError) -> [PartitionName] {
        var partitions: [PartitionName] = []
        for topic in try self.topics(topics) {
            let name = topic.name ?? ""
            guard topic.errorCode == .none else {
                throw .broker(topic.errorCode, "topic '\(name)'")
            }
            partitions += topic.partitions.map { PartitionName(topic: name, index: $0.index) }
        }
        return partitions.sorted()
    }

    /// What the log says of a time or a place, each partition with its own error.
    func places(
        of partitions: [PartitionName],
        at place: Timestamp
    ) throws(KafkaClientError) -> [PartitionName: ListOffsetsResponse.Partition] {
        let request = ListOffsetsRequest(
            topics: partitions.blocks { .init(index: $0.index, timestamp: place) }
        )
        return try exchange(
            .listOffsets,
            7,
            request.write(to:version:),
            ListOffsetsResponse.init(reading:version:)
        ).topics.byPartition(\.index)
    }

    /// The same where every partition has to answer.
    func offsets(
        of partitions: [PartitionName],
        at place: Timestamp
    ) throws(KafkaClientError) -> [PartitionName: Offset] {
        let places = try places(of: partitions, at: place)
        var offsets: [PartitionName: Offset] = [:]
        for partition in partitions {
            let found = places[partition]
            guard let found, found.errorCode == .none else {
                throw .broker(
                    found?.errorCode ?? .unknownTopicOrPartition,
                    "partition \(partition)"
                )
            }
            offsets[partition] = found.offset
        }
        return offsets
    }
}
