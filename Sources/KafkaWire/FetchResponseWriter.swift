import BrokerModel

/// Writes a Fetch response around record bytes that its caller appends to the same output, so
/// that they go from the log into the socket's buffer in one copy.
///
/// Call `begin`, then for each topic `beginTopic`, its partitions and `endTopic`, then `end`.
/// Between `beginPartition` and `endPartition` the caller appends that partition's records; what
/// reading them told, an error or newer marks, goes into the head that `endPartition` gets.
public struct FetchResponseWriter {
    private let version: Int16
    private let flexible: Bool
    private var headStart = 0
    private var recordsStart = 0

    /// A compact length of two MiB or less takes three bytes; most answers lie there.
    private static let lengthBytesGuess = 3

    public init(version: Int16) {
        self.version = version
        flexible = KafkaAPI.fetch.isFlexible(version)
    }

    public func begin(
        topicCount: Int,
        errorCode: KafkaErrorCode = .none,
        sessionID: Int32 = 0,
        throttleMilliseconds: Int32 = 0,
        to output: inout ByteWriter
    ) {
        output.writeInteger(throttleMilliseconds)
        if version >= 7 {
            output.writeErrorCode(errorCode)
            output.writeInteger(sessionID)
        }
        output.writeCount(topicCount, flexible: flexible)
    }

    public func beginTopic(
        name: String,
        id: UUIDBytes,
        partitionCount: Int,
        to output: inout ByteWriter
    ) {
        if version <= 12 {
            output.writeString(name, flexible: flexible)
        } else {
            output.writeUUID(id)
        }
        output.writeCount(partitionCount, flexible: flexible)
    }

    public mutating func beginPartition(
        _ head: FetchResponse.PartitionHead,
        to output: inout ByteWriter
    ) {
        headStart = output.count
        head.write(to: &output, version: version)
        if flexible {
            for _ in 0..<Self.lengthBytesGuess { output.writeByte(0) }
        } else {
            output.writeInteger(Int32(0))
        }
        recordsStart = output.count
    }

    /// Sets the length of the records appended since `beginPartition`. The error and the offsets of
    /// `head` replace those written there; the rest of it must be the same.
    public func endPartition(
        _ head: FetchResponse.PartitionHead,
        recordsAreNull: Bool = false,
        to output: inout ByteWriter
    ) {
        head.patch(&output, at: headStart, version: version)
        let length = recordsAreNull ? -1 : output.count &- recordsStart
        guard flexible else {
            output.patchInteger(Int32(length), at: recordsStart &- 4)
            return
        }
        setCompactLength(UInt32(length &+ 1), in: &output)
        head.writeTaggedFields(&output)
    }

    public func endTopic(to output: inout ByteWriter) {
        if flexible { output.writeNoTaggedFields() }
    }

    public func end(endpoints: [NodeEndpoint] = [], to output: inout ByteWriter) {
        guard flexible else { return }
        guard version >= 16, !endpoints.isEmpty else { return output.writeNoTaggedFields() }
        var fields = TaggedFieldsWriter()
        fields.add(0) { $0.writeArray(endpoints, version: version, flexible: true) }
        fields.write(to: &output)
    }

    /// Writes the varint before the records. Where the guess at its size was wrong they move by a
    /// byte or two: short ones cheaply, and long ones cost far less than reading them did.
    private func setCompactLength(_ value: UInt32, in output: inout ByteWriter) {
        let length = output.count &- recordsStart
        let start = recordsStart &- Self.lengthBytesGuess
        let size = Self.varintBytes(value)
        if size > Self.lengthBytesGuess {
            for _ in Self.lengthBytesGuess..<size { output.writeByte(0) }
        }
        let bytes = output.mutableBytes
        if size != Self.lengthBytesGuess, length > 0 {
            let records = UnsafeRawBufferPointer(
                rebasing: UnsafeRawBufferPointer(bytes)[recordsStart..<recordsStart &+ length]
            )
            UnsafeMutableRawBufferPointer(rebasing: bytes[(start &+ size)...])
                .copyMemory(from: records)
        }
        var value = value
        for index in 0..<size {
            let more: UInt8 = index < size &- 1 ? 0x80 : 0
            bytes[start &+ index] = UInt8(truncatingIfNeeded: value & 0x7f) | more
            value >>= 7
        }
        output.truncate(to: start &+ size &+ length)
    }

    private static func varintBytes(_ value: UInt32) -> Int {
        let bits = UInt32.bitWidth &- value.leadingZeroBitCount
        return max(1, (bits &+ 6) / 7)
    }
}
