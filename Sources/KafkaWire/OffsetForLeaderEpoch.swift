import BrokerModel

/// OffsetForLeaderEpoch (key 23): where an epoch ended, so that a client finds out whether the log
/// was cut behind it (KIP-320).
public struct OffsetForLeaderEpochRequest: Equatable, Sendable {
    /// -1 for a consumer, -2 for a tool that may look past the high watermark, a broker's id for a
    /// replica; from version 3 on.
    public var replicaID: Int32 = -2
    public var topics: [Topic]

    public init(topics: [Topic]) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.offsetForLeaderEpoch.check(version)
        let flexible = KafkaAPI.offsetForLeaderEpoch.isFlexible(version)
        if version >= 3 { replicaID = try reader.readFixed() }
        topics = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.offsetForLeaderEpoch.isFlexible(version)
        if version >= 3 { output.writeInteger(replicaID) }
        output.writeArray(topics, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public typealias Topic = TopicBlock<Partition>

    public struct Partition: Equatable, Sendable, WireElement, TopicBlockElement {
        static var api: KafkaAPI { .offsetForLeaderEpoch }
        static var topicIDVersionMin: Int16? { nil }

        public var index: Int32
        /// What the asker believes the epoch to be now: fenced when that is old (KIP-320).
        public var currentLeaderEpoch = LeaderEpoch.none
        /// The epoch whose end is asked for.
        public var leaderEpoch: LeaderEpoch

        static let bytesMin = 12

        public init(index: Int32, leaderEpoch: LeaderEpoch) {
            self.index = index
            self.leaderEpoch = leaderEpoch
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            index = try reader.readFixed()
            currentLeaderEpoch = LeaderEpoch(try reader.readFixed())
            leaderEpoch = LeaderEpoch(try reader.readFixed())
            if KafkaAPI.offsetForLeaderEpoch.isFlexible(version) { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeInteger(index)
            output.writeInteger(currentLeaderEpoch.rawValue)
            output.writeInteger(leaderEpoch.rawValue)
            if KafkaAPI.offsetForLeaderEpoch.isFlexible(version) { output.writeNoTaggedFields() }
        }
    }
}

public struct OffsetForLeaderEpochResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    public var topics: [Topic]

    public init(topics: [Topic]) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.offsetForLeaderEpoch.check(version)
        let flexible = KafkaAPI.offsetForLeaderEpoch.isFlexible(version)
        throttleMilliseconds = try reader.readFixed()
        topics = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.offsetForLeaderEpoch.isFlexible(version)
        output.writeInteger(throttleMilliseconds)
        output.writeArray(topics, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public typealias Topic = TopicBlock<Partition>

    public struct Partition: Equatable, Sendable, WireElement, TopicBlockElement {
        static var api: KafkaAPI { .offsetForLeaderEpoch }
        static var topicIDVersionMin: Int16? { nil }

        public var errorCode = KafkaErrorCode.none
        public var index: Int32
        /// The largest epoch that is not above the one asked for.
        public var leaderEpoch = LeaderEpoch.none
        /// Where that epoch ends; -1 when it is not known.
        public var endOffset = Offset(-1)

        static let bytesMin = 18

        public init(index: Int32) {
            self.index = index
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            errorCode = try reader.readErrorCode()
            index = try reader.readFixed()
            leaderEpoch = LeaderEpoch(try reader.readFixed())
            endOffset = Offset(try reader.readFixed())
            if KafkaAPI.offsetForLeaderEpoch.isFlexible(version) { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeErrorCode(errorCode)
            output.writeInteger(index)
            output.writeInteger(leaderEpoch.rawValue)
            output.writeInteger(endOffset.rawValue)
            if KafkaAPI.offsetForLeaderEpoch.isFlexible(version) { output.writeNoTaggedFields() }
        }
    }
}
