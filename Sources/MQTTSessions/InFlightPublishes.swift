/// QoS 1 publishes between their arrival and their PUBACK. PUBACKs leave in the order in which the
/// publishes came (4.6), whatever order the partitions finish in. A packet identifier may stand
/// here twice: a retry is stored again, which QoS 1 allows, and acknowledged again.
struct InFlightPublishes {
    /// A ring whose size is a power of two; made when first needed.
    private var slots: [Slot] = []
    private var oldest: UInt32 = 0
    private var next: UInt32 = 0

    private struct Slot {
        var packetIdentifier: UInt16
        var isStored: Bool
    }

    var count: Int { Int(next &- oldest) }
    var isEmpty: Bool { next == oldest }

    mutating func append(_ packetIdentifier: UInt16) -> PublishTicket {
        if count == slots.count { grow() }
        let ticket = PublishTicket(rawValue: next)
        slots[index(next)] = Slot(packetIdentifier: packetIdentifier, isStored: false)
        next &+= 1
        return ticket
    }

    /// Marks one publish stored. A ticket that is not in flight changes nothing.
    mutating func markStored(_ ticket: PublishTicket) {
        guard ticket.rawValue &- oldest < next &- oldest else { return }
        slots[index(ticket.rawValue)].isStored = true
    }

    /// Marks every publish up to and with the ticket stored.
    mutating func markStored(through ticket: PublishTicket) {
        guard ticket.rawValue &- oldest < next &- oldest else { return }
        for number in 0...(ticket.rawValue &- oldest) {
            slots[index(oldest &+ number)].isStored = true
        }
    }

    /// The packet identifier whose PUBACK is due next, if one is.
    mutating func popStored() -> UInt16? {
        guard oldest != next else { return nil }
        let slot = slots[index(oldest)]
        guard slot.isStored else { return nil }
        oldest &+= 1
        return slot.packetIdentifier
    }

    private func index(_ number: UInt32) -> Int {
        Int(number & UInt32(truncatingIfNeeded: slots.count &- 1))
    }

    private mutating func grow() {
        let blank = Slot(packetIdentifier: 0, isStored: false)
        var larger = [Slot](repeating: blank, count: max(8, slots.count * 2))
        for number in 0..<UInt32(count) {
            let mask = UInt32(larger.count - 1)
            larger[Int((oldest &+ number) & mask)] = slots[index(oldest &+ number)]
        }
        slots = larger
    }
}
