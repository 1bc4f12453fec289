import BrokerModel
import MQTTWire

/// A session of which `__mqtt_sessions` must hear.
package enum SessionChange: Equatable, Sendable {
    /// It outlives its connection, and is other than before, or new.
    case kept(SessionHandle, isNew: Bool)
    case ended(Text)
}

// Sessions that survive the broker: what to write down, and how they come back.
extension SessionDirectory {
    package var hasChanges: Bool { !changes.isEmpty }

    /// What is to be written down since the last call.
    package mutating func takeChanges() -> [SessionChange] {
        defer { changes.removeAll(keepingCapacity: true) }
        return changes
    }

    /// A number that no other receipt of this broker has, or will have.
    package mutating func takeReceiptNumber() -> UInt64 {
        lastReceipt &+= 1
        return lastReceipt
    }

    /// The last number taken.
    package var lastReceiptNumber: UInt64 { lastReceipt }

    /// The session as it is to be written down; nil when it ends with its connection.
    package func kept(
        _ handle: SessionHandle,
        now: MonotonicTime,
        wallClock: Timestamp
    ) -> KeptSession? {
        guard let stored = sessions[handle.index], stored.isKept else { return nil }
        return KeptSession(
            clientIdentifier: stored.clientIdentifier,
            version: stored.version,
            expiryInterval: stored.expiryInterval,
            expiresAt: stored.expiresAt.map {
                Timestamp(rawValue: wallClock.rawValue + ($0 - now).wholeMilliseconds)
            },
            firstReceipt: stored.firstReceipt,
            subscriptions: stored.subscriptions.values.map(\.self)
        )
    }

    /// Every session that is to be written down, for a snapshot of all.
    package func forEachKept(_ body: (SessionHandle) -> Void) {
        for (index, stored) in sessions.enumerated() where stored?.isKept == true {
            body(SessionHandle(rawValue: UInt32(index)))
        }
    }

    /// The stored messages of a kept session whose release has not come.
    package func outstandingReceipts(of handle: SessionHandle) -> [OutstandingReceipt] {
        var outstanding: [OutstandingReceipt] = []
        sessions[handle.index]?.receipts.forEachOutstanding { identifier, receipt in
            outstanding.append(
                OutstandingReceipt(packetIdentifier: identifier, receipt: receipt)
            )
        }
        return outstanding
    }

    /// Takes over what was found at the start, before any client comes. Returns how many sessions
    /// found no room.
    package mutating func restore(
        _ recovery: SessionRecovery,
        now: MonotonicTime,
        wallClock: Timestamp
    ) -> Int {
        lastReceipt = max(lastReceipt, recovery.lastReceipt)
        var refused = 0
        for found in recovery.sessions.values {
            let restored = restore(found, now: now, wallClock: wallClock)
            if restored == .noRoom { refused += 1 }
            if restored != .restored { changes.append(.ended(found.session.clientIdentifier)) }
        }
        return refused
    }

    private enum Restoring { case restored, expired, noRoom }

    private mutating func restore(
        _ found: SessionRecovery.Found,
        now: MonotonicTime,
        wallClock: Timestamp
    ) -> Restoring {
        let session = found.session
        let left = session.secondsLeft(at: wallClock)
        guard left > 0 else { return .expired }
        let identifier = session.clientIdentifier
        guard handles.count < limits.sessionsMax, memory.reserve(StateCost.session(identifier))
        else { return .noRoom }
        let handle = insert(
            StoredSession(
                clientIdentifier: identifier,
                expiryInterval: session.expiryInterval,
                expiresAt: session.expiryInterval == .max ? nil : now + .seconds(left),
                receipts: ExactlyOnceReceipts(memory: memory),
                firstReceipt: session.firstReceipt,
                version: session.version,
                isKept: true,
                keptReceipt: session.firstReceipt
            )
        )
        for subscription in session.subscriptions {
            guard let filter = TopicFilter(subscription.filter) else { continue }
            _ = subscribe(handle, subscription, to: filter)
        }
        for (identifier, receipt) in found.receipts {
            guard sessions[handle.index]?.receipts.restore(identifier, receipt: receipt) == true
            else {
                sessions[handle.index]?.isKept = false
                remove(handle)
                return .noRoom
            }
        }
        return .restored
    }

    mutating func noteChange(of handle: SessionHandle) {
        guard let stored = sessions[handle.index] else { return }
        if stored.expiryInterval > 0 {
            let isNew = !stored.isKept || stored.keptReceipt != stored.firstReceipt
            sessions[handle.index]?.isKept = true
            sessions[handle.index]?.keptReceipt = stored.firstReceipt
            if case .kept(handle, let wasNew)? = changes.last {
                changes[changes.count - 1] = .kept(handle, isNew: isNew || wasNew)
            } else {
                changes.append(.kept(handle, isNew: isNew))
            }
        } else if stored.isKept {
            // It ends with its connection now, however that ends.
            sessions[handle.index]?.isKept = false
            changes.append(.ended(stored.clientIdentifier))
        }
    }
}

extension KeptSession {
    /// Never more than the client asked for: a clock that stood in the past when the session was
    /// written, or stands there now, must not lengthen it.
    func secondsLeft(at wallClock: Timestamp) -> Int64 {
        guard let expiresAt else { return Int64(expiryInterval) }
        let left = (expiresAt.rawValue - wallClock.rawValue + 999) / 1_000
        return min(left, Int64(expiryInterval))
    }
}
