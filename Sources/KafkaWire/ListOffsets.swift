import BrokerModel

/// ListOffsets (key 2): the offset that a timestamp, or a special place, stands for.
public struct ListOffsetsRequest: Equatable, Sendable {
    /// -1 for a consumer, a broker's id for a replica.
    public var replicaID: Int32 = -1
    public var isolationLevel = IsolationLevel.readUncommitted
    public var topics: [Topic]
    /// From version 10 on: how long to wait for remote storage.
    public var timeoutMilliseconds: Int32 = 0

    public init(topics: [Topic]) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.listOffsets.check(version)
        let flexible = KafkaAPI.listOffsets.isFlexible(version)
        replicaID = try reader.readFixed()
        if version >= 2 { isolationLevel = IsolationLevel(rawValue: try reader.readFixed()) }
        topics = try reader.readArray(version: version, flexible: flexible)
        if version >= 10 { timeoutMilliseconds = try reader.readFixed() }
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.listOffsets.isFlexible(version)
        output.writeInteger(replicaID)
        if version >= 2 { output.writeInteger(isolationLevel.rawValue) }
        output.writeArray(topics, version: version, flexible: flexible)
        if version >= 10 { output.writeInteger(timeoutMilliseconds) }
        if flexible { output.writeNoTaggedFields() }
    }

    public typealias Topic = TopicBlock<Partition>

    public struct Partition: Equatable, Sendable, WireElement, TopicBlockElement {
        static var api: KafkaAPI { .listOffsets }
        static var topicIDVersionMin: Int16? { nil }

        public var index: Int32
        public var currentLeaderEpoch: LeaderEpoch
        /// A time, or one of the places in `ListOffsetsPlace`.
        public var timestamp: Timestamp

        static let bytesMin = 12

        public init(
            index: Int32,
            timestamp: Timestamp,
            currentLeaderEpoch: LeaderEpoch = .none
        ) {
            self.index = index
            self.timestamp = timestamp
            self.currentLeaderEpoch = currentLeaderEpoch
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            index = try reader.readFixed()
            currentLeaderEpoch = version >= 4 ? LeaderEpoch(try reader.readFixed()) : .none
            timestamp = Timestamp(milliseconds: try reader.readFixed())
            if KafkaAPI.listOffsets.isFlexible(version) { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeInteger(index)
            if version >= 4 { output.writeInteger(currentLeaderEpoch.rawValue) }
            output.writeInteger(timestamp.rawValue)
            if KafkaAPI.listOffsets.isFlexible(version) { output.writeNoTaggedFields() }
        }
    }
}

/// Timestamps that are no times: places in a log that ListOffsets can be asked for.
public enum ListOffsetsPlace {
    public static let latest = Timestamp(milliseconds: -1)
    public static let earliest = Timestamp(milliseconds: -2)
    /// The record with the largest timestamp (KIP-734), from version 7 on.
    public static let maxTimestamp = Timestamp(milliseconds: -3)
    /// The first offset on local disk (KIP-405), from version 8 on.
    public static let earliestLocal = Timestamp(milliseconds: -4)
    /// The last offset in remote storage (KIP-1005), from version 9 on.
    public static let latestTiered = Timestamp(milliseconds: -5)
    /// The first offset that still has to be uploaded (KIP-1023), from version 11 on.
    public static let earliestPendingUpload = Timestamp(milliseconds: -6)
}

public struct ListOffsetsResponse: Equatable, Sendable {
    public var throttleMilliseconds: Int32 = 0
    public var topics: [Topic]

    public init(topics: [Topic]) {
        self.topics = topics
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.listOffsets.check(version)
        let flexible = KafkaAPI.listOffsets.isFlexible(version)
        if version >= 2 { throttleMilliseconds = try reader.readFixed() }
        topics = try reader.readArray(version: version, flexible: flexible)
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.listOffsets.isFlexible(version)
        if version >= 2 { output.writeInteger(throttleMilliseconds) }
        output.writeArray(topics, version: version, flexible: flexible)
        if flexible { output.writeNoTaggedFields() }
    }

    public typealias Topic = TopicBlock<Partition>

    public struct Partition: Equatable, Sendable, WireElement, TopicBlockElement {
        static var api: KafkaAPI { .listOffsets }
        static var topicIDVersionMin: Int16? { nil }

        public var index: Int32
        public var errorCode = KafkaErrorCode.none
        /// The record's own timestamp, `.none` for a place.
        public var timestamp = Timestamp.none
        /// -1 when nothing is there.
        public var offset = Offset(-1)
        public var leaderEpoch = LeaderEpoch.none

        static let bytesMin = 22

        public init(index: Int32) {
            self.index = index
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            index = try reader.readFixed()
            errorCode = try reader.readErrorCode()
            timestamp = Timestamp(milliseconds: try reader.readFixed())
            offset = Offset(try reader.readFixed())
            if version >= 4 { leaderEpoch = LeaderEpoch(try reader.readFixed()) }
            if KafkaAPI.listOffsets.isFlexible(version) { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeInteger(index)
            output.writeErrorCode(errorCode)
            output.writeInteger(timestamp.rawValue)
            output.writeInteger(offset.rawValue)
            if version >= 4 { output.writeInteger(leaderEpoch.rawValue) }
            if KafkaAPI.listOffsets.isFlexible(version) { output.writeNoTaggedFields() }
        }
    }
}
