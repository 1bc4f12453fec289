import BrokerModel
import MQTTWire
import Posix

/// An MQTT connection of a load, once its CONNECT was answered.
struct MQTTHandshake {
    let socket: LoadSocket
    let version: ProtocolVersion
    /// What the server allows to be in flight (MQTT 5, 3.2.2.3.3).
    let receiveMaximum: Int

    init(
        to address: SocketAddress,
        clientIdentifier: String,
        version: ProtocolVersion
    ) throws(LoadError) {
        socket = try LoadSocket(to: address)
        self.version = version
        var request = ByteWriter()
        ConnectPacket(version: version, clientIdentifier: Text(clientIdentifier), keepAlive: 0)
            .write(to: &request)
        let answer = try Self.ask(socket, request, .connack) { frame throws(MQTTWireError) in
            try ConnackPacket(frame, version: version)
        }
        guard answer.reasonCode == .success else { throw .refused("\(answer.reasonCode)") }
        receiveMaximum = answer.properties.integer(.receiveMaximum).map { Int($0) } ?? 65_535
    }

    func subscribe(to filter: String, qos: QualityOfService) throws(LoadError) {
        var request = ByteWriter()
        let options = SubscriptionOptions(qosMax: qos)
        SubscribePacket(packetIdentifier: 1, requests: [.init(Text(filter), options)])
            .write(to: &request, version: version)
        let version = version
        let answer = try Self.ask(socket, request, .suback) { frame throws(MQTTWireError) in
            try SubscriptionReply(frame, version: version)
        }
        guard answer.reasonCodes.first?.rawValue == qos.rawValue else {
            throw .refused("QoS \(qos.rawValue), granted \(answer.reasonCodes)")
        }
    }

    private static func ask<Answer>(
        _ socket: LoadSocket,
        _ request: borrowing ByteWriter,
        _ type: PacketType,
        _ decode: (PacketFrame) throws(MQTTWireError) -> Answer
    ) throws(LoadError) -> Answer {
        try socket.ask(request.bytes) { input throws(LoadError) in
            do throws(MQTTWireError) {
                var reader = ByteReader(input)
                guard case .packet(let frame) = try reader.readPacket(sizeMax: 1 << 16) else {
                    return nil
                }
                guard frame.type == type else { return nil }
                return (try decode(frame), reader.position)
            } catch {
                throw .mqtt(error)
            }
        }
    }
}
