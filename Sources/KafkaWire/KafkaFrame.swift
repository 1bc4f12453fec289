import BrokerModel

/// What the start of a byte stream holds: one frame, or a part of one.
public enum KafkaFrame {
    /// The frame, with its length in front, needs this many bytes from the start of the input.
    case incomplete(bytesNeeded: Int)
    /// The frame's body, without its length.
    case whole(UnsafeRawBufferPointer)

    /// Four bytes of length stand before each body.
    public static let lengthBytes = 4

    /// The first frame of `input`. `bytesMax` bounds the body before anybody waits for it.
    public static func first(
        in input: UnsafeRawBufferPointer,
        bytesMax: Int
    ) throws(KafkaWireError) -> KafkaFrame {
        var reader = ByteReader(input)
        guard let length = reader.readInteger(Int32.self) else {
            return .incomplete(bytesNeeded: lengthBytes)
        }
        guard length >= 0, Int(length) <= bytesMax else { throw .frameLength(length) }
        guard let body = reader.readBytes(Int(length)) else {
            return .incomplete(bytesNeeded: lengthBytes &+ Int(length))
        }
        return .whole(body)
    }

    /// Leaves room for the length of a frame; `end` takes what this returns.
    public static func begin(_ output: inout ByteWriter) -> Int {
        let start = output.count
        output.writeInteger(Int32(0))
        return start
    }

    /// Writes the length of the frame that `begin` opened, now that its body stands.
    public static func end(_ output: inout ByteWriter, startedAt start: Int) {
        let length = output.count &- start &- lengthBytes
        precondition(length <= KafkaWireLimits.frameBytesMax, "fetch limits bound each response")
        output.patchInteger(Int32(length), at: start)
    }
}
