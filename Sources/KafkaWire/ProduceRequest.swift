import BrokerModel

/// Produce (key 0), what a producer sends. Record bytes point into the frame.
public struct ProduceRequest {
    public var transactionalID: String?
    /// -1 for all replicas, 1 for the leader, 0 for no answer at all.
    public var acks: Int16
    public var timeoutMilliseconds: Int32
    public var topics: [Topic]

    public init(acks: Int16, timeoutMilliseconds: Int32, topics: [Topic]) {
        self.acks = acks
        self.timeoutMilliseconds = timeoutMilliseconds
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.produce.check(version)
        let flexible = KafkaAPI.produce.isFlexible(version)
        transactionalID = try reader.readNullableString(flexible: flexible)
        acks = try reader.readFixed()
        timeoutMilliseconds = try reader.readFixed()
        topics = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.produce.isFlexible(version)
        output.writeNullableString(transactionalID, flexible: flexible)
        output.writeInteger(acks)
        output.writeInteger(timeoutMilliseconds)
        output.writeArray(topics, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public typealias Topic = TopicBlock<Partition>

    public struct Partition: WireElement, TopicBlockElement {
        static var api: KafkaAPI { .produce }
        static var topicIDVersionMin: Int16? { 13 }

        public var index: Int32
        public var records: UnsafeRawBufferPointer?

        static let bytesMin = 5

        public init(index: Int32, records: UnsafeRawBufferPointer?) {
            self.index = index
            self.records = records
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.produce.isFlexible(version)
            index = try reader.readFixed()
            records = try reader.readNullableBytes(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.produce.isFlexible(version)
            output.writeInteger(index)
            output.writeNullableBytes(records, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}
