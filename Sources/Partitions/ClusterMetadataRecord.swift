import BrokerModel

/// One record of `__cluster_metadata`, in Kafka's own schemas for KRaft: a frame of version, type
/// and the type's version, all unsigned varints, then the body in its flexible form.
enum ClusterMetadataRecord: Equatable {
    case topic(name: String, id: UUIDBytes)
    case partition(Int32, of: UUIDBytes, node: Int32)
    /// A topic's own setting; without a value it is the default again.
    case topicSetting(topic: String, name: String, value: String?)
    case removeTopic(UUIDBytes)
    /// Producer ids below `next` are given away, as far as any are.
    case producerIDs(node: Int32, next: Int64)
    /// A type, or a version of one, that this broker does not write. Passed over.
    case other(type: UInt32)

    private enum RecordType {
        static let topic: UInt32 = 2
        static let partition: UInt32 = 3
        static let config: UInt32 = 4
        static let removeTopic: UInt32 = 9
        static let producerIDs: UInt32 = 15
    }

    private static let frameVersion: UInt32 = 1
    /// Kafka's code for a topic among the things that have settings.
    private static let topicResource: UInt8 = 2

    func write(to output: inout ByteWriter) {
        output.writeUnsignedVarint(Self.frameVersion)
        output.writeUnsignedVarint(type)
        output.writeUnsignedVarint(0)
        switch self {
        case .topic(let name, let id):
            output.writeCompactString(name)
            output.writeUUID(id)
        case .partition(let number, let id, let node):
            output.writeInteger(number)
            output.writeUUID(id)
            output.writeCompactArray([node])  // Replicas
            output.writeCompactArray([node])  // Those in sync
            output.writeCompactArray([])  // Being removed
            output.writeCompactArray([])  // Being added
            output.writeInteger(node)  // Leader
            output.writeInteger(Int32(0))  // Leader epoch, when the partition was made
            output.writeInteger(Int32(0))  // Partition epoch
        case .topicSetting(let topic, let name, let value):
            output.writeByte(Self.topicResource)
            output.writeCompactString(topic)
            output.writeCompactString(name)
            output.writeCompactString(value)
        case .removeTopic(let id): output.writeUUID(id)
        case .producerIDs(let node, let next):
            output.writeInteger(node)
            output.writeInteger(Int64(-1))  // Broker epoch: of one that registers nowhere.
            output.writeInteger(next)
        case .other: preconditionFailure("only what is known is written")
        }
        output.writeUnsignedVarint(0)  // Tagged fields
    }

    private var type: UInt32 {
        switch self {
        case .topic: RecordType.topic
        case .partition: RecordType.partition
        case .topicSetting: RecordType.config
        case .removeTopic: RecordType.removeTopic
        case .producerIDs: RecordType.producerIDs
        case .other(let type): type
        }
    }

    /// Nil when the bytes are no such record. Tagged fields are passed over.
    init?(_ bytes: UnsafeRawBufferPointer) {
        var reader = ByteReader(bytes)
        guard reader.readUnsignedVarint() == Self.frameVersion,
            let type = reader.readUnsignedVarint(), let version = reader.readUnsignedVarint()
        else { return nil }
        guard version == 0 || type == RecordType.partition else {
            self = .other(type: type)
            return
        }
        switch type {
        case RecordType.topic:
            guard let name = reader.readCompactString(), let name, let id = reader.readUUID()
            else { return nil }
            self = .topic(name: name, id: id)
        case RecordType.partition:
            guard let number: Int32 = reader.readInteger(), let id = reader.readUUID(),
                let replicas = reader.readCompactArray()
            else { return nil }
            self = .partition(number, of: id, node: replicas.first ?? -1)
        case RecordType.config:
            guard let resource = reader.readByte(), let topic = reader.readCompactString(),
                let topic, let name = reader.readCompactString(), let name,
                let value = reader.readCompactString()
            else { return nil }
            self =
                resource == Self.topicResource
                ? .topicSetting(topic: topic, name: name, value: value) : .other(type: type)
        case RecordType.removeTopic:
            guard let id = reader.readUUID() else { return nil }
            self = .removeTopic(id)
        case RecordType.producerIDs:
            guard let node: Int32 = reader.readInteger(), let _: Int64 = reader.readInteger(),
                let next: Int64 = reader.readInteger(), next >= 0
            else { return nil }
            self = .producerIDs(node: node, next: next)
        default: self = .other(type: type)
        }
    }
}

extension ByteWriter {
    /// Lengths of flexible versions are one more than they are; 0 is null (KIP-482).
    fileprivate mutating func writeCompactString(_ text: String?) {
        guard let text else { return writeUnsignedVarint(0) }
        writeUnsignedVarint(UInt32(truncatingIfNeeded: text.utf8.count + 1))
        writeUTF8(text)
    }

    fileprivate mutating func writeCompactArray(_ numbers: [Int32]) {
        writeUnsignedVarint(UInt32(truncatingIfNeeded: numbers.count + 1))
        for number in numbers { writeInteger(number) }
    }

    fileprivate mutating func writeUUID(_ id: UUIDBytes) {
        writeInteger(id.high)
        writeInteger(id.low)
    }
}

extension ByteReader {
    /// Nil when bytes are missing; nil within when the string is null.
    fileprivate mutating func readCompactString() -> String?? {
        guard let length = readUnsignedVarint() else { return nil }
        guard length > 0 else { return .some(nil) }
        guard let bytes = readBytes(Int(length) - 1) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    fileprivate mutating func readCompactArray() -> [Int32]? {
        guard let length = readUnsignedVarint(), length > 0,
            Int(length - 1) <= remaining / MemoryLayout<Int32>.size
        else { return nil }
        var numbers: [Int32] = []
        for _ in 1..<length {
            guard let number: Int32 = readInteger() else { return nil }
            numbers.append(number)
        }
        return numbers
    }

    fileprivate mutating func readUUID() -> UUIDBytes? {
        guard remaining >= 16, let high: UInt64 = readInteger(), let low: UInt64 = readInteger()
        else { return nil }
        return UUIDBytes(high: high, low: low)
    }
}
