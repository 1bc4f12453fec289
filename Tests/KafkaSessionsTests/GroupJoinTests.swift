import BrokerModel
import KafkaSessions
import KafkaWire
import Testing

@Suite struct GroupJoinTests {
    @Test func `a new member is given an id and joins with it`() throws {
        let scene = GroupScene()
        let first = try scene.joined(scene.beginJoin())
        #expect(first.errorCode == .memberIDRequired)
        #expect(first.memberID.hasPrefix("client-"))
        #expect(first.memberID.utf8.count == "client-".utf8.count + 36)
        #expect(first.generationID == -1)
        #expect(scene.describe().groupState == "Empty")
        let ticket = scene.beginJoin(first.memberID)
        #expect(scene.answers[ticket] == nil)
        #expect(scene.describe().groupState == "PreparingRebalance")
        scene.pass(.milliseconds(100))
        let second = try scene.joined(ticket)
        #expect(second.errorCode == .none)
        #expect(second.generationID == 1)
        #expect(second.leader == first.memberID)
        #expect(second.memberID == first.memberID)
        #expect(second.protocolType == "consumer")
        #expect(second.protocolName == "range")
        #expect(second.members.map(\.memberID) == [first.memberID])
        #expect(second.members.map(\.metadata) == [[1]])
        #expect(scene.describe().groupState == "CompletingRebalance")
    }

    @Test func `a client before version 4 joins without an id`() throws {
        let scene = GroupScene()
        let ticket = scene.beginJoin(version: 3)
        #expect(scene.answers[ticket] == nil)
        scene.pass(.milliseconds(100))
        #expect(try scene.joined(ticket).errorCode == .none)
        #expect(try !scene.joined(ticket).memberID.isEmpty)
    }

    @Test func `only the leader is told who is in the group`() throws {
        let scene = GroupScene()
        let first = try scene.beginJoinAsClient()
        let second = try scene.beginJoinAsClient()
        scene.pass(.seconds(1))
        let leader = try scene.joined(first.ticket)
        let follower = try scene.joined(second.ticket)
        #expect(leader.leader == first.memberID)
        #expect(leader.members.map(\.memberID) == [first.memberID, second.memberID])
        #expect(follower.leader == first.memberID)
        #expect(follower.members.isEmpty)
        #expect(leader.generationID == 1)
        #expect(follower.generationID == 1)
    }

    @Test func `each member that comes makes a new group wait again`() throws {
        let scene = GroupScene()
        let first = try scene.beginJoinAsClient()
        for _ in 0..<3 {
            scene.pass(.milliseconds(99))
            _ = try scene.beginJoinAsClient()
            scene.pass(.milliseconds(1))
            #expect(scene.answers[first.ticket] == nil)
        }
        scene.pass(.milliseconds(100))
        #expect(try scene.joined(first.ticket).members.count == 4)
    }

    @Test func `a new group waits no longer than its rebalance timeout`() throws {
        let scene = GroupScene()
        let id = try scene.joined(scene.beginJoin()).memberID
        let ticket = scene.beginJoin(id, rebalance: 250)
        for _ in 0..<5 {
            scene.pass(.milliseconds(50))
            _ = scene.beginJoin(version: 3)
        }
        #expect(try scene.joined(ticket).errorCode == .none)
    }

    @Test func `a group needs an id`() throws {
        let scene = GroupScene()
        #expect(try scene.joined(scene.beginJoin(group: "")).errorCode == .invalidGroupID)
        #expect(try scene.synced(scene.beginSync("m", 1, group: "")).errorCode == .invalidGroupID)
        #expect(scene.heartbeat("m", 1, group: "") == .invalidGroupID)
        let ticket = scene.beginLeave([.init(memberID: "m")], group: "")
        var expected = LeaveGroupResponse()
        expected.errorCode = .invalidGroupID
        #expect(scene.answers[ticket] == .left(expected))
    }

    @Test(arguments: [
        (Int32(5_999), KafkaErrorCode.invalidSessionTimeout), (6_000, .memberIDRequired),
        (1_800_000, .memberIDRequired), (1_800_001, .invalidSessionTimeout),
        (-1, .invalidSessionTimeout),
    ])
    func `a session timeout has bounds`(timeout: Int32, code: KafkaErrorCode) throws {
        let scene = GroupScene()
        #expect(try scene.joined(scene.beginJoin(session: timeout)).errorCode == code)
    }

    @Test func `an id that nobody gave is unknown`() throws {
        let scene = GroupScene()
        #expect(try scene.joined(scene.beginJoin("who")).errorCode == .unknownMemberID)
        #expect(scene.directory.count == 0)
        _ = try scene.makeStable(1)
        let answer = try scene.joined(scene.beginJoin("who"))
        #expect(answer.errorCode == .unknownMemberID)
        #expect(answer.memberID == "who")
    }

