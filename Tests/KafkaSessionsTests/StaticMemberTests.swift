import BrokerModel
import KafkaSessions
import KafkaWire
import Testing

@Suite struct StaticMemberTests {
    /// A stable group of static members, the leader first.
    private func stable(_ instances: [String]) throws -> (GroupScene, [String]) {
        let scene = GroupScene()
        let tickets = instances.map { scene.beginJoin(instance: $0) }
        scene.pass(.seconds(1))
        let members = try tickets.map { ticket in
            (memberID: try scene.joined(ticket).memberID, ticket: ticket)
        }
        try scene.settleGeneration(members)
        #expect(scene.describe().groupState == "Stable")
        return (scene, members.map(\.memberID))
    }

    @Test func `a static member joins without asking for an id first`() throws {
        let (scene, members) = try stable(["a", "b"])
        #expect(members[0].hasPrefix("a-"))
        #expect(members[1].hasPrefix("b-"))
        #expect(scene.describe().members.map(\.groupInstanceID) == ["a", "b"])
    }

    @Test func `an id that was handed out ahead is none for a static member`() throws {
        let (scene, members) = try stable(["a", "b"])
        let ahead = try scene.joined(scene.beginJoin()).memberID
        let taken = scene.beginJoin(ahead, instance: "b")
        #expect(try scene.joined(taken).errorCode == .unknownServerError)
        #expect(scene.heartbeat(members[1], 1, instance: "b") == .none)
        #expect(scene.describe().members.map(\.memberID) == members)
    }

    @Test func `a static member comes back without a rebalance and fences who it was`() throws {
        let (scene, members) = try stable(["a", "b"])
        scene.log = nil
        let ticket = scene.beginJoin(instance: "b")
        #expect(scene.answers[ticket] == nil)
        #expect(scene.describe().groupState == "Stable")
        scene.answerLog(.none)
        let answer = try scene.joined(ticket)
        #expect(answer.errorCode == .none)
        #expect(answer.generationID == 1)
        #expect(answer.memberID != members[1])
        #expect(answer.leader == members[0])
        #expect(answer.members.isEmpty)
        #expect(!answer.skipsAssignment)
        #expect(scene.stored.last?.members.map(\.memberID) == [members[0], answer.memberID])
        let sync = scene.beginSync(answer.memberID, 1, instance: "b")
        #expect(try scene.synced(sync).assignment == Array(members[1].utf8))
        #expect(scene.heartbeat(members[1], 1, instance: "b") == .fencedInstanceID)
        #expect(scene.heartbeat(members[1], 1) == .unknownMemberID)
        #expect(scene.heartbeat(answer.memberID, 1, instance: "b") == .none)
        let old = scene.beginJoin(members[1], instance: "b")
        #expect(try scene.joined(old).errorCode == .fencedInstanceID)
        let late = scene.beginSync(members[1], 1, instance: "b")
        #expect(try scene.synced(late).errorCode == .fencedInstanceID)
        #expect(try scene.leave(members[1], instance: "b") == .fencedInstanceID)
        #expect(scene.directory.counters.fenced.count == 1)
    }

    @Test func `a static member whose return the log held up for long is not kept for ever`() throws
    {
        let (scene, members) = try stable(["a", "b"])
        scene.log = nil
        let ticket = scene.beginJoin(instance: "b")
        scene.pass(.seconds(9))
        #expect(scene.heartbeat(members[0], 1) == .none)
        scene.pass(.seconds(2))
        scene.answerLog(.none)
        scene.log = KafkaErrorCode.none
        #expect(try scene.joined(ticket).errorCode == .none)
        scene.pass(.seconds(7))
        #expect(scene.heartbeat(members[0], 1) == .none)
        scene.pass(.seconds(4))
        #expect(scene.describe().members.map(\.memberID) == [members[0]])
    }

    @Test func `a join that nobody comes to, and has no time for, is not looked at for ever`()
        throws
    {
        let scene = GroupScene()
        let patient = scene.beginJoin(version: 3)
        let hasty = scene.beginJoin(instance: "a", rebalance: 0)
        scene.pass(.seconds(1))
        let first = try scene.joined(patient).memberID
        let second = try scene.joined(hasty).memberID
        try scene.settleGeneration([(first, patient), (second, hasty)])
        try scene.leave(first)
        scene.pass(.seconds(2))
        #expect(scene.describe().groupState == "PreparingRebalance")
        let again = try scene.joined(scene.beginJoin(second, instance: "a", rebalance: 0))
        #expect(again.errorCode == .none)
        #expect(again.generationID == 2)
    }

    @Test func `a static leader that comes back is told to assign nothing anew`() throws {
        let (scene, _) = try stable(["a", "b"])
        let answer = try scene.joined(scene.beginJoin(instance: "a"))
        #expect(answer.leader == answer.memberID)
        #expect(answer.skipsAssignment)
        #expect(answer.members.count == 2)
        #expect(scene.describe().groupState == "Stable")
    }

