import BrokerModel
import MQTTWire

func written(_ body: (inout ByteWriter) -> Void) -> [UInt8] {
    var writer = ByteWriter()
    body(&writer)
    return Array(writer.bytes)
}

/// Bytes from pieces: `bytes(0x30, 5, "a/b")`.
func bytes(_ pieces: any BytePiece...) -> [UInt8] { pieces.flatMap { $0.piece } }

/// Bytes as a dump shows them: `wire("30 05 00 03 'a/b'")`.
func wire(_ dump: String) -> [UInt8] {
    dump.split(separator: " ").flatMap { piece -> [UInt8] in
        guard piece.hasPrefix("'") else { return [UInt8(piece, radix: 16) ?? 0] }
        return Array(piece.dropFirst().dropLast().utf8)
    }
}

protocol BytePiece { var piece: [UInt8] { get } }
extension Int: BytePiece { var piece: [UInt8] { [UInt8(self)] } }
extension String: BytePiece { var piece: [UInt8] { Array(utf8) } }
extension Array: BytePiece where Element == UInt8 { var piece: [UInt8] { self } }

/// Reads the one packet that `bytes` are. The frame is valid inside `body` only.
func withFrame<Result>(
    _ bytes: [UInt8],
    sizeMax: Int = 1 << 28,
    _ body: (PacketFrame) throws -> Result
) throws -> Result {
    try bytes.withUnsafeBytes { raw in
        var reader = ByteReader(raw)
        guard case .packet(let frame) = try reader.readPacket(sizeMax: sizeMax) else {
            throw Incomplete()
        }
        guard reader.isAtEnd else { throw Incomplete() }
        return try body(frame)
    }
}

struct Incomplete: Error {}

/// A PUBLISH that owns its bytes, for comparing.
struct OwnedPublish: Equatable {
    var topic: Text
    var payload: [UInt8]
    var qos: QualityOfService
    var packetIdentifier: UInt16
    var isRetained: Bool
    var isDuplicate: Bool
    var properties: Properties

    init(_ packet: PublishPacket) {
        topic = Text(packet.topic)
        payload = Array(packet.payload)
        qos = packet.qos
        packetIdentifier = packet.packetIdentifier
        isRetained = packet.isRetained
        isDuplicate = packet.isDuplicate
        properties = Properties(packet.properties)
    }
}

/// Reads a frame as what it says it is. Frees the callers from a switch of their own.
func readAnyPacket(_ frame: PacketFrame, _ version: ProtocolVersion) throws {
    switch frame.type {
    case .connect: _ = try ConnectPacket(frame)
    case .connack: _ = try ConnackPacket(frame, version: version)
    case .publish:
        let packet = try PublishPacket(frame, version: version)
        for property in packet.properties { _ = property.identifier }
    case .puback, .pubrec, .pubrel, .pubcomp: _ = try PublishReply(frame, version: version)
    case .subscribe: _ = try SubscribePacket(frame, version: version)
    case .suback, .unsuback: _ = try SubscriptionReply(frame, version: version)
    case .unsubscribe: _ = try UnsubscribePacket(frame, version: version)
    case .pingreq, .pingresp: try frame.requireEmptyBody()
    case .disconnect, .auth: _ = try DisconnectPacket(frame, version: version)
    }
}
