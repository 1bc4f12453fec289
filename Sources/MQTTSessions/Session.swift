import BrokerModel
import MQTTWire

/// The machine of one client connection: packets in, replies and one action out.
///
/// Its owner calls `receive` until the action says otherwise, `appended` when publishes are stored,
/// `deadlinePassed` when `deadline` is reached, and tells the directory of the end.
public struct Session: ~Copyable {
    private enum Phase {
        case awaitingConnect
        /// CONNECT is accepted; CONNACK waits for `sendConnack`.
        case accepting
        case connected
        case ended(SessionEnd)
    }

    public let connection: UInt64
    public private(set) var version = ProtocolVersion.v311
    /// Nil until the directory accepted the CONNECT.
    public private(set) var handle: SessionHandle?
    /// Seconds that the session outlives its connection, as the client last asked (3.1.2.11.2).
    package private(set) var expiryInterval: UInt32 = 0
    let limits: SessionLimits
    private var phase = Phase.awaitingConnect
    private var connack: ConnackPacket?
    /// How long silence may last, in nanoseconds: 1.5 times the keep alive (3.1.2.10). Nil: for
    /// ever.
    private var silenceMax: Int64?
    private var silenceEnds: MonotonicTime?
    /// The largest packet the client takes (3.1.2.11.4).
    private(set) var clientPacketBytesMax = Int.max
    /// How many deliveries at QoS 1 the client takes unacknowledged (3.1.2.11.3).
    var receiveMaximum = UInt32.max
    /// What the client gets at QoS 1; nil until it subscribes to something so.
    public internal(set) var deliveries: Deliveries?
    var inFlight = InFlightPublishes()
    /// QoS 1 publishes among those in flight.
    var unacknowledged = 0
    /// The session's own; a connection without a session has an empty one.
    var receipts: ExactlyOnceReceipts
    private var aliases: TopicAliases

    public init(
        connection: UInt64,
        limits: SessionLimits,
        memory: MemoryPool,
        now: MonotonicTime
    ) {
        self.connection = connection
        self.limits = limits
        aliases = TopicAliases(memory: memory)
        receipts = ExactlyOnceReceipts(memory: memory)
        silenceEnds = now + limits.connectTimeout
    }

    /// False while the next packet has to wait: for CONNACK, or for room in flight.
    public var mayRead: Bool {
        switch phase {
        case .awaitingConnect: true
        case .accepting, .ended: false
        case .connected: inFlight.count < answersMax
        }
    }

    /// MQTT 5 has its Receive Maximum for new publishes; repetitions of one that is stored do not
    /// count there, and each wants an answer behind those that wait for the disk.
    private var answersMax: Int {
        let most = Int(limits.inFlightMax)
        return version == .v5 ? 2 &* most : most
    }

    public var isConnected: Bool {
        switch phase {
        case .connected: true
        case .awaitingConnect, .accepting, .ended: false
        }
    }

    public var inFlightCount: Int { inFlight.count }

    /// When `deadlinePassed` is due, if nothing is received before. Nil while we do not read.
    public var deadline: MonotonicTime? { mayRead ? silenceEnds : nil }

    /// Takes one packet off the front of the reader.
    public mutating func receive(
        from reader: inout ByteReader,
        now: MonotonicTime,
        output: inout ByteWriter
    ) -> SessionAction {
        guard mayRead else {
            if case .ended(let end) = phase { return .close(end) }
            return .pause
        }
        do {
            switch try reader.readPacket(sizeMax: limits.packetBytesMax) {
            case .incomplete(let bytesNeeded): return .needBytes(bytesNeeded)
            case .packet(let frame): return try received(frame, now: now, output: &output)
            }
        } catch {
            return .close(fail(error, output: &output))
        }
    }

    @inline(__always)
    private mutating func received(
        _ frame: PacketFrame,
        now: MonotonicTime,
        output: inout ByteWriter
    ) throws(MQTTWireError) -> SessionAction {
        guard isConnected else {
            // Anything before CONNECT ends the connection, without a word (3.1.0-1).
            guard frame.type == .connect else { return refuse(.protocolError, output: &output) }
            return .consultDirectory(frame)
        }
        heard(now: now)
        switch frame.type {
        case .publish: return try publishReceived(frame, output: &output)
        case .subscribe, .unsubscribe: return .consultDirectory(frame)
        case .pingreq:
            try frame.requireEmptyBody()
            output.writeEmptyPacket(.pingresp)
            return .handled
        case .disconnect: return try disconnectReceived(frame, output: &output)
        case .puback: return try pubackReceived(frame)
        case .pubrel: return try releaseReceived(frame, output: &output)
        case .pubrec, .pubcomp: return try replyReceived(frame, output: &output)
        case .auth where version == .v311: throw .reservedPacketType
        // A second CONNECT, an AUTH without a method agreed (4.12), and what only servers send.
        case .connect, .auth, .connack, .suback, .unsuback, .pingresp:
            return refuse(.protocolError, output: &output)
        }
    }

