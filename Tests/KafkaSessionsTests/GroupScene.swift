import BrokerModel
import KafkaSessions
import KafkaWire
import Testing

/// A directory of groups with a clock and a log of its own.
final class GroupScene {
    var directory: GroupDirectory
    let memory: MemoryPool
    var now = GroupTime(MonotonicTime(nanoseconds: 0), wall: Timestamp(milliseconds: 1_000_000))
    /// What the log answers; nil while it has not answered.
    var log: KafkaErrorCode? = KafkaErrorCode.none
    var answers: [GroupTicket: GroupAnswer] = [:]
    var stored: [GroupSnapshot] = []
    var waiting: [GroupStoring] = []
    private var lastTicket: UInt64 = 0

    init(
        _ settings: GroupSettings = .prompt,
        memory: ByteCount = .mebibytes(4),
        seed: UInt64 = 7
    ) {
        self.memory = MemoryPool(name: "groups", capacity: memory)
        directory = GroupDirectory(settings: settings, memory: self.memory, seed: seed)
    }

    // MARK: Time and the log

    /// Lets time pass in small steps, as a loop's timers see it.
    func pass(_ time: Duration) {
        let end = now.monotonic + time
        while now.monotonic < end {
            let step = min(.milliseconds(50), end - now.monotonic)
            now.monotonic = now.monotonic + step
            now.wall = Timestamp(milliseconds: now.wall.rawValue + step.wholeMilliseconds)
            directory.expire(now: now)
            settle()
        }
    }

    /// Lets the log answer for everything that waits for it.
    func answerLog(_ code: KafkaErrorCode) {
        let waited = waiting
        waiting = []
        for storing in waited { directory.stored(storing, code, now: now) }
        settle()
    }

    func settle() {
        while true {
            let effects = directory.takeEffects()
            guard !effects.isEmpty else { return }
            for effect in effects {
                switch effect {
                case .answer(let ticket, let answer):
                    #expect(answers[ticket] == nil, "answered twice")
                    answers[ticket] = answer
                case .store(let snapshot, let storing):
                    stored.append(snapshot)
                    if let log {
                        directory.stored(storing, log, now: now)
                    } else {
                        waiting.append(storing)
                    }
                }
            }
        }
    }

    // MARK: Requests

    func nextTicket() -> GroupTicket {
        lastTicket += 1
        return GroupTicket(lastTicket)
    }

    func beginJoin(
        _ memberID: String = "",
        group: String = "g",
        instance: String? = nil,
        protocols: [String: [UInt8]] = ["range": [1]],
        type: String = "consumer",
        session: Int32 = 10_000,
        rebalance: Int32 = 60_000,
        version: Int16 = 9
    ) -> GroupTicket {
        beginJoin(
            memberID,
            group: group,
            instance: instance,
            offering: protocols.sorted { $0.key < $1.key }.map {
                GroupProtocol(name: $0.key, metadata: $0.value)
            },
            type: type,
            session: session,
            rebalance: rebalance,
            version: version
        )
    }

    func beginJoin(
        _ memberID: String,
        group: String = "g",
        instance: String? = nil,
        offering protocols: [GroupProtocol],
        type: String = "consumer",
        session: Int32 = 10_000,
        rebalance: Int32 = 60_000,
        version: Int16 = 9
    ) -> GroupTicket {
        var request = JoinGroupRequest(
            groupID: group,
            sessionTimeoutMilliseconds: session,
            memberID: memberID,
            protocolType: type,
            protocols: protocols
        )
        request.rebalanceTimeoutMilliseconds = rebalance
        request.groupInstanceID = instance
        let ticket = nextTicket()
        let call = JoinCall(
            request,
            version: version,
            clientID: "client",
            clientHost: "/10.0.0.1",
            ticket: ticket
        )
        directory.join(call, now: now)
        settle()
        return ticket
    }

    func joined(_ ticket: GroupTicket) throws -> JoinGroupResponse {
        guard case .joined(let response) = answers[ticket] else {
            throw Missing(answer: "JoinGroup")
        }
        return response
    }

