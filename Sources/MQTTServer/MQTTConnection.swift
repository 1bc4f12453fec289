import BrokerModel
import CommitLog
import EventLoop
import Ingest
import MQTTSessions
import MQTTWire

/// One client's socket and its session.
final class MQTTConnection: ConnectionHandler {
    let connection: Connection
    var session: Session
    /// Publishes with a ticket that the log has not answered for.
    var unstored = 0
    /// What those weigh.
    var unstoredBytes = 0
    /// Took our client identifier over, and waits until nothing of ours is unstored.
    var successor: MQTTConnection?
    /// Whose publishes our CONNACK waits for.
    var predecessor: MQTTConnection?
    /// A copy of our own, because every publish looks at it. Empty before the CONNECT.
    private(set) var clientIdentifier = UnsafeRawBufferPointer(start: nil, count: 0)
    private(set) var isClosed = false
    /// Stands in the server's list of those with deliveries to send.
    private var isToSend = false
    /// Outlives its connections; unsafe, because counting references costs on every packet.
    private unowned(unsafe) let server: MQTTServer
    private var isWaiting = false

    init(_ connection: Connection, session: consuming Session, server: MQTTServer) {
        self.connection = connection
        self.session = session
        self.server = server
    }

    deinit { clientIdentifier.deallocate() }

    func take(_ identifier: Text) {
        let copy = UnsafeMutableRawBufferPointer.allocate(
            byteCount: identifier.bytes.count,
            alignment: 1
        )
        copy.copyBytes(from: identifier.bytes)
        clientIdentifier.deallocate()
        clientIdentifier = UnsafeRawBufferPointer(copy)
    }

    var id: UInt64 { connection.id }
    var handle: SessionHandle? { session.handle }

    func received(
        _ input: UnsafeRawBufferPointer,
        output: inout ByteWriter
    ) -> ConnectionAction {
        var reader = ByteReader(input)
        let now = server.loop.now
        defer { sendDeliveriesLater() }
        while true {
            guard !server.lane.isFull else {
                isWaiting = true
                server.waitForRoom(self)
                return .pause(consumed: reader.position)
            }
            guard !server.isOverBudget(self) else {
                isWaiting = true
                return .pause(consumed: reader.position)
            }
            switch session.receive(from: &reader, now: now, output: &output) {
            case .handled: continue
            case .repeated: server.counters.repeated.add()
            case .publish(let packet, let ticket):
                guard let reason = server.publish(packet, ticket, from: self) else { continue }
                let end = session.refuseClient(reason, output: &output)
                return .close(consumed: reader.position, over(end))
            case .release(let receipt, let ticket):
                // Where sessions are not kept, nothing could be asked of them after a restart.
                guard server.journal != nil else {
                    session.appended(ticket, now: now, output: &output)
                    continue
                }
                guard !server.release(receipt, ticket, of: self) else { continue }
                session.failed(ticket)
                let end = session.refuseClient(.quotaExceeded, output: &output)
                return .close(consumed: reader.position, over(end))
            case .consultDirectory(let frame):
                guard let end = server.consult(frame, of: self, output: &output) else { continue }
                return .close(consumed: reader.position, over(end))
            case .needBytes(let count):
                return .readFrame(consumed: reader.position, frameBytes: count)
            case .pause:
                isWaiting = true
                return .pause(consumed: reader.position)
            case .close(let end):
                return .close(consumed: reader.position, over(end))
            }
        }
    }

    func outputDrained() {
        noteSilenceOfOurs()
        sendDeliveriesLater()
    }

    func closed(_ reason: CloseReason) {
        isClosed = true
        let end = session.connectionLost()
        server.reportEnd(of: self, end, reason)
        server.sessionEnded(self, end)
        server.closed(self)
    }

    // MARK: Deliveries at QoS 1

    /// Has queued messages sent when the burst is over, if there are any that may be.
    func sendDeliveriesLater() {
        guard !isToSend, session.sendableDeliveries != nil else { return }
        isToSend = true
        server.toSend.append(self)
    }

