import BrokerModel

/// Walks a Produce request that is too large to be kept, piece by piece as it comes, so that each
/// partition in it can be refused by name. Of the records it keeps nothing.
public struct ProduceSkip {
    public let acks: Int16
    public let timeoutMilliseconds: Int32
    /// The partitions that it has met so far.
    public private(set) var topics: [TopicBlock<Int32>] = []
    public private(set) var partitionCount = 0
    /// What is still to come of the request.
    public private(set) var bytesLeft: Int

    private let version: Int16
    private let isFlexible: Bool
    private var place = Place.topic
    private var topicsLeft: Int
    private var partitionsLeft = 0

    private enum Place {
        case topic, partition, partitionEnd, topicEnd, requestEnd
        /// Among records, or behind all that is understood, with so many bytes of them to come.
        case bytes(Int)
    }

    /// Whatever stands between two partitions' records fits into this, or the request is refused.
    public static let pieceBytesMax = 4_096
    private static let partitionsMax = 10_000

    /// Reads what stands before the first topic. `bytesLeft` counts the request from `reader` on;
    /// its first `pieceBytesMax` bytes, or all of it, must be there.
    public init(
        reading reader: inout ByteReader,
        version: Int16,
        bytesLeft: Int
    ) throws(KafkaWireError) {
        try KafkaAPI.produce.check(version)
        self.version = version
        self.bytesLeft = bytesLeft
        isFlexible = KafkaAPI.produce.isFlexible(version)
        let start = reader.position
        _ = try reader.readNullableString(flexible: isFlexible)  // Transactional id
        acks = try reader.readFixed()
        timeoutMilliseconds = try reader.readFixed()
        topicsLeft = try Self.readCount(&reader, flexible: isFlexible)
        self.bytesLeft -= reader.position - start
        place = topicsLeft > 0 ? .topic : .requestEnd
    }

    /// Takes what it can of `input`, and says how many bytes that were. While `bytesLeft` is not
    /// zero it wants to see the rest again with more behind it: `pieceBytesMax`, or all there is.
    public mutating func take(_ input: UnsafeRawBufferPointer) throws(KafkaWireError) -> Int {
        var taken = 0
        while bytesLeft > 0 {
            let end = taken + min(bytesLeft, input.count - taken)
            let piece = UnsafeRawBufferPointer(rebasing: input[taken..<end])
            var reader = ByteReader(piece)
            if case .bytes(let count) = place {
                reader.skip(min(count, piece.count))
                place = count > piece.count ? .bytes(count - piece.count) : .partitionEnd
                guard piece.count > 0 else { return taken }
            } else {
                do throws(KafkaWireError) {
                    try step(&reader)
                } catch {
                    guard piece.count < min(bytesLeft, Self.pieceBytesMax) else { throw error }
                    return taken
                }
            }
            taken += reader.position
            bytesLeft -= reader.position
        }
        return taken
    }

    /// One element. Changes nothing when it throws: there may only be too little of it yet.
    private mutating func step(_ reader: inout ByteReader) throws(KafkaWireError) {
        switch place {
        case .topic: try readTopic(&reader)
        case .partition: try readPartition(&reader)
        case .partitionEnd:
            if isFlexible { try reader.skipTaggedFields() }
            place = partitionsLeft > 0 ? .partition : .topicEnd
        case .topicEnd:
            if isFlexible { try reader.skipTaggedFields() }
            place = topicsLeft > 0 ? .topic : .requestEnd
        case .requestEnd:
            if isFlexible { try reader.skipTaggedFields() }
            place = .bytes(.max)
        case .bytes: preconditionFailure("bytes are no element")
        }
    }

    private mutating func readTopic(_ reader: inout ByteReader) throws(KafkaWireError) {
        let hasID = ProduceRequest.Partition.hasTopicIDs(version)
        let name = hasID ? "" : try reader.readString(flexible: isFlexible)
        let id = hasID ? try reader.readUUID() : .zero
        let count = try Self.readCount(&reader, flexible: isFlexible)
        guard partitionCount + count <= Self.partitionsMax else { throw .tooManyElements(count) }
        topics.append(TopicBlock(name: name, id: id, partitions: []))
        topicsLeft -= 1
        partitionsLeft = count
        partitionCount += count
        place = count > 0 ? .partition : .topicEnd
    }

    private mutating func readPartition(_ reader: inout ByteReader) throws(KafkaWireError) {
        let index = try reader.readFixed(Int32.self)
        let length =
            isFlexible
            ? Int(try reader.readVarintLength()) &- 1 : Int(try reader.readFixed(Int32.self))
        guard length >= -1 else { throw .negativeLength(length) }
        guard length <= bytesLeft - reader.position else { throw .truncated }
        topics[topics.count - 1].partitions.append(index)
        partitionsLeft -= 1
        place = .bytes(max(length, 0))
    }

    private static func readCount(
        _ reader: inout ByteReader,
        flexible: Bool
    ) throws(KafkaWireError) -> Int {
        let count =
            flexible
            ? Int(try reader.readVarintLength()) &- 1 : Int(try reader.readFixed(Int32.self))
        guard count >= 0 else {
            guard count == -1 else { throw .negativeLength(count) }
            throw .unexpectedNull
        }
        guard count <= partitionsMax else { throw .tooManyElements(count) }
        return count
    }
}
