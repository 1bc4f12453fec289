import BrokerModel
import MQTTWire

/// Every session of the server, by client identifier, with the subscriptions of all.
///
/// Wills that are due collect here: take them with `takeDueWills` after `handle`, `ended`
/// and `sweep`, and call `sweep` about once a second.
package struct SessionDirectory: ~Copyable {
    package enum Action: Equatable {
        /// The reply is in the output: go on.
        case handled
        /// CONNECT is accepted: call `sendConnack`. If another connection was replaced, first call
        /// its `takenOver`, close it, and wait until what it published is stored.
        case accepted(replacing: UInt64?)
        /// The refusal, if there is one, is in the output: flush and close.
        case close(SessionEnd)
    }

    package internal(set) var subscriptions: SubscriptionTree
    let limits: SessionLimits
    let memory: MemoryPool
    /// The messages that wait for their subscribers.
    let messages: MessageStore
    private(set) var handles: [Text: SessionHandle] = [:]
    var sessions: [StoredSession?] = []
    private var freeHandles: [SessionHandle] = []
    private var dueWills: [Will] = []
    private var assignedIdentifiers: AssignedIdentifiers
    var lastReceipt: UInt64 = 0
    var changes: [SessionChange] = []

    /// `memory` bounds what clients make us keep, `deliveries` what waits for subscribers. The seed
    /// should be random: it hides hash collisions and assigned client identifiers.
    package init(
        limits: SessionLimits,
        memory: MemoryPool,
        deliveries: MemoryPool,
        seed: UInt64
    ) {
        self.limits = limits
        self.memory = memory
        messages = MessageStore(pool: deliveries)
        subscriptions = SubscriptionTree(seed: seed)
        assignedIdentifiers = AssignedIdentifiers(seed: seed)
    }

    /// Sessions kept, of connected clients and of those that are away.
    package var count: Int { handles.count }

    package func clientIdentifier(of handle: SessionHandle) -> Text {
        sessions[handle.index]?.clientIdentifier ?? ""
    }

    /// Answers a packet that a session said needs the directory.
    package mutating func handle(
        _ frame: PacketFrame,
        session: inout Session,
        now: MonotonicTime,
        output: inout ByteWriter
    ) -> Action {
        do {
            switch frame.type {
            case .connect: return connect(frame, session: &session, now: now, output: &output)
            case .subscribe:
                let packet = try SubscribePacket(frame, version: session.version)
                return subscribe(packet, session: &session, output: &output)
            case .unsubscribe:
                let packet = try UnsubscribePacket(frame, version: session.version)
                return unsubscribe(packet, session: &session, output: &output)
            case .connack, .publish, .puback, .pubrec, .pubrel, .pubcomp, .suback, .unsuback,
                .pingreq, .pingresp, .disconnect, .auth:
                preconditionFailure("a session deals with its own packets")
            }
        } catch {
            return .close(session.fail(error, output: &output))
        }
    }

    /// Notes that a connection is over. One that was taken over changes nothing any more.
    package mutating func ended(
        _ session: borrowing Session,
        _ end: SessionEnd,
        now: MonotonicTime
    ) {
        guard let handle = session.handle, let index = liveIndex(of: session) else { return }
        sessions[index]?.connection = nil
        let expiry = session.expiryInterval
        sessions[index]?.expiryInterval = expiry
        if !end.publishesWill { dropWill(at: index) }
        guard expiry > 0 else { return remove(handle) }
        sessions[index]?.deliveries?.rest()
        sessions[index]?.expiresAt = expiry == .max ? nil : now + .seconds(Int64(expiry))
        noteChange(of: handle)
        guard let will = sessions[index]?.will else { return }
        if will.delay == 0 { return publishWill(at: index) }
        sessions[index]?.willDueAt = now + .seconds(Int64(will.delay))
    }

    /// Forgets sessions whose time is over, and finds delayed wills that are due.
    package mutating func sweep(now: MonotonicTime) {
        for (index, session) in sessions.enumerated() {
            guard let session, session.connection == nil else { continue }
            if session.isExpired(at: now) {
                remove(SessionHandle(rawValue: UInt32(index)))
            } else if let due = session.willDueAt, due <= now {
                publishWill(at: index)
            }
        }
    }

    /// What all sessions together wait for. Looks at every session.
    package var load: SessionLoad {
        var load = SessionLoad()
        for case let session? in sessions {
            load.receipts += session.receipts.count
            guard let deliveries = session.deliveries else { continue }
            load.unacknowledged += deliveries.unacknowledgedCount
            load.queued += deliveries.count - deliveries.unacknowledgedCount
        }
        return load
    }

    /// When `sweep` next has something to do. Looks at every session.
    package var nextDeadline: MonotonicTime? {
        sessions.compactMap { session in
            [session?.expiresAt, session?.willDueAt].compactMap { $0 }.min()
        }.min()
    }

    package mutating func takeDueWills() -> [Will] {
        defer { dueWills.removeAll() }
        return dueWills
    }
}

