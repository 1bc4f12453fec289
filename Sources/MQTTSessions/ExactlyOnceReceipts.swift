import BrokerModel

/// One session's QoS 2 exchanges, by packet identifier: a hash table with open addressing, since a
/// window of 64 should cost a kilobyte and one of 65,535 must work.
///
/// A session hands it from connection to connection, and what is on its way to the disk when a
/// connection ends still reports here. Its memory comes from the sessions' pool.
package final class ExactlyOnceReceipts {
    private static let slotsMin = 16

    /// Empty, or a power of two of which at most half is used.
    private var slots: [ExactlyOnceReceipt?] = []
    /// Exchanges that are not over.
    package private(set) var count = 0
    /// Those that a PUBLISH of the present connection brought or repeated: what counts against its
    /// Receive Maximum (MQTT 5, 4.9).
    private(set) var countOfThisConnection = 0
    private let memory: MemoryPool

    package init(memory: MemoryPool) { self.memory = memory }

    deinit { memory.release(Self.cost(slots.count)) }

    package var isEmpty: Bool { count == 0 }

    /// What to do with a PUBLISH; nil when there is no memory for another exchange.
    func publishReceived(_ identifier: UInt16, isDuplicate: Bool) -> ExactlyOnceReceipt.Arrival? {
        if let index = index(of: identifier), var receipt = slots[index] {
            if !receipt.isOfThisConnection { countOfThisConnection &+= 1 }
            let arrival = receipt.publishReceived(isDuplicate: isDuplicate)
            if !receipt.isOfThisConnection { countOfThisConnection &-= 1 }
            slots[index] = receipt
            return arrival
        }
        guard reserve() else { return nil }
        insert(ExactlyOnceReceipt(identifier))
        countOfThisConnection &+= 1
        return .append
    }

    func numbered(_ identifier: UInt16, _ receipt: UInt64) {
        guard let index = index(of: identifier) else { return }
        slots[index]?.numbered(receipt)
    }

    func stored(_ identifier: UInt16) {
        guard let index = index(of: identifier) else { return }
        slots[index]?.stored()
    }

    /// The message was refused, or the log failed: a repetition is a new message (4.3.3).
    func notStored(_ identifier: UInt16) { remove(identifier) }

    /// Nil when there is no such exchange: it is over already, and our PUBCOMP was lost.
    func releaseReceived(_ identifier: UInt16) -> ExactlyOnceReceipt.Release? {
        guard let index = index(of: identifier) else { return nil }
        return slots[index]?.releaseReceived()
    }

    func released(_ identifier: UInt16) { remove(identifier) }

    func releaseFailed(_ identifier: UInt16) {
        guard let index = index(of: identifier) else { return }
        slots[index]?.releaseFailed()
    }

    /// Another connection has the session now.
    func connectionChanged() {
        for index in slots.indices { slots[index]?.connectionChanged() }
        countOfThisConnection = 0
    }

    /// Takes over what was found after a restart. False when there is no memory for it.
    package func restore(_ identifier: UInt16, receipt: UInt64) -> Bool {
        remove(identifier)
        guard reserve() else { return false }
        insert(ExactlyOnceReceipt(identifier, stored: receipt))
        return true
    }

    /// Stored messages whose release has not come, in no order.
    package func forEachOutstanding(_ body: (UInt16, UInt64) -> Void) {
        for case let receipt? in slots where receipt.isOutstanding {
            body(receipt.packetIdentifier, receipt.receipt)
        }
    }
}

// The table.
extension ExactlyOnceReceipts {
    private static func cost(_ slots: Int) -> ByteCount {
        ByteCount(slots * MemoryLayout<ExactlyOnceReceipt?>.stride)
    }

    private var mask: Int { slots.count &- 1 }

    private func index(of identifier: UInt16) -> Int? {
        guard count > 0 else { return nil }
        var index = Int(identifier) & mask
        while let receipt = slots[index] {
            if receipt.packetIdentifier == identifier { return index }
            index = (index &+ 1) & mask
        }
        return nil
    }

    private func insert(_ receipt: ExactlyOnceReceipt) {
        var index = Int(receipt.packetIdentifier) & mask
        while slots[index] != nil { index = (index &+ 1) & mask }
        slots[index] = receipt
        count &+= 1
    }

    private func remove(_ identifier: UInt16) {
        guard var hole = index(of: identifier) else { return }
        if slots[hole]?.isOfThisConnection == true { countOfThisConnection &-= 1 }
        count &-= 1
        slots[hole] = nil
        // What probed past the hole moves up, so that every search still ends at an empty slot.
        var index = (hole &+ 1) & mask
        while let receipt = slots[index] {
            let home = Int(receipt.packetIdentifier) & mask
            if (index &- home) & mask >= (index &- hole) & mask {
                slots[hole] = receipt
                slots[index] = nil
                hole = index
            }
            index = (index &+ 1) & mask
        }
    }

    /// Makes room for one more; false when the pool has none.
    private func reserve() -> Bool {
        guard 2 &* (count &+ 1) > slots.count else { return true }
        let larger = max(Self.slotsMin, 2 * slots.count)
        guard memory.reserve(Self.cost(larger)) else { return false }
        memory.release(Self.cost(slots.count))
        let previous = slots
        slots = [ExactlyOnceReceipt?](repeating: nil, count: larger)
        count = 0
        for case let receipt? in previous { insert(receipt) }
        return true
    }
}