    @inline(__always)
    private mutating func publishReceived(
        _ frame: PacketFrame,
        output: inout ByteWriter
    ) throws(MQTTWireError) -> SessionAction {
        var packet = try PublishPacket(frame, version: version)
        if version == .v5 {
            if packet.isRetained { return refuse(.retainNotSupported, output: &output) }
            if let reason = applyProperties(to: &packet) { return refuse(reason, output: &output) }
        }
        switch packet.qos {
        case .atMostOnce: return .publish(packet, nil)
        case .atLeastOnce:
            guard isWithinReceiveMaximum else {
                return refuse(.receiveMaximumExceeded, output: &output)
            }
            unacknowledged &+= 1
            return .publish(packet, inFlight.append(packet.packetIdentifier, .puback))
        case .exactlyOnce: return exactlyOnceReceived(packet, output: &output)
        }
    }

    /// Resolves the topic alias (3.3.2.3.4). Returns why the packet must be refused.
    private mutating func applyProperties(to packet: inout PublishPacket) -> ReasonCode? {
        guard !packet.properties.isEmpty else { return nil }
        // Only servers tell subscription identifiers (3.3.4-6).
        if packet.properties.has(.subscriptionIdentifier) { return .protocolError }
        guard let number = packet.properties.integer(.topicAlias) else { return nil }
        let alias = UInt16(truncatingIfNeeded: number)
        guard alias <= limits.topicAliasMax else { return .topicAliasInvalid }
        guard packet.topic.isEmpty else {
            return aliases.set(alias, to: packet.topic) ? nil : .quotaExceeded
        }
        // 3.3.2.3.4 asks for a protocol error when the alias was never set.
        guard let topic = aliases.topic(alias) else { return .protocolError }
        packet.topic = topic
        return nil
    }

    private mutating func disconnectReceived(
        _ frame: PacketFrame,
        output: inout ByteWriter
    ) throws(MQTTWireError) -> SessionAction {
        let packet = try DisconnectPacket(frame, version: version)
        if let wished = packet.properties.integer(.sessionExpiryInterval) {
            // A session that was to end with its connection cannot be kept after all (3.14.2.2.2).
            guard expiryInterval > 0 || wished == 0 else {
                return refuse(.protocolError, output: &output)
            }
            expiryInterval = min(wished, limits.sessionExpiryMax)
        }
        let end = SessionEnd.clientDisconnected(packet.reasonCode)
        phase = .ended(end)
        return .close(end)
    }

    /// We send no QoS 2, so no identifier here can be known: left over from a session with
    /// another broker. The exchange is answered, so that the client can end it.
    private mutating func replyReceived(
        _ frame: PacketFrame,
        output: inout ByteWriter
    ) throws(MQTTWireError) -> SessionAction {
        let packet = try PublishReply(frame, version: version)
        guard packet.type == .pubrec, !packet.reasonCode.isFailure else { return .handled }
        let reply = PublishReply(
            .pubrel,
            packetIdentifier: packet.packetIdentifier,
            reasonCode: .packetIdentifierNotFound
        )
        write(to: &output) { output, version in reply.write(to: &output, version: version) }
        return .handled
    }
}

// What the owner tells the session.
extension Session {
    /// A publish or a release is stored: every answer that is now due, in order, goes to the
    /// output. Once the connection is over nothing is written, but the receipts still learn of it.
    public mutating func appended(
        _ ticket: PublishTicket,
        now: MonotonicTime,
        output: inout ByteWriter
    ) {
        settle(ticket, .stored)
        answerSettled(now: now, output: &output)
    }

    /// All publishes up to and with this one are stored.
    public mutating func appended(
        through ticket: PublishTicket,
        now: MonotonicTime,
        output: inout ByteWriter
    ) {
        for ticket in inFlight.tickets(through: ticket) { settle(ticket, .stored) }
        answerSettled(now: now, output: &output)
    }

    private mutating func answerSettled(now: MonotonicTime, output: inout ByteWriter) {
        let couldRead = mayRead
        answerInOrder(output: &output)
        if isConnected, !couldRead { heard(now: now) }
    }

    /// Nothing was read for a reason of ours: the client's silence counts anew.
    public mutating func readingResumed(now: MonotonicTime) { heard(now: now) }

