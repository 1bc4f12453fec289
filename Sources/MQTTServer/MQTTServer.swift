// MQTTServer puts MQTT sessions on sockets: bytes to machines, actions to bytes.
//
// Start at `MQTTServer`, which owns what all connections of its loop share: the session directory,
// the lane into the log and the delivery to subscribers. An `MQTTConnection` feeds its `Session`
// and does what the session's actions say. A publish is acknowledged when the lane reports it
// durable, never before (P1). Live delivery does not wait for that. The `SessionJournal` writes
// down what sessions must remember over a restart, and `SessionRestore` reads it.
//
// When the log is slow, the lane fills up and connections stop being read; when it fails, the
// publishers that waited for it are disconnected and nobody is acknowledged. A subscriber that
// reads or acknowledges too slowly loses messages, counted; it never holds up anybody else.

import BrokerModel
import CommitLog
import EventLoop
import Ingest
import MQTTSessions
import MQTTWire
import Posix

/// All MQTT connections of one loop. Confined to it.
public final class MQTTServer {
    public let counters = MQTTCounters()
    /// Called on the loop's thread, once for each connection that ended in a refusal.
    package var report: (MQTTServerReport) -> Void = { _ in }
    /// Called on the loop's thread, about once a second for a client that misses messages.
    package var reportDropped: (DroppedDeliveries) -> Void = { _ in }

    let loop: EventLoop
    let lane: IngestLane
    let settings: MQTTServerSettings
    private let memory: MemoryPool
    var directory: SessionDirectory
    var outgoing = OutgoingPublish()
    /// Connections with deliveries to send once this burst is over.
    var toSend: [MQTTConnection] = []
    /// Nil while sessions are not written down; then a restart forgets them.
    var journal: SessionJournal?
    private var listener: Listener?
    /// By connection id; a closed one stays until the log has answered for what it published.
    private var connections: [UInt64: MQTTConnection] = [:]
    /// By session handle.
    var live: [MQTTConnection?] = []
    /// Closed connections that wait for the log, by the session that they had.
    private var departed: [SessionHandle: MQTTConnection] = [:]
    private var waitingForRoom: [MQTTConnection] = []
    private(set) var isStopping = false
    /// Messages of routes with `live: synced`, between their publish and the log's answer.
    var late: [LiveTicket: HeldMessage] = [:]

    /// `memory` bounds what sessions may keep, `deliveries` the messages that wait for subscribers;
    /// the seed should be random.
    package init(
        loop: EventLoop,
        lane: IngestLane,
        settings: MQTTServerSettings,
        memory: MemoryPool,
        deliveries: MemoryPool,
        seed: UInt64
    ) {
        self.loop = loop
        self.lane = lane
        self.settings = settings
        self.memory = memory
        directory = SessionDirectory(
            limits: settings.session,
            memory: memory,
            deliveries: deliveries,
            seed: seed
        )
        lane.acknowledged = { [unowned self] in acknowledged($0, $1) }
        lane.settled = { [unowned self] in deliverLate($0, $1) }
        lane.roomReturned = { [unowned self] in roomReturned() }
        loop.burstEnded = { [unowned self] in burstEnded() }
        sweepLater()
    }

    package func listen(at address: SocketAddress) throws(EventLoopError) -> SocketAddress {
        let listener = try loop.listen(at: address, limits: settings.connectionLimits) {
            [unowned self] connection in
            let session = Session(
                connection: connection.id,
                limits: settings.session,
                memory: memory,
                now: loop.now
            )
            let handler = MQTTConnection(connection, session: session, server: self)
            connections[connection.id] = handler
            return handler
        }
        self.listener = listener
        return listener.address
    }

    private func burstEnded() {
        journal?.writeReleases(at: loop.wallClock)
        lane.burstEnded()
        sendDeliveries()
    }

    /// Stops reading, lets the log answer for what has arrived, takes leave and ends the loop.
    package func stop() {
        guard !isStopping else { return }
        isStopping = true
        listener?.close()
        for connection in connections.values { connection.pauseReading() }
        loop.schedule(at: loop.now + settings.stopTimeout) { [unowned self] in loop.stop() }
        whenIdle { [unowned self] in
            for connection in connections.values { connection.shutDown() }
            if journal?.wantsLastCheckpoint == true { writeCheckpoint(withSessions: false) }
            whenIdle { [unowned self] in loop.stop() }
        }
    }