    @Test func `an older static leader that comes back takes another one for the leader`() throws {
        let (scene, members) = try stable(["a", "b"])
        let answer = try scene.joined(scene.beginJoin(instance: "a", version: 8))
        #expect(answer.leader == members[0])
        #expect(answer.memberID != members[0])
        #expect(answer.members.isEmpty)
        #expect(!answer.skipsAssignment)
        let sync = scene.beginSync(answer.memberID, 1, instance: "a")
        #expect(try scene.synced(sync).assignment == Array(members[0].utf8))
    }

    @Test func `other metadata of a static member wait for the leader's next rebalance`() throws {
        let (scene, members) = try stable(["a", "b"])
        let back = scene.beginJoin(instance: "b", protocols: ["range": [9]])
        #expect(try scene.joined(back).generationID == 1)
        let leader = scene.beginJoin(members[0], instance: "a")
        let follower = try scene.joined(back).memberID
        _ = scene.beginJoin(follower, instance: "b", protocols: ["range": [9]])
        #expect(try scene.joined(leader).members.map(\.metadata) == [[1], [9]])
    }

    @Test func `a static member with another protocol causes a rebalance`() throws {
        let scene = GroupScene()
        let both: [String: [UInt8]] = ["range": [1], "sticky": [1]]
        let tickets = ["a", "b"].map { scene.beginJoin(instance: $0, protocols: both) }
        scene.pass(.seconds(1))
        let members = try tickets.map { (memberID: try scene.joined($0).memberID, ticket: $0) }
        try scene.settleGeneration(members)
        let ticket = scene.beginJoin(instance: "b", protocols: ["sticky": [1]])
        #expect(scene.answers[ticket] == nil)
        #expect(scene.describe().groupState == "PreparingRebalance")
        _ = scene.beginJoin(members[0].memberID, instance: "a", protocols: both)
        #expect(try scene.joined(ticket).protocolName == "sticky")
    }

    @Test func `what the log refuses is undone`() throws {
        let (scene, members) = try stable(["a"])
        scene.log = .coordinatorNotAvailable
        let answer = try scene.joined(scene.beginJoin(instance: "a"))
        #expect(answer.errorCode == .coordinatorNotAvailable)
        #expect(answer.memberID.isEmpty)
        #expect(scene.heartbeat(members[0], 1, instance: "a") == .none)
    }

    @Test func `who waits under a static member's name is fenced at once`() throws {
        let scene = GroupScene()
        let first = scene.beginJoin(instance: "a")
        let second = scene.beginJoin(instance: "a")
        let fenced = try scene.joined(first)
        #expect(fenced.errorCode == .fencedInstanceID)
        #expect(!fenced.memberID.isEmpty)
        scene.pass(.seconds(1))
        #expect(try scene.joined(second).errorCode == .none)
        let id = try scene.joined(second).memberID
        #expect(try scene.joined(second).members.map(\.memberID) == [id])
    }

    @Test func `a static member that comes back amid an assignment causes another`() throws {
        let scene = GroupScene()
        let first = scene.beginJoin(instance: "a")
        let second = scene.beginJoin(instance: "b")
        scene.pass(.seconds(1))
        let (leader, follower) = (
            try scene.joined(first).memberID, try scene.joined(second).memberID
        )
        let sync = scene.beginSync(follower, 1, instance: "b")
        let back = scene.beginJoin(instance: "b")
        #expect(try scene.synced(sync).errorCode == .fencedInstanceID)
        #expect(scene.heartbeat(leader, 1, instance: "a") == .rebalanceInProgress)
        _ = scene.beginJoin(leader, instance: "a")
        #expect(try scene.joined(back).generationID == 2)
    }

    @Test func `a static member keeps its place in a rebalance that it sleeps through`() throws {
        let (scene, members) = try stable(["a", "b"])
        let ticket = scene.beginJoin(members[0], instance: "a", rebalance: 5_000)
        for _ in 0..<12 {
            scene.pass(.seconds(5))
            _ = scene.heartbeat(members[1], 1, instance: "b")
        }
        let answer = try scene.joined(ticket)
        #expect(answer.members.map(\.memberID) == members)
    }

    @Test func `an operator removes static members by their names`() throws {
        let (scene, members) = try stable(["a", "b"])
        let ticket = scene.beginLeave([
            .init(memberID: "", groupInstanceID: "b"), .init(memberID: "", groupInstanceID: "c"),
            .init(memberID: ""),
        ])
        guard case .left(let response) = scene.answers[ticket] else {
            throw Missing(answer: "LeaveGroup")
        }
        #expect(response.members.map(\.errorCode) == [.none, .unknownMemberID, .unknownMemberID])
        #expect(response.members.map(\.groupInstanceID) == ["b", "c", nil])
        #expect(scene.heartbeat(members[0], 1, instance: "a") == .rebalanceInProgress)
        #expect(scene.heartbeat(members[1], 1, instance: "b") == .unknownMemberID)
    }
}
