import BrokerModel
import KafkaWire
import MQTTWire
import Posix

/// Why a load cannot begin, or could not go on.
enum LoadError: Error, CustomStringConvertible {
    case socket(PosixError)
    case mqtt(MQTTWireError)
    case kafka(KafkaWireError)
    case refused(String)
    case closed
    case unexpected(String)

    var description: String {
        switch self {
        case .socket(let error): "\(error)"
        case .mqtt(let error): "the broker's answer is not MQTT: \(error)"
        case .kafka(let error): "the broker's answer is not Kafka's protocol: \(error)"
        case .refused(let reason): "the broker refused: \(reason)"
        case .closed: "the broker closed the connection"
        case .unexpected(let what): "the broker sent \(what)"
        }
    }
}

/// One connection of a load: blocking until its handshake is over, then driven by an epoll.
final class LoadSocket {
    private static let handshakeTimeout = Duration.seconds(30)

    private(set) var isOpen = true
    private let socket: SocketDescriptor
    private var output = ByteWriter()
    private var input = ByteWriter()
    private var watch: (epoll: Epoll, tag: UInt64, wanted: Readiness)?

    init(to address: SocketAddress) throws(LoadError) {
        do throws(PosixError) {
            socket = try .connected(to: address, timeout: Self.handshakeTimeout)
            try socket.setReadTimeout(Self.handshakeTimeout)
        } catch {
            throw .socket(error)
        }
        socket.setNoDelay()
    }

    deinit { close() }

    /// Sends, waits until `parse` finds its answer at the front of what came, and takes it off.
    func ask<Answer>(
        _ request: UnsafeRawBufferPointer,
        _ parse: (UnsafeRawBufferPointer) throws(LoadError) -> (Answer, consumed: Int)?
    ) throws(LoadError) -> Answer {
        guard socket.send(request) == request.count else { throw .closed }
        while true {
            if let (answer, consumed) = try parse(input.bytes) {
                input.removeFirst(consumed)
                if input.isEmpty { input.release() }  // Ten thousand of these may idle.
                return answer
            }
            let received = input.count
            input.writeUpTo(4_096) { max(0, socket.receive(into: $0)) }
            guard input.count > received else { throw .closed }
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

    /// The same for large answers that come in many pieces: what is not consumed stays in place.
    func receiveLarge(_ body: (UnsafeRawBufferPointer) -> Int) {
        var received = 0
        input.writeUpTo(1 << 20) { room in
            received = socket.receive(into: room)
            return max(0, received)
        }
        guard received > 0 else {
            if received != -Int(ErrorCode.wouldBlock) { close() }
            return
        }
        input.removeFirst(body(input.bytes))
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        socket.close()
    }
}
