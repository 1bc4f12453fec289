import BrokerModel
import KafkaSessions
import KafkaWire
import Testing

@Suite struct GroupSyncTests {
    @Test func `members get what the leader gave them once the log has it`() throws {
        let scene = GroupScene()
        let (leader, leaderJoin) = try scene.beginJoinAsClient()
        let (follower, _) = try scene.beginJoinAsClient()
        scene.pass(.seconds(1))
        #expect(try scene.joined(leaderJoin).members.count == 2)
        let early = scene.beginSync(follower, 1)
        #expect(scene.answers[early] == nil)
        scene.log = nil
        let own = scene.beginSync(leader, 1, assigning: [leader: [1], follower: [2], "who": [3]])
        #expect(scene.answers[own] == nil)
        #expect(scene.stored.last?.members.map(\.assignment) == [[1], [2]])
        #expect(scene.stored.last?.members.map(\.subscription) == [[1], [1]])
        #expect(scene.stored.last?.leader == leader)
        #expect(scene.describe().groupState == "CompletingRebalance")
        scene.answerLog(.none)
        #expect(try scene.synced(own).assignment == [1])
        let answer = try scene.synced(early)
        #expect(answer.assignment == [2])
        #expect(answer.protocolType == "consumer")
        #expect(answer.protocolName == "range")
        #expect(scene.describe().groupState == "Stable")
        #expect(scene.directory.counters.rebalances.count == 1)
    }

    @Test func `a member without an assignment gets an empty one`() throws {
        let scene = GroupScene()
        let (leader, _) = try scene.beginJoinAsClient()
        let (follower, _) = try scene.beginJoinAsClient()
        scene.pass(.seconds(1))
        _ = scene.beginSync(leader, 1, assigning: [leader: [1]])
        let late = try scene.synced(scene.beginSync(follower, 1))
        #expect(late.errorCode == .none)
        #expect(late.assignment.isEmpty)
    }

    @Test func `an assignment that the log refuses is nobody's`() throws {
        let scene = GroupScene()
        let (leader, _) = try scene.beginJoinAsClient()
        scene.pass(.seconds(1))
        scene.log = .coordinatorNotAvailable
        let ticket = scene.beginSync(leader, 1, assigning: [leader: [1]])
        #expect(try scene.synced(ticket).errorCode == .coordinatorNotAvailable)
        #expect(scene.describe().groupState == "PreparingRebalance")
        #expect(scene.heartbeat(leader, 1) == .rebalanceInProgress)
    }

    @Test func `an assignment that is stored too late is forgotten`() throws {
        let scene = GroupScene()
        let (leader, _) = try scene.beginJoinAsClient()
        scene.pass(.seconds(1))
        scene.log = nil
        let ticket = scene.beginSync(leader, 1, assigning: [leader: [1]])
        let newcomer = scene.beginJoin(version: 3)
        #expect(try scene.synced(ticket).errorCode == .rebalanceInProgress)
        scene.answerLog(.none)
        #expect(scene.describe().groupState == "PreparingRebalance")
        #expect(scene.answers[newcomer] == nil)
    }

    @Test func `a sync must name the group's member and generation and protocol`() throws {
        let scene = GroupScene()
        let (leader, _) = try scene.beginJoinAsClient()
        #expect(try scene.synced(scene.beginSync(leader, 0)).errorCode == .rebalanceInProgress)
        scene.pass(.seconds(1))
        #expect(try scene.synced(scene.beginSync("who", 1)).errorCode == .unknownMemberID)
        #expect(
            try scene.synced(scene.beginSync("m", 1, group: "none")).errorCode == .unknownMemberID
        )
        #expect(try scene.synced(scene.beginSync(leader, 2)).errorCode == .illegalGeneration)
        let type = scene.beginSync(leader, 1, type: "connect", name: "range")
        #expect(try scene.synced(type).errorCode == .inconsistentGroupProtocol)
        let name = scene.beginSync(leader, 1, type: "consumer", name: "sticky")
        #expect(try scene.synced(name).errorCode == .inconsistentGroupProtocol)
        let right = scene.beginSync(leader, 1, type: "consumer", name: "range")
        #expect(try scene.synced(right).errorCode == .none)
        #expect(try scene.synced(scene.beginSync(leader, 1)).errorCode == .none)
    }

    @Test func `who never asks for its assignment is taken out`() throws {
        let scene = GroupScene()
        let (leader, _) = try scene.beginJoinAsClient()
        let (follower, _) = try scene.beginJoinAsClient()
        scene.pass(.seconds(1))
        let sync = scene.beginSync(leader, 1, assigning: [leader: [1], follower: [2]])
        #expect(try scene.synced(sync).errorCode == .none)
        for _ in 0..<9 {
            scene.pass(.seconds(6))
            #expect(scene.heartbeat(follower, 1) == .none)
            #expect(scene.heartbeat(leader, 1) == .none)
        }
        scene.pass(.seconds(6))
        #expect(scene.heartbeat(follower, 1) == .unknownMemberID)
        #expect(scene.heartbeat(leader, 1) == .rebalanceInProgress)
    }

    @Test func `a missing leader's followers rejoin after the rebalance timeout`() throws {
        let scene = GroupScene()
        let (leader, _) = try scene.beginJoinAsClient()
        let (follower, _) = try scene.beginJoinAsClient()
        scene.pass(.seconds(1))
        let sync = scene.beginSync(follower, 1)
        // The leader's session ends first.
        scene.pass(.seconds(10))
        #expect(scene.heartbeat(leader, 1) == .unknownMemberID)
        #expect(try scene.synced(sync).errorCode == .rebalanceInProgress)
        let ticket = scene.beginJoin(follower)
        #expect(try scene.joined(ticket).leader == follower)
        #expect(try scene.joined(ticket).generationID == 2)
    }

    @Test func `an assignment for which there is no memory fails the sync`() throws {
        let scene = GroupScene(memory: .kibibytes(8))
        let (leader, _) = try scene.beginJoinAsClient()
        scene.pass(.seconds(1))
        let large = [UInt8](repeating: 0, count: 8 << 10)
        let ticket = scene.beginSync(leader, 1, assigning: [leader: large])
        #expect(try scene.synced(ticket).errorCode == .unknownServerError)
        #expect(scene.directory.counters.refused.count == 1)
    }

    @Test func `an assignment for which others take the memory may be tried again`() throws {
        let scene = GroupScene(memory: .kibibytes(64))
        let (leader, _) = try scene.beginJoinAsClient()
        scene.pass(.seconds(1))
        let held = ByteCount.kibibytes(58)
        #expect(scene.memory.reserve(held))
        let large = [UInt8](repeating: 0, count: 8 << 10)
        let refused = scene.beginSync(leader, 1, assigning: [leader: large])
        #expect(try scene.synced(refused).errorCode == .coordinatorNotAvailable)
        let told = scene.directory.takeEvents()
        #expect(told.contains { $0.kind == .refused(.coordinatorNotAvailable) })
        scene.memory.release(held)
        let again = scene.beginJoin(leader)
        #expect(try scene.joined(again).generationID == 2)
        let taken = scene.beginSync(leader, 2, assigning: [leader: large])
        #expect(try scene.synced(taken).assignment == large)
    }
}
