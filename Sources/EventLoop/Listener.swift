import BrokerModel
import Posix

/// A listening socket and the limits of what it accepts. Confined to its loop.
public final class Listener {
    /// Where it listens; a port 0 that was asked for has become a real one.
    public let address: SocketAddress
    public let limits: ConnectionLimits
    public private(set) var isOpen = true
    /// Accepted connections that still hold a descriptor.
    public internal(set) var connectionCount = 0

    unowned(unsafe) let loop: EventLoop
    let socket: SocketDescriptor
    /// Nil once closed, because whoever it captures often holds the listener.
    private var accept: ((Connection) -> any ConnectionHandler)?
    private let refusals = ReportGate()
    private let failures = ReportGate()

    /// The connections past the limit that are kept until they have seen why, at most.
    private static let refusedLingeringMax = 64
    private static let retryDelay = Duration.milliseconds(200)

    init(
        loop: EventLoop,
        address: SocketAddress,
        limits: ConnectionLimits,
        accept: @escaping (Connection) -> any ConnectionHandler
    ) throws(PosixError) {
        self.loop = loop
        self.limits = limits
        self.accept = accept
        socket = try .listening(at: address)
        do throws(PosixError) {
            self.address = try socket.localAddress()
        } catch {
            socket.close()
            throw error
        }
    }

    /// Stops listening. Accepted connections stay.
    public func close() {
        guard isOpen else { return }
        isOpen = false
        accept = nil
        socket.close()
        loop.remove(self)
    }

    var tag: UInt64 { EventTag.listener.tag(for: self) }

    func acceptWaiting() {
        for _ in 0..<loop.settings.acceptsPerIterationMax {
            guard isOpen else { return }
            do throws(PosixError) {
                guard let (accepted, peer) = try socket.accept() else { return }
                admit(accepted, peer: peer)
            } catch {
                guard error.code != ErrorCode.connectionAborted else { continue }
                pauseAccepting(after: error)
                return
            }
        }
    }

    private func admit(_ accepted: SocketDescriptor, peer: SocketAddress) {
        guard let accept else { return accepted.close() }
        guard connectionCount < limits.connectionsMax else { return refuse(accepted, peer: peer) }
        accepted.setNoDelay()
        let sizes = (limits.receiveBufferBytes.rawValue, limits.sendBufferBytes.rawValue)
        if sizes != (0, 0) { accepted.setBufferBytes(receive: sizes.0, send: sizes.1) }
        let connection = Connection(id: loop.nextConnectionID(), accepted, peer, listener: self)
        guard loop.add(connection) else { return accepted.close() }
        connectionCount += 1
        loop.counters.accepted.add()
        connection.begin(with: accept(connection))
    }

    private func refuse(_ accepted: SocketDescriptor, peer: SocketAddress) {
        loop.counters.refused.add()
        loop.note(refusals) { [address] in .connectionsRefused(listener: address, count: $0) }
        let reason = limits.refusal()
        guard !reason.isEmpty, loop.refusedLingering < Self.refusedLingeringMax else {
            return accepted.close()
        }
        _ = reason.withUnsafeBytes { accepted.send($0) }
        let connection = Connection(id: loop.nextConnectionID(), accepted, peer, listener: self)
        guard loop.add(connection) else { return accepted.close() }
        connection.lingerAfterRefusal()
    }

    /// Without descriptors or memory the kernel keeps new connections waiting; so do we.
    private func pauseAccepting(after error: PosixError) {
        loop.note(failures) { [address] in
            .acceptFailed(listener: address, error, count: $0)
        }
        loop.epoll.change(socket.rawValue, [], tag: tag)
        loop.schedule(at: loop.now + Self.retryDelay) { [self] in
            guard isOpen else { return }
            loop.epoll.change(socket.rawValue, .input, tag: tag)
        }
    }
}