    /// Sends what the client's window and the output have room for. Nil when the output refused.
    func sendDeliveries() -> Deliveries.Outcome? {
        isToSend = false
        let pending = connection.pendingOutput
        let room = server.settings.outputBytesMax.rawValue - pending.rawValue
        var outcome = Deliveries.Outcome()
        let admitted = connection.write { output in
            outcome = session.sendDeliveries(
                room: room,
                isOutputEmpty: pending == .zero,
                now: server.loop.now,
                output: &output
            )
        }
        if !admitted { session.takeBack(outcome) }
        return admitted ? outcome : nil
    }

    // MARK: What the server tells

    /// These publishes and releases are durable: their answers are due.
    func stored(_ tokens: ArraySlice<AckToken>) {
        let now = server.loop.now
        guard !isClosed else { return settleUnseen(tokens, now: now) }
        let admitted = connection.write { output in
            for token in tokens {
                session.appended(PublishTicket(rawValue: token.ticket), now: now, output: &output)
            }
        }
        guard admitted else {
            // Without its answers a client would wait for ever; it will ask again after a
            // reconnect.
            settleUnseen(tokens, now: now)
            return connection.close(.outputOverflow)
        }
        if isWaiting, session.mayRead, !server.isOverBudget(self) { resumeReading() }
    }

    /// Nobody is there to be told, but the session must know what is stored.
    private func settleUnseen(_ tokens: ArraySlice<AckToken>, now: MonotonicTime) {
        var nowhere = ByteWriter()
        _ = session.connectionLost()
        for token in tokens {
            session.appended(PublishTicket(rawValue: token.ticket), now: now, output: &nowhere)
        }
    }

    /// The log failed: these will never be acknowledged, and the client must learn that.
    func storingFailed(_ tokens: ArraySlice<AckToken>) {
        for token in tokens { session.failed(PublishTicket(rawValue: token.ticket)) }
        guard !isClosed else { return }
        server.counters.storingFailed.add()
        close { $0.refuseClient(.quotaExceeded, output: &$1) }
    }

    func takenOver() { close { $0.takenOver(output: &$1) } }

    func shutDown() { close { $0.serverShuttingDown(output: &$1) } }

    func checkDeadline(now: MonotonicTime) {
        guard !isClosed else { return }
        guard connection.isReading else { return noteSilenceOfOurs() }
        guard let deadline = session.deadline, deadline <= now else { return }
        close { session, output in
            session.deadlinePassed(now: now, output: &output) ?? .keepAliveTimeout
        }
    }

    /// Sends the CONNACK that had to wait for our predecessor's publishes.
    func connectNow() {
        predecessor = nil
        guard !isClosed else { return }
        let now = server.loop.now
        let admitted = connection.write { output in
            session.sendConnack(now: now, output: &output)
        }
        guard admitted else { return connection.close(.outputOverflow) }
        resumeReading()
    }

    func pauseReading() { connection.pauseReading() }

    func resumeReading() {
        isWaiting = false
        guard !server.isStopping else { return }
        noteSilenceOfOurs()
        connection.resumeReading()
    }

    /// While nothing is read for a reason of ours, the client's silence does not count. The time up
    /// to its CONNECT goes on.
    private func noteSilenceOfOurs() {
        if session.isConnected { session.readingResumed(now: server.loop.now) }
    }

    /// Lets the session say why, in its version's way, and closes.
    private func close(_ farewell: (inout Session, inout ByteWriter) -> SessionEnd) {
        var end = SessionEnd.connectionLost
        let admitted = connection.write { output in end = farewell(&session, &output) }
        guard admitted else { return connection.close(.outputOverflow) }
        connection.close(over(end))
    }

    /// The directory hears of the end at once: the client may be back before this iteration ends.
    private func over(_ end: SessionEnd) -> CloseReason {
        server.sessionEnded(self, end)
        return end.closeReason
    }
}

extension SessionEnd {
    fileprivate var closeReason: CloseReason {
        switch self {
        case .clientDisconnected: .finished
        case .malformed(let error): .protocolViolation("\(error)")
        case .refused(let reason): .refused("\(reason)")
        case .connectTimeout: .timedOut(.handshake)
        case .keepAliveTimeout: .timedOut(.keepAlive)
        case .takenOver: .takenOver
        case .connectionLost: .peerClosed
        case .serverShuttingDown: .serverStopping
        }
    }
}
