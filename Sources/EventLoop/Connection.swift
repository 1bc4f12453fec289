import BrokerModel
import Posix

/// One accepted socket. Confined to its loop; after its end every call is answered, and ignored.
public final class Connection {
    enum Phase {
        case open
        /// The handler is done; the last output is on its way.
        case closing
        /// Our end is shut. Reading and forgetting until the peer's end keeps a reset from
        /// destroying what it has not read yet.
        case lingering
        case closed
    }

    /// Unique in its loop, never used again.
    public let id: UInt64
    public let peer: SocketAddress

    let listener: Listener
    let socket: SocketDescriptor
    /// A cycle until the loop lets the connection go, which it always does before `run` returns.
    let loop: EventLoop
    var slot = 0
    private(set) var phase = Phase.open
    private var handler: (any ConnectionHandler)?
    private var closeReason = CloseReason.finished
    /// What epoll watches. Input leaves it only once it would be reported in vain.
    private var watched = Readiness.input
    private var isRefused = false

    // Input
    let kept = KeptInput()
    /// The handler needs so many bytes before it is worth a call; zero when any number will do.
    var frameBytes = 0
    /// The memory that reading waits for; zero when it does not wait.
    private(set) var inputNeed = ByteCount.zero
    private(set) var isPaused = false
    private var isDelivering = false
    private var isQueuedForRedelivery = false

    // Output
    var output: OutputBuffer?
    var outputReserved = 0
    /// The socket is full; epoll tells when it is not.
    private(set) var isStuck = false
    /// Replies outgrew the output pool: nothing is read until they are gone.
    var isOverdrawn = false
    private var isQueuedForFlush = false

    private var handshakeDeadline = MonotonicTime.never
    private var frameDeadline = MonotonicTime.never
    private var closeDeadline = MonotonicTime.never
    private var stallDeadline = MonotonicTime.never

    init(id: UInt64, _ socket: SocketDescriptor, _ peer: SocketAddress, listener: Listener) {
        self.id = id
        self.socket = socket
        self.peer = peer
        self.listener = listener
        loop = listener.loop
    }

    // MARK: For handlers

    public var isOpen: Bool { phase == .open }

    /// Whether the loop reads this connection: not paused, and no memory or slow peer holds it up.
    /// A keep-alive that expires meanwhile is not the peer's fault.
    public var isReading: Bool { phase == .open && mayRead }

    /// Written and not yet sent.
    public var pendingOutput: ByteCount { ByteCount(output?.pending ?? 0) }

    /// Appends to the output, which leaves at the end of this iteration. False, with nothing
    /// written, when the connection is closed, its peer reads too slowly or the pool is full: the
    /// caller drops the message or closes. (`outputDrained` follows only where output of this
    /// connection was stuck.) From inside `received` it always succeeds, and its bytes follow those
    /// of that call's own `output`. `body` writes only to its writer.
    @discardableResult
    public func write(_ body: (inout ByteWriter) -> Void) -> Bool {
        guard phase == .open else { return false }
        if isDelivering { return writeBeside(body) }
        return writeWithinLimits(body)
    }

    /// Stops calls of `received`; what was not consumed is kept.
    public func pauseReading() { isPaused = true }

    /// Shows what was not consumed, later in this iteration or in the next one, and reads on.
    public func resumeReading() {
        guard isPaused else { return }
        isPaused = false
        guard phase == .open, !isQueuedForRedelivery else { return }
        isQueuedForRedelivery = true
        loop.queueRedelivery(of: self)
    }

    /// Ends the handshake's time limit.
    public func handshakeCompleted() { handshakeDeadline = .never }

    /// Sends what was written, then closes. The handler sees nothing more but `closed`.
    public func close(_ reason: CloseReason) {
        guard phase == .open else { return }
        end(.closing, reason)
        setCloseDeadline()
        queueFlush()
    }

    /// Closes at once, with a reset; what was not sent is lost.
    public func abort(_ reason: CloseReason) {
        guard phase != .closed else { return }
        if phase == .open { end(.closing, reason) }
        socket.resetOnClose()
        release()
    }

    // MARK: Life

    var limits: ConnectionLimits { listener.limits }
    var tag: UInt64 { EventTag.connection.tag(for: self) }

    func begin(with handler: any ConnectionHandler) {
        self.handler = handler
        guard let timeout = limits.handshakeTimeout, phase == .open else { return }
        handshakeDeadline = loop.now + timeout
        loop.watchDeadline(handshakeDeadline)
    }

    /// The life of a connection past the limit: it has been told, and only has to read it.
    func lingerAfterRefusal() {
        isRefused = true
        loop.refusedLingering += 1
        setCloseDeadline()
        linger()
    }

    func tellClosed() {
        guard let handler else { return }
        self.handler = nil  // The handler often holds the connection: this ends the cycle.
        handler.closed(closeReason)
    }

    /// Ends what is overdue and says when to look again.
    func expire(now: MonotonicTime) -> MonotonicTime {
        if closeDeadline <= now {
            abort(closeReason)
        } else if phase == .open, min(frameDeadline, handshakeDeadline) <= now {
            loop.counters.timedOut.add()
            close(.timedOut(frameDeadline <= now ? .packet : .handshake))
        } else if phase == .open, stallDeadline <= now {
            loop.counters.timedOut.add()
            abort(.outputOverflow)
        }
        switch phase {
        case .open: return min(frameDeadline, handshakeDeadline, stallDeadline)
        case .closing, .lingering: return closeDeadline
        case .closed: return .never
        }
    }

