import BrokerModel
import KafkaSessions
import KafkaWire
import Testing

@Suite struct GroupRebalanceTests {
    @Test func `a newcomer makes the others join anew`() throws {
        let scene = GroupScene()
        let members = try scene.makeStable(2)
        let newcomer = try scene.beginJoinAsClient()
        #expect(scene.answers[newcomer.ticket] == nil)
        for member in members { #expect(scene.heartbeat(member, 1) == .rebalanceInProgress) }
        let tickets = members.map { scene.beginJoin($0) }
        let leader = try scene.joined(tickets[0])
        #expect(leader.generationID == 2)
        #expect(leader.leader == members[0])
        #expect(leader.members.map(\.memberID) == members + [newcomer.memberID])
        #expect(try scene.joined(newcomer.ticket).generationID == 2)
    }

    @Test func `who does not join anew in time is out and another one leads`() throws {
        let scene = GroupScene()
        let members = try scene.makeStable(2)
        let newcomer = try scene.beginJoinAsClient()
        let ticket = scene.beginJoin(members[1])
        for _ in 0..<6 {
            scene.pass(.seconds(9))
            _ = scene.heartbeat(members[0], 1)
        }
        #expect(scene.answers[ticket] == nil)
        scene.pass(.seconds(6))
        let answer = try scene.joined(ticket)
        #expect(answer.leader == members[1])
        #expect(answer.members.map(\.memberID) == [members[1], newcomer.memberID])
        #expect(scene.heartbeat(members[0], 1) == .unknownMemberID)
    }

    @Test func `a follower that joins anew with the same metadata is told the generation`() throws {
        let scene = GroupScene()
        let members = try scene.makeStable(2)
        let answer = try scene.joined(scene.beginJoin(members[1]))
        #expect(answer.generationID == 1)
        #expect(answer.members.isEmpty)
        #expect(scene.describe().groupState == "Stable")
        #expect(try scene.synced(scene.beginSync(members[1], 1)).errorCode == .none)
    }

    @Test func `a leader that joins anew begins a rebalance`() throws {
        let scene = GroupScene()
        let members = try scene.makeStable(2)
        let ticket = scene.beginJoin(members[0])
        #expect(scene.answers[ticket] == nil)
        #expect(scene.heartbeat(members[1], 1) == .rebalanceInProgress)
        _ = scene.beginJoin(members[1])
        #expect(try scene.joined(ticket).generationID == 2)
    }

    @Test func `a follower with other metadata begins a rebalance`() throws {
        let scene = GroupScene()
        let members = try scene.makeStable(2)
        let ticket = scene.beginJoin(members[1], protocols: ["range": [2]])
        #expect(scene.answers[ticket] == nil)
        let leader = try scene.joined(scene.beginJoin(members[0]))
        #expect(leader.members.map(\.metadata) == [[1], [2]])
    }

    @Test func `a lost answer is given again while the leader is at work`() throws {
        let scene = GroupScene()
        let (leader, _) = try scene.beginJoinAsClient()
        scene.pass(.seconds(1))
        let again = try scene.joined(scene.beginJoin(leader))
        #expect(again.generationID == 1)
        #expect(again.members.map(\.memberID) == [leader])
    }

    @Test func `a join that its client repeats answers the one before`() throws {
        let scene = GroupScene()
        let (member, first) = try scene.beginJoinAsClient()
        let second = scene.beginJoin(member)
        #expect(try scene.joined(first).errorCode == .rebalanceInProgress)
        scene.pass(.seconds(1))
        #expect(try scene.joined(second).errorCode == .none)
    }

    @Test func `a member that is not heard of is taken out`() throws {
        let scene = GroupScene()
        let members = try scene.makeStable(2)
        scene.pass(.seconds(9))
        #expect(scene.heartbeat(members[0], 1) == .none)
        scene.pass(.seconds(1))
        #expect(scene.heartbeat(members[1], 1) == .unknownMemberID)
        #expect(scene.heartbeat(members[0], 1) == .rebalanceInProgress)
        #expect(scene.directory.counters.membersExpired.count == 1)
        #expect(scene.directory.counters.members.value == 1)
        #expect(scene.directory.counters.groups(in: .preparingRebalance).value == 1)
    }

    @Test func `a group whose last member is not heard of is empty`() throws {
        let scene = GroupScene()
        _ = try scene.makeStable(2)
        scene.pass(.seconds(10))
        #expect(scene.describe().groupState == "Empty")
        #expect(scene.stored.last?.members.isEmpty == true)
        #expect(scene.stored.last?.generation == 2)
        #expect(scene.stored.last?.protocolType == "consumer")
        #expect(scene.directory.counters.groups(in: .empty).value == 1)
    }

    @Test func `a new member waits five minutes for the others and no longer`() throws {
        let scene = GroupScene()
        let members = try scene.makeStable(1)
        _ = members
        let id = try scene.joined(scene.beginJoin()).memberID
        let ticket = scene.beginJoin(id, rebalance: 3_600_000)
        for _ in 0..<299 {
            scene.pass(.seconds(1))
            _ = scene.heartbeat(members[0], 1)
        }
        #expect(scene.answers[ticket] == nil)
        scene.pass(.seconds(1))
        #expect(try scene.joined(ticket).errorCode == .unknownMemberID)
    }

    @Test func `a heartbeat must name the group's member and generation`() throws {
        let scene = GroupScene()
        #expect(scene.heartbeat("m", 1) == .unknownMemberID)
        let members = try scene.makeStable(1)
        #expect(scene.heartbeat("who", 1) == .unknownMemberID)
        #expect(scene.heartbeat(members[0], 0) == .illegalGeneration)
        #expect(scene.heartbeat(members[0], 1, instance: "i") == .unknownMemberID)
        #expect(scene.heartbeat(members[0], 1) == .none)
    }

    @Test func `members leave one by one and the last leaves an empty group`() throws {
        let scene = GroupScene()
        let members = try scene.makeStable(2)
        #expect(try scene.leave("who") == .unknownMemberID)
        #expect(try scene.leave(members[0]) == .none)
        #expect(scene.heartbeat(members[1], 1) == .rebalanceInProgress)
        let answer = try scene.joined(scene.beginJoin(members[1]))
        #expect(answer.leader == members[1])
        #expect(try scene.leave(members[1]) == .none)
        #expect(scene.describe().groupState == "Empty")
        #expect(try scene.leave(members[1]) == .unknownMemberID)
        #expect(try scene.leave("m", group: "none") == .unknownMemberID)
    }

    @Test func `the last member's leaving is answered once the log has it`() throws {
        let scene = GroupScene()
        let members = try scene.makeStable(1)
        scene.log = nil
        let ticket = scene.beginLeave([.init(memberID: members[0])])
        #expect(scene.answers[ticket] == nil)
        scene.answerLog(.none)
        #expect(scene.answers[ticket] != nil)
    }

    @Test func `a member that leaves while it waits to join is told so`() throws {
        let scene = GroupScene()
        let members = try scene.makeStable(1)
        let newcomer = try scene.beginJoinAsClient()
        try scene.leave(newcomer.memberID)
        #expect(try scene.joined(newcomer.ticket).errorCode == .unknownMemberID)
        #expect(try scene.joined(scene.beginJoin(members[0])).generationID == 2)
    }

    @Test func `somebody who was only given an id can leave`() throws {
        let scene = GroupScene()
        _ = try scene.makeStable(1)
        let id = try scene.joined(scene.beginJoin()).memberID
        #expect(try scene.leave(id) == .none)
        #expect(scene.describe().groupState == "PreparingRebalance")
    }
}
