import BrokerModel
import HeadwaterTesting
import KafkaSessions
import KafkaWire
import Testing

/// Many clients that come, go, fall silent and come back, and a log that is slow or fails.
@Suite struct GroupRandomTests {
    private enum Phase {
        case away, joining(GroupTicket), syncing(GroupTicket, Int32), member(Int32)
    }

    private struct Client {
        var memberID = ""
        var instance: String?
        var phase = Phase.away
        /// What it believes to have been given, and in which generation.
        var assignment: [UInt8] = []

        var name: String { instance ?? memberID }
    }

    /// What each generation's leader gave, by instance or else by member.
    private typealias Given = [Int32: [String: [UInt8]]]

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func `members agree on what each generation's leader gave`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let scene = GroupScene(seed: seed)
        var clients = (0..<12).map { number in
            Client(instance: number < 4 ? "static-\(number)" : nil)
        }
        var given: Given = [:]
        var leaders: [Int32: String] = [:]
        var lastGeneration: Int32 = 0
        for _ in 0..<3_000 {
            scene.pass(.milliseconds(Int64(random.within(1...400))))
            scene.log = random.oneIn(20) ? .coordinatorNotAvailable : KafkaErrorCode.none
            if random.oneIn(3) { scene.log = nil }
            if random.oneIn(2) { scene.answerLog(random.oneIn(20) ? .notCoordinator : .none) }
            let index = random.below(clients.count)
            try act(&clients[index], scene, &random, &given)
            for client in clients { note(client, scene, &leaders, seed) }
            let group = scene.describe()
            if let generation = scene.stored.last?.generation {
                #expect(generation >= lastGeneration, "seed \(seed)")
                lastGeneration = generation
            }
            guard group.groupState == "Stable" else { continue }
            check(group, seed)
        }
        #expect(lastGeneration > 20, "seed \(seed): too little happened")
        try end(&clients, scene)
        #expect(scene.memory.used == .zero, "seed \(seed)")
        #expect(scene.directory.counters.members.value == 0, "seed \(seed)")
    }

    /// One client's next step, or its end.
    private func act(
        _ client: inout Client,
        _ scene: GroupScene,
        _ random: inout SeededGenerator,
        _ given: inout Given
    ) throws {
        if random.oneIn(40) {
            // Killed: nothing is heard of it, and it knows nothing any more.
            client = Client(instance: client.instance)
            return
        }
        switch client.phase {
        case .away: join(&client, scene)
        case .joining(let ticket):
            guard scene.answers[ticket] != nil else { return }
            let answer = try scene.joined(ticket)
            switch answer.errorCode {
            case .none: sync(&client, answer, scene, &random, &given)
            case .memberIDRequired:
                client.memberID = answer.memberID
                join(&client, scene)
            case .rebalanceInProgress, .coordinatorNotAvailable, .notCoordinator:
                client.phase = .away
            default: client = Client(instance: client.instance)
            }
        case .syncing(let ticket, let generation):
            guard scene.answers[ticket] != nil else { return }
            let answer = try scene.synced(ticket)
            switch answer.errorCode {
            case .none:
                client.assignment = answer.assignment
                client.phase = .member(generation)
                #expect(given[generation]?[client.name] ?? [] == answer.assignment)
            case .unknownMemberID, .fencedInstanceID: client = Client(instance: client.instance)
            default: client.phase = .away
            }
        case .member(let generation):
            if random.oneIn(15) {
                try scene.leaveLater(client.memberID, client.instance)
                client = Client(instance: client.instance)
                return
            }
            switch scene.heartbeat(client.memberID, generation, instance: client.instance) {
            case .none: if random.oneIn(20) { client.phase = .away }
            case .rebalanceInProgress, .illegalGeneration: client.phase = .away
            default: client = Client(instance: client.instance)
            }
        }
    }

    private func join(_ client: inout Client, _ scene: GroupScene) {
        client.phase = .joining(
            scene.beginJoin(
                client.memberID,
                instance: client.instance,
                session: 6_000,
                rebalance: 4_000
            )
        )
    }

    private func sync(
        _ client: inout Client,
        _ answer: JoinGroupResponse,
        _ scene: GroupScene,
        _ random: inout SeededGenerator,
        _ given: inout Given
    ) {
        client.memberID = answer.memberID
        var assignments: [String: [UInt8]] = [:]
        if answer.leader == answer.memberID, !answer.skipsAssignment {
            // Asked twice, a leader says the same twice.
            var shares = given[answer.generationID] ?? [:]
            for member in answer.members {
                let name = member.groupInstanceID ?? member.memberID
                let share = shares[name] ?? [UInt8(random.below(256)), UInt8(random.below(256))]
                shares[name] = share
                assignments[member.memberID] = share
            }
            given[answer.generationID] = shares
        }
        let ticket = scene.beginSync(
            client.memberID,
            answer.generationID,
            instance: client.instance,
            assigning: assignments
        )
        client.phase = .syncing(ticket, answer.generationID)
    }

    /// Whoever is told that it leads a generation is the only one, but for its own successor.
    private func note(
        _ client: Client,
        _ scene: GroupScene,
        _ leaders: inout [Int32: String],
        _ seed: UInt64
    ) {
        guard case .joining(let ticket) = client.phase,
            case .joined(let answer) = scene.answers[ticket], answer.errorCode == .none,
            answer.leader == answer.memberID, !answer.skipsAssignment
        else { return }
        let known = leaders[answer.generationID] ?? answer.memberID
        #expect(known == answer.memberID, "seed \(seed): two leaders")
        leaders[answer.generationID] = known
    }

    private func check(
        _ group: DescribeGroupsResponse.Group,
        _ seed: UInt64
    ) {
        let ids = group.members.map(\.memberID)
        #expect(Set(ids).count == ids.count, "seed \(seed)")
        let instances = group.members.compactMap(\.groupInstanceID)
        #expect(Set(instances).count == instances.count, "seed \(seed)")
        #expect(!ids.isEmpty, "seed \(seed): stable without members")
    }

    private func end(_ clients: inout [Client], _ scene: GroupScene) throws {
        scene.log = KafkaErrorCode.none
        scene.answerLog(.none)
        scene.pass(.seconds(400))
        #expect(scene.describe().groupState == "Empty")
        #expect(scene.delete("g") == .none)
    }
}

extension GroupScene {
    /// Leaves, whenever that is answered.
    func leaveLater(_ memberID: String, _ instance: String?) throws {
        _ = beginLeave([.init(memberID: memberID, groupInstanceID: instance)])
    }
}