    @Test func `a member that shares no protocol with the others is refused`() throws {
        let scene = GroupScene()
        _ = try scene.makeStable(1)
        let other = try scene.joined(scene.beginJoin(protocols: ["sticky": []]))
        #expect(other.errorCode == .inconsistentGroupProtocol)
        let type = try scene.joined(scene.beginJoin(type: "connect"))
        #expect(type.errorCode == .inconsistentGroupProtocol)
        let none = try scene.joined(scene.beginJoin(group: "new", protocols: [:]))
        #expect(none.errorCode == .inconsistentGroupProtocol)
        let noType = try scene.joined(scene.beginJoin(group: "new", type: ""))
        #expect(noType.errorCode == .inconsistentGroupProtocol)
        #expect(scene.describe().groupState == "Stable")
    }

    @Test func `the protocol that most members like best is chosen among those of all`() throws {
        let scene = GroupScene()
        func offer(_ names: String...) -> [GroupProtocol] {
            names.map { GroupProtocol(name: $0, metadata: []) }
        }
        let offers = [offer("c", "a", "b"), offer("b", "a"), offer("b", "a", "c")]
        let tickets = offers.map { scene.beginJoin("", offering: $0, version: 3) }
        scene.pass(.seconds(1))
        for ticket in tickets { #expect(try scene.joined(ticket).protocolName == "b") }
    }

    @Test func `a group takes no more members than it may`() throws {
        var settings = GroupSettings.prompt
        settings.membersMax = 2
        let scene = GroupScene(settings)
        let members = try scene.makeStable(2)
        let answer = try scene.joined(scene.beginJoin())
        #expect(answer.errorCode == .groupMaxSizeReached)
        #expect(answer.memberID.isEmpty)
        #expect(scene.heartbeat(members[0], 1) == .none)
        try scene.leave(members[1])
        #expect(try scene.joined(scene.beginJoin()).errorCode == .memberIDRequired)
    }

    @Test func `with too many groups a new one is refused and counted`() throws {
        var settings = GroupSettings.prompt
        settings.groupsMax = 1
        let scene = GroupScene(settings)
        _ = try scene.makeStable(1)
        let answer = try scene.joined(scene.beginJoin(group: "other"))
        #expect(answer.errorCode == .coordinatorNotAvailable)
        #expect(scene.directory.counters.refused.count == 1)
        #expect(scene.directory.count == 1)
    }

    @Test func `without memory a member is refused and all memory comes back in the end`() throws {
        let scene = GroupScene(memory: .kibibytes(64))
        let members = try scene.makeStable(2)
        let held = ByteCount.kibibytes(58)
        #expect(scene.memory.reserve(held))
        let answer = try scene.joined(
            scene.beginJoin(protocols: ["range": [UInt8](repeating: 0, count: 8 << 10)])
        )
        scene.memory.release(held)
        #expect(answer.errorCode == .coordinatorNotAvailable)
        #expect(scene.directory.counters.refused.count == 1)
        for member in members { try scene.leave(member) }
        #expect(scene.delete("g") == .none)
        #expect(scene.memory.used == .zero)
        #expect(scene.directory.nextDeadline.map { $0 > scene.now.monotonic } ?? true)
    }

    @Test func `a group whose members say too much of themselves takes no more of it`() throws {
        let scene = GroupScene(memory: .kibibytes(64))
        let members = try scene.makeStable(1)
        let large = ["range": [UInt8](repeating: 0, count: 40 << 10)]
        let answer = try scene.joined(scene.beginJoin(protocols: large))
        #expect(answer.errorCode == .groupMaxSizeReached)
        let grown = try scene.joined(scene.beginJoin(members[0], protocols: large))
        #expect(grown.errorCode == .groupMaxSizeReached)
        #expect(scene.directory.counters.refused.count == 2)
        #expect(scene.heartbeat(members[0], 1) == .none)
        #expect(scene.describe().members.map(\.memberMetadata) == [[1]])
    }

    @Test func `a long name makes no id that is too long for a string`() throws {
        let scene = GroupScene()
        let name = String(repeating: "\u{e9}", count: 16_000)
        _ = scene.beginJoin(instance: name + "x")
        scene.pass(.seconds(1))
        let member = try #require(scene.describe().members.first)
        #expect(member.groupInstanceID == name + "x")
        #expect(member.memberID.utf8.count < 2_000)
        #expect(member.memberID.hasPrefix(String(repeating: "\u{e9}", count: 512) + "-"))
    }

    @Test func `an id that nobody joins with is forgotten after a session`() throws {
        let scene = GroupScene()
        let members = try scene.makeStable(1)
        let id = try scene.joined(scene.beginJoin()).memberID
        scene.pass(.seconds(9))
        #expect(scene.heartbeat(members[0], 1) == .none)
        scene.pass(.seconds(1))
        #expect(try scene.joined(scene.beginJoin(id)).errorCode == .unknownMemberID)
        #expect(scene.describe().groupState == "Stable")
    }

    @Test func `an id that was given keeps a rebalance waiting until its session ends`() throws {
        let scene = GroupScene()
        let members = try scene.makeStable(1)
        let pending = scene.beginJoin()
        #expect(try scene.joined(pending).errorCode == .memberIDRequired)
        let rejoined = scene.beginJoin(members[0])
        #expect(scene.answers[rejoined] == nil)
        scene.pass(.seconds(10))
        #expect(try scene.joined(rejoined).errorCode == .none)
    }
}
