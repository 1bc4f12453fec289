import BrokerModel
import KafkaSessions
import KafkaWire
import Testing

@Suite struct GroupDirectoryTests {
    /// A consumer's own words: version 0, these topics, no user data.
    private func subscription(_ topics: [String]) -> [UInt8] {
        var output = ByteWriter()
        output.writeInteger(Int16(0))
        output.writeInteger(Int32(topics.count))
        for topic in topics {
            output.writeInteger(Int16(topic.utf8.count))
            output.writeBytes(Array(topic.utf8))
        }
        output.writeInteger(Int32(-1))
        return Array(output.bytes)
    }

    // MARK: Administrators

    @Test func `a group is described with its members`() throws {
        let scene = GroupScene()
        let members = try scene.makeStable(1)
        let group = scene.describe()
        #expect(group.errorCode == .none)
        #expect(group.groupState == "Stable")
        #expect(group.protocolType == "consumer")
        #expect(group.protocolData == "range")
        #expect(group.authorizedOperations == .min)
        let member = try #require(group.members.first)
        #expect(member.memberID == members[0])
        #expect(member.clientID == "client")
        #expect(member.clientHost == "/10.0.0.1")
        #expect(member.memberMetadata == [1])
        #expect(member.memberAssignment == Array(members[0].utf8))
        _ = scene.beginJoin(version: 3)
        let moving = scene.describe()
        #expect(moving.groupState == "PreparingRebalance")
        #expect(moving.protocolData.isEmpty)
        #expect(moving.members.map(\.memberMetadata) == [[], []])
    }

    @Test func `a group that is not there is dead`() {
        let scene = GroupScene()
        let newer = scene.describe("none")
        #expect(newer.groupState == "Dead")
        #expect(newer.errorCode == .groupIDNotFound)
        #expect(newer.errorMessage == "Group none not found.")
        let older = scene.directory.describe("none", version: 5)
        #expect(older.groupState == "Dead")
        #expect(older.errorCode == .none)
    }

    @Test func `groups are listed by state and type`() throws {
        let scene = GroupScene()
        _ = try scene.makeStable(1)
        _ = scene.beginJoin(group: "f")
        func names(_ states: [String] = [], _ types: [String] = []) -> [String] {
            scene.directory.list(states: states, types: types).map(\.groupID)
        }
        #expect(names() == ["f", "g"])
        #expect(names(["stable"]) == ["g"])
        #expect(names(["Empty", "Stable"]) == ["f", "g"])
        #expect(names(["Dead"]) == [])
        #expect(names(["nonsense"]) == [])
        #expect(names([], ["Classic"]) == ["f", "g"])
        #expect(names([], ["consumer"]) == [])
        #expect(names(["Stable"], ["consumer", "classic"]) == ["g"])
        let group = try #require(scene.directory.list(states: ["Stable"], types: []).first)
        #expect(group.protocolType == "consumer")
        #expect(group.groupState == "Stable")
        #expect(group.groupType == "classic")
    }

    @Test func `only a group that nobody is in is deleted`() throws {
        let scene = GroupScene()
        let members = try scene.makeStable(1)
        #expect(scene.delete("none") == .groupIDNotFound)
        #expect(scene.delete("g") == .nonEmptyGroup)
        try scene.leave(members[0])
        #expect(scene.delete("g") == .none)
        #expect(scene.delete("g") == .groupIDNotFound)
        #expect(scene.memory.used == .zero)
        #expect(scene.directory.counters.members.value == 0)
        #expect(scene.directory.counters.groups(in: .empty).value == 0)
    }

    @Test func `a deleted group's pending member begins anew`() throws {
        let scene = GroupScene()
        let id = try scene.joined(scene.beginJoin()).memberID
        #expect(scene.delete("g") == .none)
        #expect(try scene.joined(scene.beginJoin(id)).errorCode == .unknownMemberID)
        #expect(scene.memory.used == .zero)
    }

