import BrokerModel

/// Writes a Fetch response around record bytes that its caller appends to the same output, so
/// that they go from the log into the socket's buffer in one copy.
///
/// Call `begin`, then for each topic `beginTopic`, its partitions and `endTopic`, then `end`.
/// Between `beginPartition` and `endPartition` the caller appends that partition's records; what
/// reading them told, an error or newer marks, goes into the head that `endPartition` gets.
///
/// A count that is known only later is nil where its array begins, and is set with `setTopicCount`
/// or `endTopic`; `dropPartition` and `dropTopic` take back what turned out to be no news.
public struct FetchResponseWriter {
    private let version: Int16
    private let flexible: Bool
    private var headStart = 0
    private var recordsStart = 0
    private var topicsStart = 0
    private var topicStart = 0
    private var partitionsStart = 0
    /// Where the session's number stands, which is known last of all. Nil in older versions.
    public private(set) var sessionIDPosition: Int?

    /// A compact length of two MiB or less takes three bytes; most answers lie there.
    private static let lengthBytesGuess = 3

    public init(version: Int16) {
        self.version = version
        flexible = KafkaAPI.fetch.isFlexible(version)
    }

    public mutating func begin(
        topicCount: Int?,
        errorCode: KafkaErrorCode = .none,
        sessionID: Int32 = 0,
        throttleMilliseconds: Int32 = 0,
        to output: inout ByteWriter
    ) {
        output.writeInteger(throttleMilliseconds)
        if version >= 7 {
            output.writeErrorCode(errorCode)
            sessionIDPosition = output.count
            output.writeInteger(sessionID)
        }
        topicsStart = output.count
        output.writeCount(topicCount ?? 0, flexible: flexible)
    }

    public mutating func beginTopic(
        name: String,
        id: UUIDBytes,
        partitionCount: Int?,
        to output: inout ByteWriter
    ) {
        topicStart = output.count
        if version <= 12 {
            output.writeString(name, flexible: flexible)
        } else {
            output.writeUUID(id)
        }
        partitionsStart = output.count
        output.writeCount(partitionCount ?? 0, flexible: flexible)
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
        setCompact(
            UInt32(length &+ 1),
            at: recordsStart &- Self.lengthBytesGuess,
            guessed: Self.lengthBytesGuess,
            in: &output
        )
        head.writeTaggedFields(&output)
    }

    /// Takes the partition back that was begun last, with its records.
    public func dropPartition(from output: inout ByteWriter) { output.truncate(to: headStart) }

    /// Ends the topic. Its number of partitions is given here where `beginTopic` did not know it.
    public func endTopic(partitionCount: Int? = nil, to output: inout ByteWriter) {
        if let partitionCount { setCount(partitionCount, at: partitionsStart, in: &output) }
        if flexible { output.writeNoTaggedFields() }
    }

    /// Takes the topic back that was begun last, with its partitions.
    public func dropTopic(from output: inout ByteWriter) { output.truncate(to: topicStart) }

    /// After the last topic, where `begin` did not know how many there are.
    public func setTopicCount(_ count: Int, in output: inout ByteWriter) {
        setCount(count, at: topicsStart, in: &output)
    }

    public func end(endpoints: [NodeEndpoint] = [], to output: inout ByteWriter) {
        guard flexible else { return }
        guard version >= 16, !endpoints.isEmpty else { return output.writeNoTaggedFields() }
        var fields = TaggedFieldsWriter()
        fields.add(0) { $0.writeArray(endpoints, version: version, flexible: true) }
        fields.write(to: &output)
    }

    private func setCount(_ count: Int, at start: Int, in output: inout ByteWriter) {
        guard flexible else { return output.patchInteger(Int32(count), at: start) }
        setCompact(UInt32(count &+ 1), at: start, guessed: 1, in: &output)
    }

    /// Writes a varint before what follows it. Where the guess at its size was wrong that moves by
    /// a byte or two: little of it cheaply, and records cost far less than reading them did.
    private func setCompact(
        _ value: UInt32,
        at start: Int,
        guessed: Int,
        in output: inout ByteWriter
    ) {
        let length = output.count &- start &- guessed
        let size = Self.varintBytes(value)
        if size > guessed {
            for _ in guessed..<size { output.writeByte(0) }
        }
        let bytes = output.mutableBytes
        if size != guessed, length > 0 {
            let rest = UnsafeRawBufferPointer(
                rebasing: UnsafeRawBufferPointer(bytes)[
                    start &+ guessed..<start &+ guessed &+ length
                ]
            )
            UnsafeMutableRawBufferPointer(rebasing: bytes[(start &+ size)...])
                .copyMemory(from: rest)
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