    /// Sends everything that waits for the log, and goes on once it has answered.
    private func whenIdle(_ next: @escaping () -> Void) {
        journal?.writeReleases(at: loop.wallClock)
        lane.flush()
        lane.becameIdle = {}
        guard !lane.isIdle else { return next() }
        lane.becameIdle = { [unowned self] in
            lane.becameIdle = {}
            next()
        }
    }

    private func sweepLater() {
        loop.schedule(at: loop.now + .seconds(1)) { [unowned self] in
            for connection in connections.values {
                connection.checkDeadline(now: loop.now)
                checkDeliveries(of: connection)
            }
            directory.sweep(now: loop.now)
            measure()
            writeSessionChanges()
            publishDueWills()
            writeCheckpointIfDue()
            if !isStopping { sweepLater() }
        }
    }
}

// What connections ask for.
extension MQTTServer {
    private func measure() {
        let load = directory.load
        counters.receipts.set(load.receipts)
        counters.unacknowledged.set(load.unacknowledged)
        counters.queued.set(load.queued)
        counters.held.set(late.count)
    }

    /// Stores a publish and delivers it to live subscribers. Nil, or why the client is refused.
    func publish(_ packet: PublishPacket, _ ticket: PublishTicket?, from origin: MQTTConnection)
        -> ReasonCode?
    {
        let bytes = UInt32(clamping: packet.topic.count &+ packet.payload.count)
        if let ticket, packet.qos == .exactlyOnce, cannotKeep(origin) {
            origin.session.failed(ticket)
            return .quotaExceeded
        }
        let token = ticket.map {
            AckToken(connection: origin.id, ticket: $0.rawValue, bytes: bytes)
        }
        let sender = PublishOrigin(
            clientIdentifier: origin.clientIdentifier,
            receipt: receipt(for: packet, of: origin)
        )
        switch lane.publish(packet, from: sender, at: loop.wallClock, token: token) {
        case .accepted(let live):
            counters.received.add()
            if sender.receipt != nil { counters.receivedOnce.add() }
            if token != nil {
                origin.unstored += 1
                origin.unstoredBytes += Int(bytes)
            }
            deliver(packet, from: origin.handle, live)
            return nil
        case .noRoute:
            counters.unrouted.add()
            guard let ticket else { return nil }
            origin.session.failed(ticket)
            return .topicNameInvalid
        case .topicsFull:
            guard let ticket else { return nil }
            origin.session.failed(ticket)
            return .quotaExceeded
        case .tooLarge:
            if let ticket { origin.session.failed(ticket) }
            return .packetTooLarge
        }
    }

    private func receipt(for packet: PublishPacket, of origin: MQTTConnection) -> UInt64? {
        guard packet.qos == .exactlyOnce else { return nil }
        let number = directory.takeReceiptNumber()
        origin.session.numbered(packet.packetIdentifier, number)
        return number
    }

    /// Whether one client has as much on its way to the log as it may.
    func isOverBudget(_ connection: MQTTConnection) -> Bool {
        connection.unstoredBytes >= settings.inFlightBytesMax.rawValue
    }

    func waitForRoom(_ connection: MQTTConnection) {
        // While the log hangs, clients may come and go.
        if waitingForRoom.count > connections.count { waitingForRoom.removeAll(where: \.isClosed) }
        waitingForRoom.append(connection)
    }

    func consult(
        _ frame: PacketFrame,
        of connection: MQTTConnection,
        output: inout ByteWriter
    ) -> SessionEnd? {
        let action = directory.handle(
            frame,
            session: &connection.session,
            now: loop.now,
            output: &output
        )
        writeSessionChanges()
        defer { publishDueWills() }
        switch action {
        case .handled: return nil
        case .close(let end): return end
        case .accepted(let replaced):
            enter(connection)
            let earlier = replaced.flatMap { connections[$0] }
            earlier?.takenOver()
            // What was published before must be stored before what this one will publish. An
            // earlier connection that still waited itself has published nothing.
            let publisher = earlier?.predecessor ?? earlier ?? departed(connection)
            guard let publisher, publisher.unstored > 0 else {
                connection.session.sendConnack(now: loop.now, output: &output)
                return nil
            }
            publisher.successor = connection
            connection.predecessor = publisher
            return nil
        }
    }

