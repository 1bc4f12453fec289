import BrokerModel
import MQTTWire
import Posix

/// Why a command's MQTT connection failed.
enum MQTTClientError: Error, CustomStringConvertible {
    case unreachable(PosixError)
    case socket(PosixError)
    case wire(MQTTWireError)
    case refused(ReasonCode)
    case unexpected(PacketType)
    case closed

    var description: String {
        switch self {
        case .unreachable(let error), .socket(let error): "\(error)"
        case .wire(let error): "the broker's answer is not MQTT: \(error)"
        case .refused(let reason): "the broker refused: \(reason)"
        case .unexpected(let type): "the broker sent \(type) out of turn"
        case .closed: "the broker closed the connection"
        }
    }

    /// What to look at.
    var question: String {
        switch self {
        case .unreachable: "is 'headwater serve' running there?"
        case .refused(.topicNameInvalid):
            "no route takes this topic, or it is no legal one; docs/ROUTES.md says how to route it"
        case .refused: "what does its log say?"
        case .socket, .wire, .unexpected, .closed:
            "is 'headwater serve' running there, and is this its MQTT port?"
        }
    }
}

/// A connection for `headwater demo`: a device that waits for each PUBACK, or a recording that has
/// many on their way.
final class MQTTClient {
    private static let answerTimeout = Duration.seconds(30)
    /// For a look at what has come already.
    private static let glance = Duration.milliseconds(1)
    private static let answerBytesMax = 64 << 10

    private let socket: ClientSocket
    private var output = ByteWriter(capacity: 1_024)
    private var input: [UInt8] = []
    private var lastPacketIdentifier: UInt16 = 0
    /// Publishes at QoS 1 that the broker takes before it has acknowledged any.
    private(set) var receiveMaximum = 65_535

    init(
        to address: SocketAddress,
        clientIdentifier: String
    ) throws(MQTTClientError) {
        do throws(PosixError) {
            socket = try ClientSocket(to: address)
        } catch {
            throw .unreachable(error)
        }
        // No keep alive: the demo's own pace may be slower than any.
        ConnectPacket(
            version: .v5,
            clientIdentifier: Text(clientIdentifier),
            keepAlive: 0
        ).write(to: &output)
        try send()
        let answer = try receive(.connack) { frame throws(MQTTWireError) in
            try ConnackPacket(frame, version: .v5)
        }
        guard answer.reasonCode == .success else { throw .refused(answer.reasonCode) }
        if let maximum = answer.properties.integer(.receiveMaximum) {
            receiveMaximum = Int(maximum)
        }
    }

    /// Publishes JSON and returns once the broker has acknowledged, that is, has synced it.
    func publish(_ reading: Reading) throws(MQTTClientError) {
        lastPacketIdentifier = lastPacketIdentifier == .max ? 1 : lastPacketIdentifier + 1
        var properties = Properties()
        properties.append(.payloadFormatIndicator, 1)
        properties.append(.contentType, Text("application/json"))
        write(
            reading.topic,
            reading.payload,
            qos: .atLeastOnce,
            packetIdentifier: lastPacketIdentifier,
            properties
        )
        try send()
        let answer = try receive(.puback) { frame throws(MQTTWireError) in
            try PublishReply(frame, version: .v5)
        }
        guard answer.reasonCode.rawValue < 0x80 else { throw .refused(answer.reasonCode) }
    }

    func disconnect() throws(MQTTClientError) {
        DisconnectPacket(.success)
            .write(to: &output, version: .v5)
        try send()
    }

    /// What was written and not sent.
    var unsentBytes: Int { output.count }

    /// The PUBACKs of one read; with `mayWait` it waits until there is one.
    func pubacks(mayWait: Bool) throws(MQTTClientError) -> [PublishReply] {
        var found: [PublishReply] = []
        if mayWait {
            found.append(try receive(.puback, Self.decodeReply))
        } else {
            _ = try readMore(timeout: Self.glance)
        }
        while let next = try takePacket(.puback, Self.decodeReply) { found.append(next) }
        return found
    }

    /// Returns once the broker has read all that was sent.
    func ping() throws(MQTTClientError) {
        output.writeEmptyPacket(.pingreq)
        try send()
        try receive(.pingresp) { frame throws(MQTTWireError) in try frame.requireEmptyBody() }
    }

    private static func decodeReply(_ frame: PacketFrame) throws(MQTTWireError) -> PublishReply {
        try PublishReply(frame, version: .v5)
    }

    /// Writes a PUBLISH, which leaves with the next `send`.
    func write(
        _ topic: String,
        _ payload: String,
        qos: QualityOfService,
        packetIdentifier: UInt16,
        _ properties: Properties
    ) {
        var topic = topic
        var payload = payload
        topic.withUTF8 { topic in
            payload.withUTF8 { payload in
                properties.withView { view in
                    PublishPacket(
                        topic: UnsafeRawBufferPointer(topic),
                        payload: UnsafeRawBufferPointer(payload),
                        qos: qos,
                        packetIdentifier: packetIdentifier,
                        properties: view
                    ).write(to: &output, version: .v5)
                }
            }
        }
    }

    func send() throws(MQTTClientError) {
        guard !output.isEmpty else { return }
        defer { output.removeAll() }
        do throws(PosixError) {
            try socket.write(output.bytes)
        } catch {
            throw .socket(error)
        }
    }

    /// Waits for the next packet, which must be of this type.
    private func receive<Packet>(
        _ type: PacketType,
        _ decode: (PacketFrame) throws(MQTTWireError) -> Packet
    ) throws(MQTTClientError) -> Packet {
        while true {
            let found = try takePacket(type, decode)
            if let found { return found }
            _ = try readMore(timeout: Self.answerTimeout)
        }
    }

    /// False when nothing is here and nothing was to be waited for.
    private func readMore(timeout: Duration) throws(MQTTClientError) -> Bool {
        let more: [UInt8]
        do throws(PosixError) {
            more = try socket.read(max: 16_384, timeout: timeout)
        } catch {
            if timeout == Self.glance, error.code == ErrorCode.timedOut { return false }
            throw .socket(error)
        }
        guard !more.isEmpty else { throw .closed }
        input += more
        return true
    }

    private func takePacket<Packet>(
        _ type: PacketType,
        _ decode: (PacketFrame) throws(MQTTWireError) -> Packet
    ) throws(MQTTClientError) -> Packet? {
        var consumed = 0
        defer { input.removeFirst(consumed) }
        let outcome = input.withUnsafeBytes { bytes -> Result<Packet?, MQTTClientError> in
            var reader = ByteReader(bytes)
            do throws(MQTTWireError) {
                guard case .packet(let frame) = try reader.readPacket(sizeMax: Self.answerBytesMax)
                else { return .success(nil) }
                consumed = reader.position
                if frame.type == .disconnect {
                    let reason = try DisconnectPacket(frame, version: .v5).reasonCode
                    return .failure(.refused(reason))
                }
                guard frame.type == type else { return .failure(.unexpected(frame.type)) }
                return .success(try decode(frame))
            } catch {
                return .failure(.wire(error))
            }
        }
        return try outcome.get()
    }
}