    /// What a client does: it asks for an id, and joins with that.
    func beginJoinAsClient(
        group: String = "g",
        protocols: [String: [UInt8]] = ["range": [1]]
    ) throws -> (memberID: String, ticket: GroupTicket) {
        let first = try joined(beginJoin(group: group, protocols: protocols))
        #expect(first.errorCode == .memberIDRequired)
        let ticket = beginJoin(first.memberID, group: group, protocols: protocols)
        return (first.memberID, ticket)
    }

    func beginSync(
        _ memberID: String,
        _ generation: Int32,
        group: String = "g",
        instance: String? = nil,
        type: String? = nil,
        name: String? = nil,
        assigning: [String: [UInt8]] = [:]
    ) -> GroupTicket {
        var request = SyncGroupRequest(
            groupID: group,
            generationID: generation,
            memberID: memberID
        )
        request.groupInstanceID = instance
        request.protocolType = type
        request.protocolName = name
        request.assignments = assigning.map { .init(memberID: $0.key, assignment: $0.value) }
        let ticket = nextTicket()
        directory.sync(request, ticket: ticket, now: now)
        settle()
        return ticket
    }

    func synced(_ ticket: GroupTicket) throws -> SyncGroupResponse {
        guard case .synced(let response) = answers[ticket] else {
            throw Missing(answer: "SyncGroup")
        }
        return response
    }

    func heartbeat(
        _ memberID: String,
        _ generation: Int32,
        group: String = "g",
        instance: String? = nil
    ) -> KafkaErrorCode {
        var request = HeartbeatRequest(
            groupID: group,
            generationID: generation,
            memberID: memberID
        )
        request.groupInstanceID = instance
        defer { settle() }
        return directory.heartbeat(request, now: now)
    }

    func beginLeave(
        _ members: [LeaveGroupRequest.Member],
        group: String = "g"
    ) -> GroupTicket {
        let ticket = nextTicket()
        let request = LeaveGroupRequest(groupID: group, members: members)
        directory.leave(request, ticket: ticket, now: now)
        settle()
        return ticket
    }

    @discardableResult
    func leave(
        _ memberID: String,
        instance: String? = nil,
        group: String = "g"
    ) throws -> KafkaErrorCode {
        let member = LeaveGroupRequest.Member(memberID: memberID, groupInstanceID: instance)
        let ticket = beginLeave([member], group: group)
        guard case .left(let response) = answers[ticket] else {
            throw Missing(answer: "LeaveGroup")
        }
        #expect(response.errorCode == .none)
        return try #require(response.members.first).errorCode
    }

    func noteCommit(by claim: GroupClaim) -> Bool {
        directory.noteCommit(by: claim, now: now)
    }

    func delete(_ group: String) -> KafkaErrorCode { directory.delete(group) }

    func describe(_ group: String = "g") -> DescribeGroupsResponse.Group {
        directory.describe(group, version: 6)
    }

    // MARK: Whole groups

    /// A stable group of so many members, the leader first.
    func makeStable(
        _ count: Int,
        protocols: [String: [UInt8]] = ["range": [1]]
    ) throws -> [String] {
        var members: [(memberID: String, ticket: GroupTicket)] = []
        for _ in 0..<count { members.append(try beginJoinAsClient(protocols: protocols)) }
        pass(.seconds(1))
        try settleGeneration(members)
        #expect(describe().groupState == "Stable")
        return members.map(\.memberID)
    }

    /// Plays the clients' part from answered joins to a stable group.
    func settleGeneration(
        _ members: [(memberID: String, ticket: GroupTicket)]
    ) throws {
        for (memberID, ticket) in members {
            let answer = try joined(ticket)
            #expect(answer.errorCode == .none)
            var assignments: [String: [UInt8]] = [:]
            for member in answer.members {
                assignments[member.memberID] = Array(member.memberID.utf8)
            }
            _ = beginSync(memberID, answer.generationID, assigning: assignments)
        }
    }
}

struct Missing: Error { let answer: String }

extension GroupSettings {
    /// No waiting for other members but what a test lets pass.
    static var prompt: GroupSettings {
        var settings = GroupSettings()
        settings.initialRebalanceDelay = .milliseconds(100)
        return settings
    }
}