    @Test func `a new group is stored although nobody is in it yet`() {
        let scene = GroupScene()
        _ = scene.beginJoin()
        #expect(
            scene.stored == [
                GroupSnapshot(groupID: "g", generation: 0, stateTimestamp: scene.now.wall)
            ]
        )
    }

    // MARK: Offsets

    private func claim(
        _ generation: Int32,
        _ memberID: String = "",
        instance: String? = nil,
        transactional: Bool = false
    ) -> GroupClaim {
        GroupClaim(
            groupID: "g",
            generation: generation,
            memberID: memberID,
            instanceID: instance,
            isTransactional: transactional
        )
    }

    @Test func `who commits must be who it says in the group's generation`() throws {
        let scene = GroupScene()
        #expect(scene.directory.check(claim(-1)) == .none)
        #expect(scene.directory.check(claim(0, "m")) == .illegalGeneration)
        var newer = claim(0, "m")
        newer.knowsMissingGroups = true
        #expect(scene.directory.check(newer) == .groupIDNotFound)
        let members = try scene.makeStable(2)
        #expect(scene.directory.check(claim(1, members[0])) == .none)
        #expect(scene.directory.check(claim(2, members[0])) == .illegalGeneration)
        #expect(scene.directory.check(claim(1, "who")) == .unknownMemberID)
        #expect(scene.directory.check(claim(1, members[0], instance: "i")) == .unknownMemberID)
        #expect(scene.directory.check(claim(-1)) == .unknownMemberID)
        #expect(scene.directory.check(claim(-1, transactional: true)) == .none)
        let ticket = scene.beginJoin(members[0])
        #expect(scene.directory.check(claim(1, members[1])) == .none)
        _ = scene.beginJoin(members[1])
        #expect(try scene.joined(ticket).generationID == 2)
        #expect(scene.directory.check(claim(2, members[1])) == .rebalanceInProgress)
        #expect(scene.directory.check(claim(2, members[1], transactional: true)) == .none)
    }

    @Test func `a commit keeps a member's session alive`() throws {
        let scene = GroupScene()
        let members = try scene.makeStable(1)
        for _ in 0..<4 {
            scene.pass(.seconds(9))
            #expect(scene.noteCommit(by: claim(1, members[0])))
        }
        #expect(scene.heartbeat(members[0], 1) == .none)
    }

    @Test func `a commit from nobody makes a group that nobody joins`() {
        var settings = GroupSettings.prompt
        settings.groupsMax = 1
        let scene = GroupScene(settings)
        #expect(scene.noteCommit(by: claim(-1)))
        #expect(scene.directory.state(of: "g") == .empty)
        #expect(scene.directory.protocolType(of: "g") == nil)
        #expect(!scene.directory.isSubscribed("g", to: "t"))
        let other = GroupClaim(groupID: "h")
        #expect(!scene.noteCommit(by: other))
    }

    @Test func `the topics that members read are known from what they say`() throws {
        let scene = GroupScene()
        let members = try scene.makeStable(1, protocols: ["range": subscription(["t", "u"])])
        #expect(scene.directory.activeSubscription("g") == ["t", "u"])
        #expect(scene.directory.isSubscribed("g", to: "t"))
        #expect(!scene.directory.isSubscribed("g", to: "v"))
        try scene.leave(members[0])
        #expect(scene.directory.activeSubscription("g") == [])
        #expect(!scene.directory.isSubscribed("g", to: "t"))
        #expect(scene.directory.activeSubscription("none") == nil)
    }

    @Test func `a consumer that does not say what it reads may read anything`() throws {
        let scene = GroupScene()
        var wrong = subscription(["t"])
        wrong[5] = 9
        _ = try scene.makeStable(1, protocols: ["range": wrong])
        #expect(scene.directory.activeSubscription("g") == nil)
        #expect(scene.directory.isSubscribed("g", to: "t"))
    }

    // MARK: Restarts

    @Test func `a restored group goes on where it was`() throws {
        let before = GroupScene()
        let words = subscription(["t"])
        let members = try before.makeStable(2, protocols: ["range": words])
        let snapshot = try #require(before.stored.last)
        let scene = GroupScene()
        scene.directory.restore(snapshot, now: scene.now.monotonic)
        #expect(scene.describe() == before.describe())
        #expect(scene.directory.activeSubscription("g") == ["t"])
        #expect(scene.heartbeat(members[0], 1) == .none)
        #expect(scene.directory.check(claim(1, members[1])) == .none)
        let follower = scene.beginJoin(members[1], protocols: ["range": words])
        #expect(try scene.joined(follower).generationID == 1)
        let leader = scene.beginJoin(members[0], protocols: ["range": words])
        #expect(scene.answers[leader] == nil)
        _ = scene.beginJoin(members[1], protocols: ["range": words])
        #expect(try scene.joined(leader).generationID == 2)
        #expect(try scene.joined(leader).members.count == 2)
    }

    @Test func `a restored member that does not show up is taken out after a session`() throws {
        let before = GroupScene()
        let members = try before.makeStable(2)
        let scene = GroupScene()
        scene.directory.restore(
            try #require(before.stored.last),
            now: scene.now.monotonic
        )
        scene.pass(.seconds(9))
        #expect(scene.heartbeat(members[1], 1) == .none)
        scene.pass(.seconds(1))
        #expect(scene.heartbeat(members[0], 1) == .unknownMemberID)
        let answer = try scene.joined(scene.beginJoin(members[1]))
        #expect(answer.leader == members[1])
    }

    @Test func `restored static members are known by their names`() throws {
        let before = GroupScene()
        let ticket = before.beginJoin(instance: "a")
        before.pass(.seconds(1))
        let id = try before.joined(ticket).memberID
        _ = before.beginSync(id, 1, assigning: [id: [7]])
        let scene = GroupScene(seed: 8)
        scene.directory.restore(
            try #require(before.stored.last),
            now: scene.now.monotonic
        )
        let back = try scene.joined(scene.beginJoin(instance: "a"))
        #expect(back.generationID == 1)
        #expect(back.memberID != id)
        let sync = scene.beginSync(back.memberID, 1, instance: "a")
        #expect(try scene.synced(sync).assignment == [7])
    }

    @Test func `a restored group that is too large has its members join anew`() throws {
        let before = GroupScene()
        let members = try before.makeStable(3)
        var settings = GroupSettings.prompt
        settings.membersMax = 2
        let scene = GroupScene(settings)
        scene.directory.restore(
            try #require(before.stored.last),
            now: scene.now.monotonic
        )
        let first = scene.beginJoin(members[2])
        let second = scene.beginJoin(members[1])
        let last = scene.beginJoin(members[0])
        #expect(try scene.joined(last).errorCode == .groupMaxSizeReached)
        #expect(try scene.joined(first).leader == members[1])
        #expect(try scene.joined(second).members.map(\.memberID) == [members[1], members[2]])
    }
}
