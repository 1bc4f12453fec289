import BrokerModel

/// OffsetFetch (key 9): how far groups have read.
public struct OffsetFetchRequest: Equatable, Sendable {
    /// Before version 8 exactly one (KIP-709).
    public var groups: [Group]
    /// Offsets that an open transaction may still change are refused; from version 7 on (KIP-447).
    public var requireStable = false

    public init(groups: [Group]) {
        self.groups = groups
    }

    public init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
        try KafkaAPI.offsetFetch.check(version)
        let flexible = KafkaAPI.offsetFetch.isFlexible(version)
        groups =
            version >= 8
            ? try reader.readArray(version: version, flexible: flexible)
            : [try Group(readingOnly: &reader, version: version)]
        if version >= 7 { requireStable = try reader.readBool() }
        if flexible { try reader.skipTaggedFields() }
    }

    public func write(to output: inout ByteWriter, version: Int16) {
        let flexible = KafkaAPI.offsetFetch.isFlexible(version)
        if version >= 8 {
            output.writeArray(groups, version: version, flexible: flexible)
        } else {
            let only = groups.first ?? Group(groupID: "", topics: [])
            only.writeOnly(to: &output, version: version)
        }
        if version >= 7 { output.writeBool(requireStable) }
        if flexible { output.writeNoTaggedFields() }
    }
}

extension OffsetFetchRequest {
    public struct Group: Equatable, Sendable, WireElement {
        public var groupID: String
        /// Both from version 9 on, and set only under the consumer protocol (KIP-848).
        public var memberID: String?
        public var memberEpoch: Int32 = -1
        /// Nil, from version 2 on, asks for every partition that has an offset.
        public var topics: [Topic]?

        static let bytesMin = 3

        public init(groupID: String, topics: [Topic]?) {
            self.groupID = groupID
            self.topics = topics
        }

        /// From version 8 on.
        init(reading reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            groupID = try reader.readString(flexible: true)
            if version >= 9 {
                memberID = try reader.readNullableString(flexible: true)
                memberEpoch = try reader.readFixed()
            }
            topics = try reader.readNullableArray(version: version, flexible: true)
            try reader.skipTaggedFields()
        }

        func write(to output: inout ByteWriter, version: Int16) {
            output.writeString(groupID, flexible: true)
            if version >= 9 {
                output.writeNullableString(memberID, flexible: true)
                output.writeInteger(memberEpoch)
            }
            output.writeArray(topics, version: version, flexible: true)
            output.writeNoTaggedFields()
        }

        /// The fields of versions 1 to 7, which stand in the request itself.
        init(readingOnly reader: inout ByteReader, version: Int16) throws(KafkaWireError) {
            let flexible = KafkaAPI.offsetFetch.isFlexible(version)
            groupID = try reader.readString(flexible: flexible)
            topics =
                version >= 2
                ? try reader.readNullableArray(version: version, flexible: flexible)
                : try reader.readArray(version: version, flexible: flexible)
        }

        func writeOnly(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.offsetFetch.isFlexible(version)
            output.writeString(groupID, flexible: flexible)
            let asked = version >= 2 ? topics : topics ?? []
            output.writeArray(asked, version: version, flexible: flexible)
        }
    }

    /// Named up to version 9, given by its id from version 10 on.
    public struct Topic: Equatable, Sendable, WireElement {
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
            let flexible = KafkaAPI.offsetFetch.isFlexible(version)
            name = version <= 9 ? try reader.readString(flexible: flexible) : ""
            id = version >= 10 ? try reader.readUUID() : .zero
            partitions = try reader.readIntegers(flexible: flexible)
            if flexible { try reader.skipTaggedFields() }
        }

        func write(to output: inout ByteWriter, version: Int16) {
            let flexible = KafkaAPI.offsetFetch.isFlexible(version)
            if version <= 9 { output.writeString(name, flexible: flexible) }
            if version >= 10 { output.writeUUID(id) }
            output.writeIntegers(partitions, flexible: flexible)
            if flexible { output.writeNoTaggedFields() }
        }
    }
}