// CONNECT.
extension SessionDirectory {
    private mutating func connect(
        _ frame: PacketFrame,
        session: inout Session,
        now: MonotonicTime,
        output: inout ByteWriter
    ) -> Action {
        let packet: ConnectPacket
        do {
            session.learned(try ConnectPacket.version(of: frame))
            packet = try ConnectPacket(frame)
        } catch {
            return .close(refuse(error, session: &session, output: &output))
        }
        if let reason = ConnectRules.refusal(of: packet, limits: limits) {
            return .close(session.refuseConnect(reason, output: &output))
        }
        let isAssigned = packet.clientIdentifier.isEmpty
        let identifier = isAssigned ? assignIdentifier() : packet.clientIdentifier
        let isKnown = handles[identifier] != nil
        guard let handle = reserve(identifier, will: packet.will, now: now) else {
            return .close(session.refuseConnect(.quotaExceeded, output: &output))
        }
        let replaced = sessions[handle.index]?.connection
        let isPresent = isKnown && resume(handle, isCleanStart: packet.isCleanStart, now: now)
        sessions[handle.index]?.connection = session.connection
        sessions[handle.index]?.will = packet.will
        let properties = ConnectRules.connackProperties(
            for: packet,
            assigned: isAssigned ? identifier : nil,
            limits: limits
        )
        let connack = ConnackPacket(isSessionPresent: isPresent, properties: properties)
        session.accept(packet, as: handle, connack: connack)
        session.begin(sessions[handle.index]?.deliveries, packet)
        if let receipts = sessions[handle.index]?.receipts { session.take(receipts) }
        sessions[handle.index]?.expiryInterval = session.expiryInterval
        sessions[handle.index]?.version = packet.version
        noteChange(of: handle)
        return .accepted(replacing: replaced)
    }

    private mutating func assignIdentifier() -> Text {
        var identifier = assignedIdentifiers.next()
        while handles[identifier] != nil { identifier = assignedIdentifiers.next() }
        return identifier
    }

    /// A CONNECT that cannot be read. 3.1.1 has an answer for a wrong version only; MQTT 5 for all.
    private func refuse(
        _ error: MQTTWireError,
        session: inout Session,
        output: inout ByteWriter
    ) -> SessionEnd {
        if case .unsupportedProtocolLevel(let level) = error {
            // Later versions will know MQTT 5's answer; 3.1, and bridges that set the high bit on
            // their first try, know 3.1.1's.
            let isLater = level > ProtocolVersion.v5.rawValue && level < 0x80
            session.learned(isLater ? .v5 : .v311)
            ConnackPacket(reasonCode: error.reasonCode).write(
                to: &output,
                version: session.version
            )
        } else if error != .notMQTT, session.version == .v5 {
            ConnackPacket(reasonCode: error.reasonCode).write(to: &output, version: .v5)
        }
        return session.fail(error, output: &output)
    }

