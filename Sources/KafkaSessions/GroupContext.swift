import BrokerModel
import KafkaWire

/// What comes due for a group.
enum GroupTimer: Hashable, Sendable {
    /// A member, or one that is still to join with the id that it was given.
    case member(group: String, String)
    case join(group: String)
    case sync(group: String)
}

/// What groups have done so far and what they are; readable from any thread.
public final class GroupCounters: Sendable {
    /// Rebalances that ended in an assignment.
    public let rebalances = Counter()
    /// Members taken out because nothing was heard of them.
    public let membersExpired = Counter()
    /// Members who said that they leave.
    public let membersLeft = Counter()
    /// Joins and assignments refused because there are too many groups, or too little memory.
    public let refused = Counter()
    /// Static members that were replaced by a newer process with the same instance id.
    public let fenced = Counter()
    public let members = Gauge()
    private let states = GroupState.allCases.map { (state: $0, gauge: Gauge()) }

    public init() {}

    public func groups(in state: GroupState) -> Gauge {
        states.first { $0.state == state }?.gauge ?? Gauge()
    }
}

/// What all groups share: settings, times, memory, and what has to be done.
struct GroupContext {
    let settings: GroupSettings
    let memory: MemoryPool
    let counters = GroupCounters()
    var now = GroupTime(MonotonicTime(nanoseconds: 0), wall: .none)
    var effects: [GroupEffect] = []
    private(set) var events: [GroupEvent] = []
    var deadlines = DeadlineQueue<GroupTimer>()
    var memberIDs: MemberIDs
    private var lastMemberNumber: UInt64 = 0
    private var memberCount = 0
    private var stateCounts: [GroupState: Int] = [:]

    init(settings: GroupSettings, memory: MemoryPool, seed: UInt64) {
        self.settings = settings
        self.memory = memory
        memberIDs = MemberIDs(seed: seed)
    }

    // MARK: Answers

    mutating func answer(_ ticket: GroupTicket, _ answer: GroupAnswer) {
        effects.append(.answer(ticket, answer))
    }

    mutating func store(_ group: GroupSnapshot, then storing: GroupStoring = .nothing) {
        effects.append(.store(group, storing))
    }

    /// Answers once the last that was stored since there were `mark` effects is durable; at once
    /// when nothing was.
    mutating func answer(_ ticket: GroupTicket, _ answer: GroupAnswer, onceStoredSince mark: Int) {
        for index in effects.indices.reversed() where index >= mark {
            guard case .store(let group, .nothing) = effects[index] else { continue }
            effects[index] = .store(group, .answer(ticket, answer))
            return
        }
        effects.append(.answer(ticket, answer))
    }

    // MARK: Events

    mutating func note(_ kind: GroupEvent.Kind, of groupID: String) {
        guard events.count < KafkaSessionsLimits.eventsMax else { return }
        events.append(GroupEvent(groupID: quoted(groupID), kind: kind))
    }

    func quoted(_ text: String) -> String {
        String(text.prefix(KafkaSessionsLimits.quotedLengthMax))
    }

    mutating func takeEvents() -> [GroupEvent] {
        guard !events.isEmpty else { return [] }
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    // MARK: Times

    mutating func schedule(_ timer: GroupTimer, after delay: Duration) {
        deadlines.set(timer, to: now.monotonic + max(.zero, delay))
    }

    // MARK: Memory

    /// What the members of one group may take, so that one group leaves room to the others.
    var groupBytesMax: Int {
        min(KafkaSessionsLimits.groupBytesMax, memory.capacity.rawValue / 2)
    }

    /// Whether so much more fits. The groups' owner alone takes from the pool.
    func hasRoom(for bytes: Int) -> Bool {
        guard bytes > 0 else { return true }
        guard memory.reserve(ByteCount(bytes)) else { return false }
        memory.release(ByteCount(bytes))
        return true
    }

    func resize(from old: Int, to new: Int) {
        if new > old {
            memory.overdraw(ByteCount(new - old))
        } else {
            memory.release(ByteCount(old - new))
        }
    }

    // MARK: Counting

    mutating func nextMemberNumber() -> UInt64 {
        lastMemberNumber += 1
        return lastMemberNumber
    }

    mutating func countMembers(_ change: Int) {
        memberCount += change
        counters.members.set(memberCount)
    }

    mutating func countState(from old: GroupState?, to new: GroupState?) {
        if let old { setCount(of: old, to: stateCounts[old, default: 0] - 1) }
        if let new { setCount(of: new, to: stateCounts[new, default: 0] + 1) }
    }

    private mutating func setCount(of state: GroupState, to count: Int) {
        stateCounts[state] = count
        counters.groups(in: state).set(count)
    }
}
