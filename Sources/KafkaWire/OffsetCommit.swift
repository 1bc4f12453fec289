import BrokerModel

/// OffsetCommit (key 8): how far a group has read.
public struct OffsetCommitRequest: Equatable, Sendable {
    public var groupID: String
    /// -1 from a client that only keeps offsets and is no member.
    public var generationIDOrMemberEpoch: Int32 = -1
    /// Empty from a client that is no member.
    public var memberID = ""
    /// The name that the member keeps over restarts (KIP-345), from version 7 on.
    public var groupInstanceID: String?
    /// Up to version 4: how long to keep the offsets; -1 leaves it to the broker.
    public var retentionTimeMilliseconds: Int64 = -1
    /// By name up to version 9, by id from version 10 on.
    public var topics: [Topic]

    public init(groupID: String, topics: [Topic]) {
        self.groupID = groupID
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.offsetCommit.check(version)
        let flexible = KafkaAPI.offsetCommit.isFlexible(version)
        groupID = try reader.readString(flexible: flexible)
        generationIDOrMemberEpoch = try reader.readFixed()
        memberID = try reader.readString(flexible: flexible)
        if version >= 7 { groupInstanceID = try reader.readNullableString(flexible: flexible) }
        if version <= 4 { retentionTimeMilliseconds = try reader.readFixed() }
        topics = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.offsetCommit.isFlexible(version)
        output.writeString(groupID, flexible: flexible)
        output.writeInteger(generationIDOrMemberEpoch)
        output.writeString(memberID, flexible: flexible)
        if version >= 7 { output.writeNullableString(groupInstanceID, flexible: flexible) }
        if version <= 4 { output.writeInteger(retentionTimeMilliseconds) }
        output.writeArray(topics, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public typealias Topic = TopicBlock<Partition>

    public struct Partition: Equatable, Sendable, WireElement, TopicBlockElement {
        static var api: KafkaAPI { .offsetCommit }
        static var topicIDVersionMin: Int16? { 10 }

        public var index: Int32
        public var committedOffset: Offset
        /// The epoch of the last record read, from version 6 on (KIP-320).
        public var committedLeaderEpoch = LeaderEpoch.none
        /// What the client wants to be told again beside the offset.
        public var committedMetadata: String?

        static let bytesMin = 14

        public init(index: Int32, committedOffset: Offset) {
            self.index = index
            self.committedOffset = committedOffset
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.offsetCommit.isFlexible(version)
            index = try reader.readFixed()
            committedOffset = Offset(try reader.readFixed())
            if version >= 6 { committedLeaderEpoch = LeaderEpoch(try reader.readFixed()) }
            committedMetadata = try reader.readNullableString(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.offsetCommit.isFlexible(version)
            output.writeInteger(index)
            output.writeInteger(committedOffset.rawValue)
            if version >= 6 { output.writeInteger(committedLeaderEpoch.rawValue) }
            output.writeNullableString(committedMetadata, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}

public struct OffsetCommitResponse: Equatable, Sendable {
    /// From version 3 on.
    public var throttleMilliseconds: Int32 = 0
    public var topics: [Topic]

    public init(topics: [Topic]) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.offsetCommit.check(version)
        let flexible = KafkaAPI.offsetCommit.isFlexible(version)
        if version >= 3 { throttleMilliseconds = try reader.readFixed() }
        topics = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.offsetCommit.isFlexible(version)
        if version >= 3 { output.writeInteger(throttleMilliseconds) }
        output.writeArray(topics, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public typealias Topic = TopicBlock<Partition>

    public struct Partition: Equatable, Sendable, WireElement, TopicBlockElement {
        static var api: KafkaAPI { .offsetCommit }
        static var topicIDVersionMin: Int16? { 10 }

        public var index: Int32
        public var errorCode = KafkaErrorCode.none

        static let bytesMin = 6

        public init(index: Int32) {
            self.index = index
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            index = try reader.readFixed()
            errorCode = try reader.readErrorCode()
            if KafkaAPI.offsetCommit.isFlexible(version) { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeInteger(index)
            output.writeErrorCode(errorCode)
            if KafkaAPI.offsetCommit.isFlexible(version) { output.writeNoTaggedFields() }
        }
    }
}
