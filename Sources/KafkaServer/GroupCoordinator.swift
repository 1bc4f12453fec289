import BrokerModel
import EventLoop
import KafkaSessions
import KafkaWire

/// The coordinator of all consumer groups: it does what `GroupDirectory` decides. Confined to the
/// Kafka loop.
final class GroupCoordinator {
    /// A request of a member that may wait, at the front of its connection's input.
    typealias Waiter = (connection: UInt64, ticket: GroupTicket)

    var directory: GroupDirectory
    let journal: GroupJournal
    /// Called with the answer to a request that was handed over, perhaps before `perform` returns.
    var answered: (UInt64, GroupTicket, GroupAnswer) -> Void = { _, _, _ in }

    private let loop: EventLoop
    /// The connections whose requests wait. One that is gone leaves its request to the group.
    private var connections: [GroupTicket: UInt64] = [:]
    private var lastTicket: UInt64 = 0
    private var timer: (id: TimerID, time: MonotonicTime)?
    private var isPerforming = false

    init(
        loop: EventLoop,
        settings: GroupSettings,
        memory: MemoryPool,
        journal: GroupJournal,
        seed: UInt64
    ) {
        self.loop = loop
        self.journal = journal
        directory = GroupDirectory(settings: settings, memory: memory, seed: seed)
    }

    var now: GroupTime { GroupTime(loop.now, wall: loop.wallClock) }

    // MARK: Requests

    /// Hands over a request that may wait, and does what follows.
    func ask(
        for connection: UInt64,
        _ request: (inout GroupDirectory, GroupTicket) -> Void
    ) -> GroupTicket {
        lastTicket += 1
        let ticket = GroupTicket(lastTicket)
        connections[ticket] = connection
        request(&directory, ticket)
        perform()
        return ticket
    }

    func heartbeat(_ request: HeartbeatRequest) -> KafkaErrorCode {
        defer { perform() }
        return directory.heartbeat(request, now: now)
    }

    /// The connection is gone. Its member stays: it has its session's time to come back.
    func forget(_ ticket: GroupTicket) { connections[ticket] = nil }

    // MARK: Effects

    /// Does what the directory left to be done. Whoever changes the directory calls this after it.
    func perform() {
        guard !isPerforming else { return }
        isPerforming = true
        while true {
            let effects = directory.takeEffects()
            guard !effects.isEmpty else { break }
            for effect in effects { perform(effect) }
        }
        isPerforming = false
        schedule()
    }

    private func perform(_ effect: GroupEffect) {
        switch effect {
        case .answer(let ticket, let answer):
            guard let connection = connections.removeValue(forKey: ticket) else { return }
            answered(connection, ticket, answer)
        case .store(let group, let storing):
            journal.append([.group(group)]) { [weak self] code in
                guard let self else { return }
                directory.stored(storing, code, now: now)
                perform()
            }
        }
    }

    // MARK: Time

    /// One timer for all groups: it may come too early, and then costs a look.
    private func schedule() {
        guard let time = directory.nextDeadline else { return }
        if let timer {
            guard time < timer.time else { return }
            loop.cancel(timer.id)
        }
        let id = loop.schedule(at: time) { [weak self] in
            guard let self else { return }
            timer = nil
            directory.expire(now: now)
            perform()
        }
        timer = (id, time)
    }

    /// Starts the members' sessions that a restore has brought. Called before the loop runs.
    func begin() { perform() }
}