    /// Makes room for the client and its will, in number and memory. Nil if there is none.
    private mutating func reserve(
        _ identifier: Text,
        will: Will?,
        now: MonotonicTime
    ) -> SessionHandle? {
        let willCost = StateCost.will(will)
        if let handle = handles[identifier] {
            return memory.reserve(willCost) ? handle : nil
        }
        if handles.count >= limits.sessionsMax { sweep(now: now) }
        guard handles.count < limits.sessionsMax else { return nil }
        guard memory.reserve(willCost + StateCost.session(identifier)) else { return nil }
        let receipts = ExactlyOnceReceipts(memory: memory)
        return insert(
            StoredSession(
                clientIdentifier: identifier,
                receipts: receipts,
                firstReceipt: lastReceipt + 1
            )
        )
    }

    /// Ends the client's earlier connection, and its session too if that is over. True if there is
    /// a session to resume (3.1.2.4). The memory of the new will is reserved already.
    private mutating func resume(
        _ handle: SessionHandle,
        isCleanStart: Bool,
        now: MonotonicTime
    ) -> Bool {
        guard let stored = sessions[handle.index] else { return false }
        let endsWithConnection = stored.connection != nil && stored.expiryInterval == 0
        let isOver = isCleanStart || endsWithConnection || stored.isExpired(at: now)
        if let will = stored.will {
            // A delayed will is cancelled by coming back in time (3.1.3.2.2).
            let isDue = stored.willDueAt.map { $0 <= now } ?? (will.delay == 0)
            if isOver || isDue { publishWill(at: handle.index) }
        }
        dropWill(at: handle.index)
        sessions[handle.index]?.expiresAt = nil
        if isOver {
            unsubscribeAll(handle)
            dropDeliveries(at: handle.index)
            sessions[handle.index]?.receipts = ExactlyOnceReceipts(memory: memory)
            sessions[handle.index]?.firstReceipt = lastReceipt + 1
        }
        return !isOver
    }
}

// The table of sessions.
extension SessionDirectory {
    /// The place of the session that the connection holds; nil if another one holds it now.
    func liveIndex(of session: borrowing Session) -> Int? {
        guard let handle = session.handle,
            sessions[handle.index]?.connection == session.connection
        else { return nil }
        return handle.index
    }

    mutating func insert(_ stored: StoredSession) -> SessionHandle {
        let handle: SessionHandle
        if let free = freeHandles.popLast() {
            handle = free
            sessions[handle.index] = stored
        } else {
            handle = SessionHandle(rawValue: UInt32(sessions.count))
            sessions.append(stored)
        }
        handles[stored.clientIdentifier] = handle
        return handle
    }

    /// Ends a session. Its will, if it still has one, is due (3.1.2.5).
    mutating func remove(_ handle: SessionHandle) {
        publishWill(at: handle.index)
        unsubscribeAll(handle)
        dropDeliveries(at: handle.index)
        guard let stored = sessions[handle.index] else { return }
        if stored.isKept { changes.append(.ended(stored.clientIdentifier)) }
        memory.release(StateCost.session(stored.clientIdentifier))
        handles[stored.clientIdentifier] = nil
        sessions[handle.index] = nil
        freeHandles.append(handle)
    }

    private mutating func unsubscribeAll(_ handle: SessionHandle) {
        for text in sessions[handle.index]?.subscriptions.keys.map(\.self) ?? [] {
            guard let filter = TopicFilter(text) else { continue }
            removeSubscription(handle, filter)
        }
        sessions[handle.index]?.subscriptions = [:]
    }

    private mutating func publishWill(at index: Int) {
        guard let will = sessions[index]?.will else { return }
        dueWills.append(will)
        dropWill(at: index)
    }

    private mutating func dropWill(at index: Int) {
        memory.release(StateCost.will(sessions[index]?.will))
        sessions[index]?.will = nil
        sessions[index]?.willDueAt = nil
    }
}

extension SessionHandle {
    var index: Int { Int(rawValue) }
}
