import BrokerModel

/// One record of `__consumer_offsets`: a fact about a group, or that it is one no more.
public enum GroupRecord: Equatable, Sendable {
    case group(GroupSnapshot)
    case groupGone(String)
    case offset(group: String, topic: String, partition: Int32, CommittedOffset)
    case offsetGone(group: String, topic: String, partition: Int32)
    /// A kind of key that we have no use for, such as those of KIP-848.
    case other

    public static let topic = "__consumer_offsets"
}

/// Why a record's bytes are none of Kafka's schemas. A newer broker, or damage, can be the cause.
public enum GroupRecordError: Error, Equatable, Sendable {
    case truncated
    case negativeLength
    case tooManyElements
    case invalidUTF8
    case stringTooLong
    case bytesAfterEnd
    case valueVersionUnknown(Int16)
}

extension GroupRecord {
    /// The version of a key says what the record is about; keys and values have versions apart.
    private enum KeyVersion {
        static let offset: ClosedRange<Int16> = 0...1
        static let group: Int16 = 2
    }

    /// Reads one record; a nil value is a tombstone.
    public init(
        key: UnsafeRawBufferPointer,
        value: UnsafeRawBufferPointer?
    ) throws(GroupRecordError) {
        var key = SchemaReader(key)
        switch try key.integer(Int16.self) {
        case KeyVersion.offset:
            let group = try key.string()
            let topic = try key.string()
            let partition = try key.integer(Int32.self)
            try key.finish()
            guard let value else {
                self = .offsetGone(group: group, topic: topic, partition: partition)
                return
            }
            let offset = try CommittedOffset(value: value)
            self = .offset(group: group, topic: topic, partition: partition, offset)
        case KeyVersion.group:
            let group = try key.string()
            try key.finish()
            guard let value else {
                self = .groupGone(group)
                return
            }
            self = .group(try GroupSnapshot(groupID: group, value: value))
        default: self = .other
        }
    }

    /// Fills both writers anew. False, and no value, for a tombstone. `other` is never written.
    public func write(key: inout ByteWriter, value: inout ByteWriter) -> Bool {
        key.removeAll()
        value.removeAll()
        switch self {
        case .group(let snapshot):
            Self.writeKey(ofGroup: snapshot.groupID, to: &key)
            snapshot.writeValue(to: &value)
            return true
        case .groupGone(let group):
            Self.writeKey(ofGroup: group, to: &key)
            return false
        case .offset(let group, let topic, let partition, let offset):
            Self.writeKey(ofOffset: (group, topic, partition), to: &key)
            offset.writeValue(to: &value)
            return true
        case .offsetGone(let group, let topic, let partition):
            Self.writeKey(ofOffset: (group, topic, partition), to: &key)
            return false
        case .other: preconditionFailure("only what has a meaning here is written")
        }
    }

    private static func writeKey(ofGroup group: String, to output: inout ByteWriter) {
        output.writeInteger(KeyVersion.group)
        output.writeSchemaString(group)
    }

    private static func writeKey(
        ofOffset place: (group: String, topic: String, partition: Int32),
        to output: inout ByteWriter
    ) {
        output.writeInteger(KeyVersion.offset.upperBound)
        output.writeSchemaString(place.group)
        output.writeSchemaString(place.topic)
        output.writeInteger(place.partition)
    }
}

extension CommittedOffset {
    private static let topicIDTag: UInt32 = 0
    private static let topicIDBytes: UInt32 = 16

    /// OffsetCommitValue, versions 0 to 4.
    init(value: UnsafeRawBufferPointer) throws(GroupRecordError) {
        var reader = SchemaReader(value)
        let version = try reader.integer(Int16.self)
        guard (0...4).contains(version) else { throw .valueVersionUnknown(version) }
        reader.isFlexible = version >= 4
        let offset = Offset(try reader.integer())
        let epoch = version >= 3 ? LeaderEpoch(try reader.integer()) : .none
        let metadata = try reader.string()
        self.init(
            offset: offset,
            leaderEpoch: epoch,
            metadata: metadata,
            commitTimestamp: Timestamp(milliseconds: try reader.integer())
        )
        if version == 1 {
            let time = Timestamp(milliseconds: try reader.integer())
            expireTimestamp = time == .none ? nil : time
        }
        if reader.isFlexible {
            for _ in 0..<(try reader.taggedFieldCount()) {
                var field = try reader.taggedField()
                guard field.tag == Self.topicIDTag else { continue }
                let high: UInt64 = try field.body.integer()
                let id = UUIDBytes(high: high, low: try field.body.integer())
                topicID = id == .zero ? nil : id
            }
        }
        try reader.finish()
    }