    /// Ends the connection if `deadline` has passed. Nil if it has not.
    public mutating func deadlinePassed(
        now: MonotonicTime,
        output: inout ByteWriter
    ) -> SessionEnd? {
        guard let deadline, deadline <= now else { return nil }
        guard isConnected else { return end(.connectTimeout, reason: nil, output: &output) }
        return end(.keepAliveTimeout, reason: .keepAliveTimeout, output: &output)
    }

    /// Another connection has taken the client identifier over (3.1.4).
    public mutating func takenOver(output: inout ByteWriter) -> SessionEnd {
        end(.takenOver, reason: .sessionTakenOver, output: &output)
    }

    public mutating func serverShuttingDown(output: inout ByteWriter) -> SessionEnd {
        end(.serverShuttingDown, reason: .serverShuttingDown, output: &output)
    }

    /// The owner refuses the client: a message cannot be stored, a quota is used up.
    public mutating func refuseClient(
        _ reason: ReasonCode,
        output: inout ByteWriter
    ) -> SessionEnd {
        end(.refused(reason), reason: reason, output: &output)
    }

    /// The socket is gone. Returns the reason of the end, which may be an earlier one.
    public mutating func connectionLost() -> SessionEnd {
        if case .ended(let end) = phase { return end }
        phase = .ended(.connectionLost)
        return .connectionLost
    }

    /// Sends the CONNACK that the directory prepared.
    public mutating func sendConnack(now: MonotonicTime, output: inout ByteWriter) {
        guard case .accepting = phase, let connack else { return }
        self.connack = nil
        phase = .connected
        write(to: &output) { output, version in connack.write(to: &output, version: version) }
        heard(now: now)
    }

    @inline(__always)
    private mutating func heard(now: MonotonicTime) {
        silenceEnds = silenceMax.map { MonotonicTime(nanoseconds: now.rawValue &+ $0) }
    }
}

// What the directory tells the session, and the ends.
extension Session {
    mutating func learned(_ version: ProtocolVersion) { self.version = version }

    mutating func accept(_ packet: ConnectPacket, as handle: SessionHandle, connack: ConnackPacket)
    {
        self.handle = handle
        self.connack = connack
        phase = .accepting
        let wished = packet.version == .v311 ? UInt32.max : 0
        expiryInterval = min(
            packet.properties.integer(.sessionExpiryInterval)
                ?? (packet.isCleanStart ? 0 : wished),
            limits.sessionExpiryMax
        )
        clientPacketBytesMax = packet.properties.integer(.maximumPacketSize).map { Int($0) } ?? .max
        let keepAlive = connack.properties.integer(.serverKeepAlive) ?? UInt32(packet.keepAlive)
        silenceMax = keepAlive == 0 ? nil : 1_500_000_000 * Int64(keepAlive)
    }

    /// Refuses a CONNECT, with a CONNACK if the client's version has a code for the reason.
    mutating func refuseConnect(
        _ reason: ReasonCode,
        output: inout ByteWriter
    ) -> SessionEnd {
        ConnackPacket(reasonCode: reason).write(to: &output, version: version)
        return end(.refused(reason), reason: nil, output: &output)
    }

    /// Ends the connection over bytes that are not MQTT.
    mutating func fail(_ error: MQTTWireError, output: inout ByteWriter) -> SessionEnd {
        end(.malformed(error), reason: error.reasonCode, output: &output)
    }

    /// Writes a reply that the client may find too large; then it is left out (3.1.2.11.4).
    func write(
        to output: inout ByteWriter,
        _ body: (inout ByteWriter, ProtocolVersion) -> Void
    ) {
        let start = output.count
        body(&output, version)
        if output.count - start > clientPacketBytesMax { output.truncate(to: start) }
    }

    /// Writes a message for this client. False if it must not or cannot have it.
    func forward(
        _ packet: PublishPacket,
        subscriptionIdentifiers: [UInt32],
        encoder: inout PublishEncoder,
        output: inout ByteWriter
    ) -> Bool {
        guard isConnected else { return false }
        return encoder.write(
            packet,
            version: version,
            subscriptionIdentifiers: subscriptionIdentifiers,
            sizeMax: clientPacketBytesMax,
            to: &output
        )
    }

    mutating func refuse(
        _ reason: ReasonCode,
        output: inout ByteWriter
    ) -> SessionAction {
        .close(end(.refused(reason), reason: reason, output: &output))
    }

    private mutating func end(
        _ end: SessionEnd,
        reason: ReasonCode?,
        output: inout ByteWriter
    ) -> SessionEnd {
        if case .ended(let earlier) = phase { return earlier }
        // 3.1.1 servers close without a word; MQTT 5's may speak once CONNACK has gone (4.13.1).
        if let reason, version == .v5, isConnected {
            write(to: &output) { output, version in
                DisconnectPacket(reason).write(to: &output, version: version)
            }
        }
        phase = .ended(end)
        return end
    }
}
