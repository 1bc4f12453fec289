import BrokerModel

/// OffsetFetch (key 9), the answer.
public struct OffsetFetchResponse: Equatable, Sendable {
    /// From version 3 on.
    public var throttleMilliseconds: Int32 = 0
    /// Before version 8 exactly one, and it doesn't say which.
    public var groups: [Group]

    public init(groups: [Group]) {
        self.groups = groups
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.offsetFetch.check(version)
        let flexible = KafkaAPI.offsetFetch.isFlexible(version)
        if version >= 3 { throttleMilliseconds = try reader.readFixed() }
        groups =
            version >= 8
            ? try reader.readArray(version: version, flexible: flexible)
            : [try Group(readingOnly: &reader, version: version)]
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.offsetFetch.isFlexible(version)
        if version >= 3 { output.writeInteger(throttleMilliseconds) }
        if version >= 8 {
            output.writeArray(groups, version: version, flexible: flexible)
        } else {
            let only = groups.first ?? Group(groupID: "")
            only.writeOnly(to: &output, version: version)
        }
        if flexible { output.writeNoTaggedFields() }
    }

    public typealias Topic = TopicBlock<Partition>
}

extension OffsetFetchResponse {
    public struct Group: Equatable, Sendable, WireElement {
        /// From version 8 on.
        public var groupID: String
        public var topics: [Topic] = []
        /// From version 2 on; before, each partition has to carry the group's error.
        public var errorCode = KafkaErrorCode.none

        static let bytesMin = 5

        public init(groupID: String) {
            self.groupID = groupID
        }

        /// From version 8 on.
        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            groupID = try reader.readString(flexible: true)
            topics = try reader.readArray(version: version, flexible: true)
            errorCode = try reader.readErrorCode()
            try reader.skipTaggedFields()
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeString(groupID, flexible: true)
            output.writeArray(topics, version: version, flexible: true)
            output.writeErrorCode(errorCode)
            output.writeNoTaggedFields()
        }

        /// The fields of versions 1 to 7, which stand in the response itself.
        init(readingOnly reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.offsetFetch.isFlexible(version)
            groupID = ""
            topics = try reader.readArray(version: version, flexible: flexible)
            if version >= 2 { errorCode = try reader.readErrorCode() }
        }

        func writeOnly(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.offsetFetch.isFlexible(version)
            output.writeArray(topics, version: version, flexible: flexible)
            if version >= 2 { output.writeErrorCode(errorCode) }
        }
    }

    public struct Partition: Equatable, Sendable, WireElement, TopicBlockElement {
        static var api: KafkaAPI { .offsetFetch }
        static var topicIDVersionMin: Int16? { 10 }

        public var index: Int32
        /// -1 when nothing is committed.
        public var committedOffset = Offset(-1)
        /// From version 5 on (KIP-320).
        public var committedLeaderEpoch = LeaderEpoch.none
        public var metadata: String? = ""
        public var errorCode = KafkaErrorCode.none

        static let bytesMin = 16

        public init(index: Int32) {
            self.index = index
        }

        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.offsetFetch.isFlexible(version)
            index = try reader.readFixed()
            committedOffset = Offset(try reader.readFixed())
            if version >= 5 { committedLeaderEpoch = LeaderEpoch(try reader.readFixed()) }
            metadata = try reader.readNullableString(flexible: flexible)
            errorCode = try reader.readErrorCode()
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.offsetFetch.isFlexible(version)
            output.writeInteger(index)
            output.writeInteger(committedOffset.rawValue)
            if version >= 5 { output.writeInteger(committedLeaderEpoch.rawValue) }
            output.writeNullableString(metadata, flexible: flexible)
            output.writeErrorCode(errorCode)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}