    /// As Kafka 4.3 writes it: version 4 carries the topic's id, and version 1 is the only one that
    /// has a time of expiry.
    func writeValue(to output: inout ByteWriter) {
        if let expireTimestamp {
            output.writeInteger(Int16(1))
            output.writeInteger(offset.rawValue)
            output.writeSchemaString(metadata)
            output.writeInteger(commitTimestamp.rawValue)
            output.writeInteger(expireTimestamp.rawValue)
        } else if let topicID {
            output.writeInteger(Int16(4))
            output.writeInteger(offset.rawValue)
            output.writeInteger(leaderEpoch.rawValue)
            output.writeUnsignedVarint(UInt32(metadata.utf8.count + 1))
            output.writeUTF8(metadata)
            output.writeInteger(commitTimestamp.rawValue)
            output.writeUnsignedVarint(1)
            output.writeUnsignedVarint(Self.topicIDTag)
            output.writeUnsignedVarint(Self.topicIDBytes)
            output.writeInteger(topicID.high)
            output.writeInteger(topicID.low)
        } else {
            output.writeInteger(Int16(3))
            output.writeInteger(offset.rawValue)
            output.writeInteger(leaderEpoch.rawValue)
            output.writeSchemaString(metadata)
            output.writeInteger(commitTimestamp.rawValue)
        }
    }
}

extension GroupSnapshot {
    /// GroupMetadataValue, versions 0 to 4.
    init(groupID: String, value: UnsafeRawBufferPointer) throws(GroupRecordError) {
        var reader = SchemaReader(value)
        let version = try reader.integer(Int16.self)
        guard (0...4).contains(version) else { throw .valueVersionUnknown(version) }
        reader.isFlexible = version >= 4
        let type = try reader.string()
        self.init(
            groupID: groupID,
            protocolType: type.isEmpty ? nil : type,
            generation: try reader.integer(),
            protocolName: try reader.nullableString(),
            leader: try reader.nullableString(),
            stateTimestamp: version >= 2 ? Timestamp(milliseconds: try reader.integer()) : .none
        )
        let count = try reader.count(elementBytesMin: Member.bytesMin)
        members.reserveCapacity(count)
        for _ in 0..<count { members.append(try Member(reading: &reader, version: version)) }
        try reader.skipTaggedFields()
        try reader.finish()
    }

    /// Version 3, as Kafka 4.3 writes it.
    func writeValue(to output: inout ByteWriter) {
        output.writeInteger(Int16(3))
        output.writeSchemaString(protocolType ?? "")
        output.writeInteger(generation)
        output.writeNullableSchemaString(protocolName)
        output.writeNullableSchemaString(leader)
        output.writeInteger(stateTimestamp.rawValue)
        output.writeInteger(Int32(members.count))
        for member in members { member.write(to: &output) }
    }
}

extension GroupSnapshot.Member {
    /// Three strings, two lengths and a time, in the version that takes least.
    fileprivate static let bytesMin = 9

    fileprivate init(
        reading reader: inout SchemaReader,
        version: Int16
    ) throws(GroupRecordError) {
        memberID = try reader.string()
        instanceID = version >= 3 ? try reader.nullableString() : nil
        clientID = try reader.string()
        clientHost = try reader.string()
        let rebalance: Int32? = version >= 1 ? try reader.integer() : nil
        sessionTimeout = try reader.integer()
        rebalanceTimeout = rebalance ?? sessionTimeout
        subscription = try reader.bytes()
        assignment = try reader.bytes()
        try reader.skipTaggedFields()
    }

    fileprivate func write(to output: inout ByteWriter) {
        output.writeSchemaString(memberID)
        output.writeNullableSchemaString(instanceID)
        output.writeSchemaString(clientID)
        output.writeSchemaString(clientHost)
        output.writeInteger(rebalanceTimeout)
        output.writeInteger(sessionTimeout)
        output.writeInteger(Int32(subscription.count))
        output.writeBytes(subscription)
        output.writeInteger(Int32(assignment.count))
        output.writeBytes(assignment)
    }
}