    private func enter(_ connection: MQTTConnection) {
        guard let handle = connection.handle else { return }
        connection.take(directory.clientIdentifier(of: handle))
        let index = Int(handle.rawValue)
        while live.count <= index { live.append(nil) }
        live[index] = connection
    }

    /// A session's connection is over. Hearing of it again changes nothing.
    func sessionEnded(_ connection: MQTTConnection, _ end: SessionEnd) {
        directory.ended(connection.session, end, now: loop.now)
        writeSessionChanges()
        if let handle = connection.handle {
            if live[Int(handle.rawValue)] === connection { live[Int(handle.rawValue)] = nil }
            // Its socket may still be busy with the farewell when the client is back.
            if connection.unstored > 0 { departed[handle] = connection }
        }
        publishDueWills()
    }

    /// The last that is heard of a connection's socket.
    func closed(_ connection: MQTTConnection) {
        if connection.unstored == 0 { forget(connection) }
    }

    private func forget(_ connection: MQTTConnection) {
        connections[connection.id] = nil
        guard let handle = connection.handle, departed[handle] === connection else { return }
        departed[handle] = nil
    }

    /// The same client's connection that is closed, and not done with the log.
    private func departed(_ connection: MQTTConnection) -> MQTTConnection? {
        guard let earlier = connection.handle.flatMap({ departed[$0] }),
            earlier.clientIdentifier.elementsEqual(connection.clientIdentifier)
        else { return nil }
        return earlier
    }

    private func publishDueWills() {
        for will in directory.takeDueWills() where !isStopping {
            counters.wills.add()
            will.withPacket { packet in
                let outcome = lane.publish(
                    packet,
                    from: PublishOrigin(),
                    at: loop.wallClock,
                    token: nil
                )
                guard case .accepted(let live) = outcome else {
                    counters.unrouted.add()
                    return
                }
                deliver(packet, from: nil, live)
            }
        }
    }
}

// What the lane tells.
extension MQTTServer {
    /// Tokens of one connection stand together as a rule: one write serves each run of them.
    private func acknowledged(_ tokens: ArraySlice<AckToken>, _ error: CommitLogError?) {
        var rest = tokens
        while let first = rest.first {
            let end = rest.firstIndex { $0.connection != first.connection } ?? rest.endIndex
            if first.connection == SessionJournal.connection {
                for _ in rest.startIndex..<end { settleRecord(error) }
            } else if let connection = connections[first.connection] {
                settle(connection, rest[rest.startIndex..<end], error)
            }
            rest = rest[end...]
        }
    }

    /// The releases in a record of ours are settled as if each had been one.
    private func settleRecord(_ error: CommitLogError?) {
        guard let journal else { return }
        let tokens = journal.settled(error)
        guard !tokens.isEmpty else { return }
        acknowledged(tokens[...], error)
        journal.recycle(tokens)
    }

    private func settle(
        _ connection: MQTTConnection,
        _ tokens: ArraySlice<AckToken>,
        _ error: CommitLogError?
    ) {
        for token in tokens { connection.unstoredBytes -= Int(token.bytes) }
        let hasFailed = error != nil || cannotKeep(connection) && connection.session.hasReceipts
        if hasFailed { connection.storingFailed(tokens) } else { connection.stored(tokens) }
        connection.unstored -= tokens.count
        guard connection.unstored == 0 else { return }
        let successor = connection.successor
        connection.successor = nil
        successor?.connectNow()
        if connection.isClosed { forget(connection) }
    }

    private func roomReturned() {
        let waiting = waitingForRoom
        waitingForRoom.removeAll(keepingCapacity: true)
        for connection in waiting { connection.resumeReading() }
    }
}
