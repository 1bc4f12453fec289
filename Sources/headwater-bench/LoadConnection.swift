import BrokerModel
import MQTTWire
import Posix

/// Why a load cannot begin, or could not go on.
enum LoadError: Error, CustomStringConvertible {
    case socket(PosixError)
    case wire(MQTTWireError)
    case refused(ReasonCode)
    case closed
    case unexpected(String)

    var description: String {
        switch self {
        case .socket(let error): "\(error)"
        case .wire(let error): "the broker's answer is not MQTT: \(error)"
        case .refused(let reason): "the broker refused: \(reason)"
        case .closed: "the broker closed the connection"
        case .unexpected(let what): "the broker sent \(what)"
        }
    }
}

/// One MQTT connection of a load: blocking until its handshake is over, then driven by an epoll.
final class LoadConnection {
    private static let handshakeTimeout = Duration.seconds(30)

    let version: ProtocolVersion
    private(set) var isOpen = true
    /// What the server allows to be in flight (MQTT 5, 3.2.2.3.3).
    private(set) var receiveMaximum = Int(UInt16.max)
    private let socket: SocketDescriptor
    private var output = ByteWriter(capacity: 1_024)
    private var input = ByteWriter()
    private var watch: (epoll: Epoll, tag: UInt64, wanted: Readiness)?

    init(
        to address: SocketAddress,
        clientIdentifier: String,
        version: ProtocolVersion
    ) throws(LoadError) {
        self.version = version
        do throws(PosixError) {
            socket = try .connected(to: address, timeout: Self.handshakeTimeout)
            try socket.setReadTimeout(Self.handshakeTimeout)
        } catch {
            throw .socket(error)
        }
        socket.setNoDelay()
        ConnectPacket(version: version, clientIdentifier: Text(clientIdentifier), keepAlive: 0)
            .write(to: &output)
        let answer = try exchange(.connack) { frame throws(MQTTWireError) in
            try ConnackPacket(frame, version: version)
        }
        guard answer.reasonCode == .success else { throw .refused(answer.reasonCode) }
        let maximum = answer.properties.integer(.receiveMaximum)
        receiveMaximum = maximum.map { Int($0) } ?? receiveMaximum
    }

    func subscribe(to filter: String, qos: QualityOfService) throws(LoadError) {
        let options = SubscriptionOptions(qosMax: qos)
        SubscribePacket(packetIdentifier: 1, requests: [.init(Text(filter), options)])
            .write(to: &output, version: version)
        let version = version
        let answer = try exchange(.suback) { frame throws(MQTTWireError) in
            try SubscriptionReply(frame, version: version)
        }
        guard let reason = answer.reasonCodes.first, reason.rawValue <= qos.rawValue else {
            throw .refused(answer.reasonCodes.first ?? .unspecifiedError)
        }
    }

    /// From here on no call blocks, and `epoll` tells of input by `tag`.
    func watch(by epoll: Epoll, tag: UInt64) throws(LoadError) {
        do throws(PosixError) {
            try socket.setNonBlocking()
            try epoll.add(socket.rawValue, .input, tag: tag)
        } catch {
            throw .socket(error)
        }
        watch = (epoll, tag, .input)
    }

    /// Nothing waits for the kernel to take it.
    var isDrained: Bool { output.isEmpty }

    /// Sends, and keeps what the kernel does not take now.
    func send(_ bytes: UnsafeRawBufferPointer) {
        guard isOpen, !bytes.isEmpty else { return }
        guard output.isEmpty else { return output.writeBytes(bytes) }
        let sent = socket.send(bytes)
        if sent == bytes.count { return }
        if sent < 0, sent != -Int(ErrorCode.wouldBlock) { return close() }
        output.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[max(sent, 0)...]))
    }

    /// Sends what was kept.
    func flush() {
        guard isOpen, !output.isEmpty else { return }
        let sent = socket.send(output.bytes)
        if sent < 0, sent != -Int(ErrorCode.wouldBlock) { return close() }
        output.removeFirst(max(sent, 0))
    }

    /// Waits for room as well, or no longer.
    func watchOutput(_ isWanted: Bool) {
        let wanted: Readiness = isWanted ? [.input, .output] : .input
        guard isOpen, let (epoll, tag, before) = watch, before != wanted else { return }
        epoll.change(socket.rawValue, wanted, tag: tag)
        watch?.wanted = wanted
    }

    /// Reads once and lends what is not yet consumed to `body`, which says how much it consumed.
    @inline(__always)
    func receive(
        by buffer: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) -> Int
    ) {
        let kept = input.count
        if kept > 0 { buffer.copyMemory(from: input.bytes) }
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer[kept...])
        let received = socket.receive(into: room)
        guard received > 0 else {
            if received != -Int(ErrorCode.wouldBlock) { close() }
            return
        }
        let all = UnsafeRawBufferPointer(buffer)
        let bytes = UnsafeRawBufferPointer(rebasing: all[..<(kept &+ received)])
        let consumed = body(bytes)
        guard kept > 0 || consumed < bytes.count else { return }
        input.removeAll()
        input.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[consumed...]))
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        socket.close()
    }

    deinit { close() }

    /// DISCONNECT, if it still can be sent.
    func disconnect() {
        var packet = ByteWriter()
        DisconnectPacket(.success).write(to: &packet, version: version)
        send(packet.bytes)
    }

    private func exchange<Answer>(
        _ type: PacketType,
        _ decode: (PacketFrame) throws(MQTTWireError) -> Answer
    ) throws(LoadError) -> Answer {
        let sent = socket.send(output.bytes)
        guard sent == output.count else { throw .closed }
        output.removeAll()
        while true {
            if let answer = try nextPacket(type, decode) { return answer }
            try readMore()
        }
    }

    private func nextPacket<Answer>(
        _ type: PacketType,
        _ decode: (PacketFrame) throws(MQTTWireError) -> Answer
    ) throws(LoadError) -> Answer? {
        var reader = ByteReader(input.bytes)
        let frame: PacketFrame
        do throws(MQTTWireError) {
            guard case .packet(let found) = try reader.readPacket(sizeMax: 1 << 16) else {
                return nil
            }
            frame = found
        } catch {
            throw .wire(error)
        }
        guard frame.type == type else { throw .unexpected("\(frame.type) out of turn") }
        do throws(MQTTWireError) {
            let answer = try decode(frame)
            input.removeFirst(reader.position)
            return answer
        } catch {
            throw .wire(error)
        }
    }

    private func readMore() throws(LoadError) {
        let before = input.count
        input.writeUpTo(4_096) { max(0, socket.receive(into: $0)) }
        guard input.count > before else { throw .closed }
    }
}
