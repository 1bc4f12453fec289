import BrokerModel

/// Fetch (key 1), the answer, as a client reads it.
///
/// The record bytes of its partitions point into the frame and live as long as it does. A server
/// writes its answers with `FetchResponseWriter`, which takes records without holding them.
public struct FetchResponse {
    public var throttleMilliseconds: Int32 = 0
    /// From version 7 on.
    public var errorCode = KafkaErrorCode.none
    public var sessionID: Int32 = 0
    public var topics: [Topic]
    /// From version 16 on: where the leaders named in the partitions live (KIP-951).
    public var endpoints: [NodeEndpoint] = []

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.fetch.check(version)
        let flexible = KafkaAPI.fetch.isFlexible(version)
        throttleMilliseconds = try reader.readFixed()
        if version >= 7 {
            errorCode = try reader.readErrorCode()
            sessionID = try reader.readFixed()
        }
        topics = try reader.readArray(version: version, flexible: flexible)
        guard flexible else { return }
        var fields = try TaggedFields(reading: &reader)
        while var field = try fields.next(&reader) {
            guard field.tag == 0, version >= 16 else { continue }
            endpoints = try field.body.readArray(version: version, flexible: true)
            try field.finish()
        }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        var writer = FetchResponseWriter(version: version)
        writer.begin(
            topicCount: topics.count,
            errorCode: errorCode,
            sessionID: sessionID,
            throttleMilliseconds: throttleMilliseconds,
            to: &output
        )
        for topic in topics {
            let count = topic.partitions.count
            writer.beginTopic(name: topic.name, id: topic.id, partitionCount: count, to: &output)
            for partition in topic.partitions {
                writer.beginPartition(partition.head, to: &output)
                if let records = partition.records { output.writeBytes(records) }
                writer.endPartition(
                    partition.head,
                    recordsAreNull: partition.records == nil,
                    to: &output
                )
            }
            writer.endTopic(to: &output)
        }
        writer.end(endpoints: endpoints, to: &output)
    }

    public typealias Topic = TopicBlock<Partition>

    public struct Partition: ReadableElement, TopicBlockElement {
        static var api: KafkaAPI { .fetch }
        static var topicIDVersionMin: Int16? { 13 }

        public var head: PartitionHead
        /// Whole record batches, the last one perhaps cut short by the size limits.
        public var records: UnsafeRawBufferPointer?

        static let bytesMin = 24

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            head = try PartitionHead(reading: &reader, version: version)
            let flexible = KafkaAPI.fetch.isFlexible(version)
            records = try reader.readNullableBytes(flexible: flexible)
            if flexible { try head.readTaggedFields(&reader) }
        }
    }
}
