import BrokerModel

/// Fetch (key 1), what a reader asks for: partitions, where to start, how much, how long to wait.
public struct FetchRequest: Equatable, Sendable {
    /// From version 12 on, as a tagged field.
    public var clusterID: String?
    /// -1 for a consumer. From version 15 on it travels with `replicaEpoch` as a tagged field.
    public var replicaID: Int32 = -1
    public var replicaEpoch: Int64 = -1
    public var waitMillisecondsMax: Int32
    public var bytesMin: Int32
    public var bytesMax: Int32 = .max
    public var isolationLevel = IsolationLevel.readUncommitted
    /// Session 0 with epoch -1 is a full fetch outside any session (KIP-227).
    public var sessionID: Int32 = 0
    public var sessionEpoch: Int32 = -1
    public var topics: [Topic]
    public var forgottenTopics: [ForgottenTopic] = []
    public var rackID = ""

    public init(topics: [Topic], waitMillisecondsMax: Int32, bytesMin: Int32) {
        self.topics = topics
        self.waitMillisecondsMax = waitMillisecondsMax
        self.bytesMin = bytesMin
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.fetch.check(version)
        let flexible = KafkaAPI.fetch.isFlexible(version)
        if version < 15 { replicaID = try reader.readFixed() }
        waitMillisecondsMax = try reader.readFixed()
        bytesMin = try reader.readFixed()
        bytesMax = try reader.readFixed()
        isolationLevel = IsolationLevel(rawValue: try reader.readFixed())
        if version >= 7 {
            sessionID = try reader.readFixed()
            sessionEpoch = try reader.readFixed()
        }
        topics = try reader.readArray(version: version, flexible: flexible)
        if version >= 7 {
            forgottenTopics = try reader.readArray(version: version, flexible: flexible)
        }
        if version >= 11 { rackID = try reader.readString(flexible: flexible) }
        if flexible { try readTaggedFields(&reader, version) }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.fetch.isFlexible(version)
        if version < 15 { output.writeInteger(replicaID) }
        output.writeInteger(waitMillisecondsMax)
        output.writeInteger(bytesMin)
        output.writeInteger(bytesMax)
        output.writeInteger(isolationLevel.rawValue)
        if version >= 7 {
            output.writeInteger(sessionID)
            output.writeInteger(sessionEpoch)
        }
        output.writeArray(topics, version: version, flexible: flexible)
        if version >= 7 {
            output.writeArray(forgottenTopics, version: version, flexible: flexible)
        }
        if version >= 11 { output.writeString(rackID, flexible: flexible) }
        if flexible { writeTaggedFields(&output, version) }
    }

    private mutating func readTaggedFields(
        _ reader: inout ByteReader,
        _ version: Int16
    ) throws(KafkaWireError) {
        var fields = try TaggedFields(reading: &reader)
        while var field = try fields.next(&reader) {
            switch field.tag {
            case 0: clusterID = try field.body.readNullableString(flexible: true)
            case 1 where version >= 15:
                replicaID = try field.body.readFixed()
                replicaEpoch = try field.body.readFixed()
                try field.body.skipTaggedFields()
            default: continue
            }
            try field.finish()
        }
    }

    private func writeTaggedFields(_ output: inout ByteWriter, _ version: Int16) {
        var fields = TaggedFieldsWriter()
        if clusterID != nil {
            fields.add(0) { $0.writeNullableString(clusterID, flexible: true) }
        }
        if version >= 15, replicaID != -1 || replicaEpoch != -1 {
            fields.add(1) {
                $0.writeInteger(replicaID)
                $0.writeInteger(replicaEpoch)
                $0.writeNoTaggedFields()
            }
        }
        fields.write(to: &output)
    }
}

extension FetchRequest {
    public typealias Topic = TopicBlock<Partition>

    /// What an incremental fetch no longer wants (KIP-227).
    public struct ForgottenTopic: Equatable, Sendable, WireElement {
        public var name: String
        public var id: UUIDBytes
        public var partitions: [Int32]

        static let bytesMin = 3

        public init(name: String = "", id: UUIDBytes = .zero, partitions: [Int32]) {
            self.name = name
            self.id = id
            self.partitions = partitions
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.fetch.isFlexible(version)
            name = version <= 12 ? try reader.readString(flexible: flexible) : ""
            id = version >= 13 ? try reader.readUUID() : .zero
            partitions = try reader.readIntegers(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.fetch.isFlexible(version)
            if version <= 12 {
                output.writeString(name, flexible: flexible)
            } else {
                output.writeUUID(id)
            }
            output.writeIntegers(partitions, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}
