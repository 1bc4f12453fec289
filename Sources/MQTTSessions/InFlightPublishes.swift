/// What is due to a client between its PUBLISH or PUBREL and our answer. Answers leave in the order
/// in which the packets came (4.6), whatever order the partitions finish in. A packet identifier
/// may stand here twice: a QoS 1 retry is stored again, which QoS 1 allows, and acknowledged again.
struct InFlightPublishes {
    /// The answer, and what the receipt learns when it is due.
    enum Answer { case puback, pubrec, pubrecAgain, pubcomp }
    enum Outcome { case pending, stored, failed }

    struct Slot {
        let packetIdentifier: UInt16
        let answer: Answer
        fileprivate(set) var outcome: Outcome
    }

    /// A ring whose size is a power of two; made when first needed.
    private var slots: [Slot] = []
    private var oldest: UInt32 = 0
    private var next: UInt32 = 0

    var count: Int { Int(next &- oldest) }
    var isEmpty: Bool { next == oldest }

    mutating func append(
        _ packetIdentifier: UInt16,
        _ answer: Answer,
        _ outcome: Outcome = .pending
    ) -> PublishTicket {
        if count == slots.count { grow() }
        let ticket = PublishTicket(rawValue: next)
        let slot = Slot(packetIdentifier: packetIdentifier, answer: answer, outcome: outcome)
        slots[index(next)] = slot
        next &+= 1
        return ticket
    }

    /// Notes what became of one, and returns it. Nil, and nothing changed, for one that is settled.
    mutating func settle(_ ticket: PublishTicket, _ outcome: Outcome) -> Slot? {
        guard ticket.rawValue &- oldest < next &- oldest else { return nil }
        let place = index(ticket.rawValue)
        guard slots[place].outcome == .pending else { return nil }
        slots[place].outcome = outcome
        return slots[place]
    }

    /// The tickets in flight up to and with this one.
    func tickets(through ticket: PublishTicket) -> some Sequence<PublishTicket> {
        let count = ticket.rawValue &- oldest < next &- oldest ? ticket.rawValue &- oldest &+ 1 : 0
        return (0..<count).lazy.map { [oldest] in PublishTicket(rawValue: oldest &+ $0) }
    }

    /// Takes off the front what is settled.
    mutating func popSettled() -> Slot? {
        guard oldest != next else { return nil }
        let slot = slots[index(oldest)]
        guard slot.outcome != .pending else { return nil }
        oldest &+= 1
        return slot
    }

    private func index(_ number: UInt32) -> Int {
        Int(number & UInt32(truncatingIfNeeded: slots.count &- 1))
    }

    private mutating func grow() {
        let blank = Slot(packetIdentifier: 0, answer: .puback, outcome: .pending)
        var larger = [Slot](repeating: blank, count: max(8, slots.count * 2))
        for number in 0..<UInt32(count) {
            let mask = UInt32(larger.count - 1)
            larger[Int((oldest &+ number) & mask)] = slots[index(oldest &+ number)]
        }
        slots = larger
    }
}
