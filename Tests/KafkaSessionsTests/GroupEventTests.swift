import BrokerModel
import KafkaSessions
import KafkaWire
import Testing

/// What an operator is told of groups.
@Suite struct GroupEventTests {
    private func joined(_ memberID: String) -> GroupEvent.Kind {
        .joined(memberID: memberID, clientID: "client", clientHost: "/10.0.0.1")
    }

    @Test func `a group's life is told, each event once`() throws {
        let scene = GroupScene()
        let members = try scene.makeStable(2)
        var told = scene.directory.takeEvents()
        #expect(
            told.map(\.kind) == [
                joined(members[0]), .rebalancing(generation: 0), joined(members[1]),
                .assigned(generation: 1, members: 2),
            ]
        )
        #expect(told.allSatisfy { $0.groupID == "g" })
        try scene.leave(members[1])
        scene.pass(.seconds(11))
        told = scene.directory.takeEvents()
        #expect(
            told.map(\.kind) == [
                .left(memberID: members[1]), .rebalancing(generation: 1),
                .expired(memberID: members[0]), .emptied(generation: 2),
            ]
        )
        let rest = scene.directory.takeEvents()
        #expect(rest.isEmpty)
    }

    @Test func `a static member that comes back is told by both ids`() throws {
        let scene = GroupScene()
        let first = scene.beginJoin(instance: "a")
        scene.pass(.seconds(1))
        let before = try scene.joined(first).memberID
        try scene.settleGeneration([(before, first)])
        _ = scene.directory.takeEvents()
        let again = try scene.joined(scene.beginJoin(instance: "a")).memberID
        let told = scene.directory.takeEvents()
        #expect(told.map(\.kind) == [.replaced(memberID: before, by: again)])
    }

    @Test func `names of any length are told in part, and a flood is cut`() {
        let scene = GroupScene()
        let name = String(repeating: "g", count: 30_000)
        for _ in 0..<2_000 { _ = scene.beginJoin(group: name, version: 3) }
        let told = scene.directory.takeEvents()
        #expect(told.count == 256)
        #expect(told.allSatisfy { $0.groupID.count == 256 })
    }
}
