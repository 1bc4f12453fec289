import BrokerModel

/// Produce (key 0), the answer: where each partition's records went, or why they did not.
public struct ProduceResponse: Equatable, Sendable {
    public var topics: [Topic]
    public var throttleMilliseconds: Int32 = 0
    /// From version 10 on: where the leaders named in the partitions live (KIP-951).
    public var endpoints: [NodeEndpoint] = []

    public init(topics: [Topic]) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.produce.check(version)
        let flexible = KafkaAPI.produce.isFlexible(version)
        topics = try reader.readArray(version: version, flexible: flexible)
        throttleMilliseconds = try reader.readFixed()
        guard flexible else { return }
        var fields = try TaggedFields(reading: &reader)
        while var field = try fields.next(&reader) {
            guard field.tag == 0, version >= 10 else { continue }
            endpoints = try field.body.readArray(version: version, flexible: true)
            try field.finish()
        }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.produce.isFlexible(version)
        output.writeArray(topics, version: version, flexible: flexible)
        output.writeInteger(throttleMilliseconds)
        guard flexible else { return }
        guard version >= 10, !endpoints.isEmpty else { return output.writeNoTaggedFields() }
        var fields = TaggedFieldsWriter()
        fields.add(0) { $0.writeArray(endpoints, version: version, flexible: true) }
        fields.write(to: &output)
    }

    public typealias Topic = TopicBlock<Partition>
}

extension ProduceResponse {
    public struct Partition: Equatable, Sendable, WireElement, TopicBlockElement {
        static var api: KafkaAPI { .produce }
        static var topicIDVersionMin: Int16? { 13 }

        public var index: Int32
        public var errorCode = KafkaErrorCode.none
        public var baseOffset = Offset(-1)
        /// Set only where the broker stamps records.
        public var logAppendTime = Timestamp.none
        /// From version 5 on.
        public var logStartOffset = Offset(-1)
        /// Both from version 8 on (KIP-467).
        public var recordErrors: [RecordError] = []
        public var errorMessage: String?
        /// Tagged, from version 10 on.
        public var currentLeader: LeaderAndEpoch?

        static let bytesMin = 22

        public init(index: Int32) {
            self.index = index
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.produce.isFlexible(version)
            index = try reader.readFixed()
            errorCode = try reader.readErrorCode()
            baseOffset = Offset(try reader.readFixed())
            logAppendTime = Timestamp(milliseconds: try reader.readFixed())
            if version >= 5 { logStartOffset = Offset(try reader.readFixed()) }
            if version >= 8 {
                recordErrors = try reader.readArray(version: version, flexible: flexible)
                errorMessage = try reader.readNullableString(flexible: flexible)
            }
            guard flexible else { return }
            var fields = try TaggedFields(reading: &reader)
            while var field = try fields.next(&reader) {
                guard field.tag == 0, version >= 10 else { continue }
                let leader: Int32 = try field.body.readFixed()
                let epoch = LeaderEpoch(try field.body.readFixed())
                currentLeader = LeaderAndEpoch(leaderID: leader, leaderEpoch: epoch)
                try field.body.skipTaggedFields()
                try field.finish()
            }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.produce.isFlexible(version)
            output.writeInteger(index)
            output.writeErrorCode(errorCode)
            output.writeInteger(baseOffset.rawValue)
            output.writeInteger(logAppendTime.rawValue)
            if version >= 5 { output.writeInteger(logStartOffset.rawValue) }
            if version >= 8 {
                output.writeArray(recordErrors, version: version, flexible: flexible)
                output.writeNullableString(errorMessage, flexible: flexible)
            }
            guard flexible else { return }
            guard version >= 10, let currentLeader else { return output.writeNoTaggedFields() }
            var fields = TaggedFieldsWriter()
            fields.add(0) {
                $0.writeInteger(currentLeader.leaderID)
                $0.writeInteger(currentLeader.leaderEpoch.rawValue)
                $0.writeNoTaggedFields()
            }
            fields.write(to: &output)
        }
    }

    /// A record that made its batch refused.
    public struct RecordError: Equatable, Sendable, WireElement {
        public var index: Int32
        public var message: String?

        static let bytesMin = 5

        public init(index: Int32, message: String?) {
            self.index = index
            self.message = message
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.produce.isFlexible(version)
            index = try reader.readFixed()
            message = try reader.readNullableString(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.produce.isFlexible(version)
            output.writeInteger(index)
            output.writeNullableString(message, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}
