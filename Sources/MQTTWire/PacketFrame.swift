import BrokerModel

/// The kind of a control packet (MQTT 5, 2.1.2).
public enum PacketType: UInt8, Sendable, CaseIterable {
    case connect = 1
    case connack, publish, puback, pubrec, pubrel, pubcomp, subscribe, suback, unsubscribe, unsuback
    case pingreq, pingresp, disconnect, auth
}

/// One whole packet in somebody else's bytes: its first byte and its body.
public struct PacketFrame {
    public let type: PacketType
    /// The low four bits of the first byte. Legal for the type, save that PUBLISH checks its own.
    public let flags: UInt8
    public let body: UnsafeRawBufferPointer
}

/// What lies at the front of unread bytes.
public enum PacketFraming {
    case packet(PacketFrame)
    /// Nothing was consumed; a decision needs this many bytes, counted from the same front.
    case incomplete(bytesNeeded: Int)
}

extension ByteReader {
    /// Takes the next packet off the front. The fixed header alone decides whether a packet is too
    /// large, so its body need never be waited for. A longer length encoding than needed passes:
    /// 3.1.1 allows it, and the version is not known here.
    public mutating func readPacket(sizeMax: Int) throws(MQTTWireError) -> PacketFraming {
        guard let firstByte = peekByte() else { return .incomplete(bytesNeeded: 2) }
        guard let type = PacketType(rawValue: firstByte >> 4) else { throw .reservedPacketType }
        let flags = firstByte & 0x0f
        if type != .publish, flags != type.requiredFlags { throw .reservedFlags(type) }
        guard let header = try readLengthAhead() else {
            return .incomplete(bytesNeeded: remaining &+ 1)
        }
        let size = header.size &+ header.length
        guard size <= sizeMax else { throw .packetTooLarge(size: size) }
        guard remaining >= size else { return .incomplete(bytesNeeded: size) }
        let start = position &+ header.size
        skip(size)
        let body = UnsafeRawBufferPointer(rebasing: bytes[start..<start &+ header.length])
        return .packet(PacketFrame(type: type, flags: flags, body: body))
    }

    @inline(__always)
    private func readLengthAhead() throws(MQTTWireError) -> (size: Int, length: Int)? {
        var length = 0
        for index in 0..<MQTTWireLimits.remainingLengthBytesMax {
            guard let byte = peekByte(at: index &+ 1) else { return nil }
            length |= Int(byte & 0x7f) &<< (7 &* index)
            if byte & 0x80 == 0 { return (size: index &+ 2, length: length) }
        }
        throw .remainingLengthTooLong
    }

    /// Reads a length inside a body (MQTT 5, 1.5.5), which must be as short as it can be.
    mutating func readVariableByteInteger() throws(MQTTWireError) -> Int {
        var value = 0
        for index in 0..<MQTTWireLimits.remainingLengthBytesMax {
            guard let byte = peekByte(at: index) else { throw .packetTooShort }
            value |= Int(byte & 0x7f) &<< (7 &* index)
            guard byte & 0x80 == 0 else { continue }
            guard index == 0 || byte != 0 else { throw .lengthNotMinimal }
            skip(index &+ 1)
            return value
        }
        throw .remainingLengthTooLong
    }
}

extension ByteWriter {
    /// Writes a remaining length or property length (MQTT 5, 1.5.5).
    public mutating func writeVariableByteInteger(_ value: Int) {
        precondition(
            value >= 0 && value <= MQTTWireLimits.remainingLengthMax,
            "whoever builds a packet keeps it inside the protocol's limit"
        )
        writeUnsignedVarint(UInt32(truncatingIfNeeded: value))
    }

    /// The bytes that `writeVariableByteInteger` takes for a value.
    static func variableByteIntegerSize(_ value: Int) -> Int {
        value < 1 << 7 ? 1 : value < 1 << 14 ? 2 : value < 1 << 21 ? 3 : 4
    }

    /// Writes a packet whose length is known only once its body stands. Not for hot packets.
    mutating func writePacket(_ type: PacketType, _ body: (inout ByteWriter) -> Void) {
        var content = ByteWriter(capacity: 128)
        body(&content)
        writeByte(type.rawValue << 4 | type.requiredFlags)
        writeVariableByteInteger(content.count)
        writeBytes(content.bytes)
    }

    /// Writes PINGREQ, PINGRESP or 3.1.1's DISCONNECT, which have no body.
    public mutating func writeEmptyPacket(_ type: PacketType) {
        writeByte(type.rawValue << 4 | type.requiredFlags)
        writeByte(0)
    }
}

extension PacketType {
    /// The flags that 2.1.3 fixes for every type but PUBLISH.
    @inline(__always)
    var requiredFlags: UInt8 {
        switch self {
        case .pubrel, .subscribe, .unsubscribe: 0b0010
        case .connect, .connack, .publish, .puback, .pubrec, .pubcomp, .suback, .unsuback,
            .pingreq, .pingresp, .disconnect, .auth:
            0
        }
    }
}

extension PacketFrame {
    /// Checks that a packet without a body has none.
    public func requireEmptyBody() throws(MQTTWireError) {
        guard body.isEmpty else { throw .trailingBytes }
    }
}