    /// The peer's end: there is nobody left to wait for.
    private func peerEnded(_ reason: CloseReason) {
        if phase == .open { end(.closing, reason) }
        if let output, !isStuck { _ = socket.send(output.unsent) }  // What it takes, it takes.
        release()
    }

    private func end(_ phase: Phase, _ reason: CloseReason) {
        self.phase = phase
        closeReason = reason
        loop.queueTellClosed(self)
        if !isDelivering { dropInput() }
    }

    private func linger() {
        phase = .lingering
        socket.shutdownOutput()
        watch(.input)
    }

    private func release() {
        guard phase != .closed else { return }
        phase = .closed
        socket.close()
        dropOutput()
        if !isDelivering { dropInput() }
        loop.remove(self)
        if isRefused {
            loop.refusedLingering -= 1
        } else {
            listener.connectionCount -= 1
            loop.counters.closed.add()
        }
    }

    private func setCloseDeadline() {
        closeDeadline = loop.now + limits.closeTimeout
        loop.watchDeadline(closeDeadline)
    }

    // MARK: Events

    func eventsArrived(_ ready: Readiness) {
        if ready.contains(.output), isStuck { outputReady() }
        // A read finds out by itself why a socket failed; only who does not read has to look.
        if ready.contains(.input) {
            inputReady()
        } else if ready.contains(.failed), phase != .closed {
            peerEnded(socket.pendingError() == 0 ? .peerClosed : .peerReset)
        }
    }

    private func inputReady() {
        switch phase {
        case .open where mayRead:
            if kept.isLarge { receiveIntoKept() } else { receiveIntoShared() }
        case .open, .closing: watch(watched.subtracting(.input))
        case .lingering: discardInput()
        case .closed: break
        }
    }

    private func outputReady() {
        sendOutput()
        guard !isStuck, phase == .open else { return }
        watchInputAgain()
        handler?.outputDrained()
    }

    private func watch(_ wanted: Readiness) {
        guard wanted != watched, phase != .closed else { return }
        watched = wanted
        loop.epoll.change(socket.rawValue, wanted, tag: tag)
    }

    private func watchInputAgain() {
        if phase == .open, mayRead { watch(watched.union(.input)) }
    }

    private var mayRead: Bool {
        !isPaused && inputNeed == .zero
            && !(isStuck && (isOverdrawn || pendingOutput > Self.unreadOutputMax))
    }

    /// A peer that leaves so many replies unread is not asked for more requests.
    private static let unreadOutputMax = ByteCount.kibibytes(256)
}

// MARK: - Input, as ConnectionInput needs it

extension Connection {
    /// Calls the handler and says how many bytes it consumed.
    func callHandler(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let handler else { return bytes.count }
        let buffer = takeOutput()
        isDelivering = true
        let action = handler.received(bytes, output: &buffer.writer.pointee)
        isDelivering = false
        putBackReplies(buffer)
        frameBytes = 0
        let consumed: Int
        switch action {
        case .read(let count): consumed = count
        case .readFrame(let count, let wanted):
            precondition(wanted > bytes.count - count, "a frame that is there is consumed")
            (consumed, frameBytes) = (count, wanted)
        case .pause(let count):
            consumed = count
            isPaused = true
        case .close(let count, let reason):
            consumed = count
            close(reason)
        }
        precondition(consumed >= 0 && consumed <= bytes.count, "nobody consumes what is not there")
        return consumed
    }

    func redeliver() {
        isQueuedForRedelivery = false
        guard phase == .open, !isPaused else { return }
        if kept.count > 0, kept.count >= frameBytes { deliver(kept.bytes, lent: 0) }
        watchInputAgain()
    }

    /// A new frame's time begins with its first bytes, and runs only while we want the rest.
    func inputKept(isNewFrame: Bool) {
        guard kept.count > 0, !isPaused else { return frameDeadline = .never }
        guard isNewFrame || frameDeadline == .never else { return }
        frameDeadline = loop.now + limits.packetTimeout
        loop.watchDeadline(frameDeadline)
    }

    func waitForInput(_ need: Int) {
        inputNeed = ByteCount(need)
        loop.waitForInput(self)
    }

    func inputMayContinue() {
        inputNeed = .zero
        watchInputAgain()
    }

    func receiveEnded(_ answer: Int) {
        switch answer {
        case 0: peerEnded(.peerClosed)
        case -Int(ErrorCode.wouldBlock): break
        default: peerEnded(.peerReset)
        }
    }
}

// MARK: - Output, as ConnectionOutput needs it

extension Connection {
    func queueFlush() {
        guard !isQueuedForFlush else { return }
        isQueuedForFlush = true
        loop.queueFlush(of: self)
    }

    func flush() {
        isQueuedForFlush = false
        switch phase {
        case .open, .closing: if !isStuck { sendOutput() }
        case .lingering, .closed: break
        }
    }

    func becameStuck(afterSending sent: Int) {
        if sent > 0 || !isStuck { stallDeadline = loop.now + limits.stallTimeout }
        guard !isStuck else { return }
        isStuck = true
        loop.watchDeadline(stallDeadline)
        watch(watched.union(.output))
    }

    func outputSent() {
        if isStuck {
            isStuck = false
            stallDeadline = .never
            isOverdrawn = false
            watch(watched.subtracting(.output))
        }
        if phase == .closing { linger() }
    }

    func sendFailed() { peerEnded(.peerReset) }
}
