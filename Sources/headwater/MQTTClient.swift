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
        case .refused: "what does its log say?"
        case .socket, .wire, .unexpected, .closed:
            "is 'headwater serve' running there, and is this its MQTT port?"
        }
    }
}

/// One device's connection for `headwater demo`: publishes at QoS 1 and waits for each PUBACK.
final class MQTTClient {
    private static let answerTimeout = Duration.seconds(30)
    private static let answerBytesMax = 64 << 10

    private let socket: ClientSocket
    private var output = ByteWriter(capacity: 1_024)
    private var input: [UInt8] = []
    private var lastPacketIdentifier: UInt16 = 0

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
    }

    /// Publishes JSON and returns once the broker has acknowledged, that is, has synced it.
    func publish(_ reading: Reading) throws(MQTTClientError) {
        lastPacketIdentifier = lastPacketIdentifier == .max ? 1 : lastPacketIdentifier + 1
        var properties = Properties()
        properties.append(.payloadFormatIndicator, 1)
        properties.append(.contentType, Text("application/json"))
        write(reading, properties)
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

    private func write(_ reading: Reading, _ properties: Properties) {
        var topic = reading.topic
        var payload = reading.payload
        topic.withUTF8 { topic in
            payload.withUTF8 { payload in
                properties.withView { view in
                    PublishPacket(
                        topic: UnsafeRawBufferPointer(topic),
                        payload: UnsafeRawBufferPointer(payload),
                        qos: .atLeastOnce,
                        packetIdentifier: lastPacketIdentifier,
                        properties: view
                    ).write(to: &output, version: .v5)
                }
            }
        }
    }

    private func send() throws(MQTTClientError) {
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
            let more: [UInt8]
            do throws(PosixError) {
                more = try socket.read(max: 4_096, timeout: Self.answerTimeout)
            } catch {
                throw .socket(error)
            }
            guard !more.isEmpty else { throw .closed }
            input += more
        }
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
