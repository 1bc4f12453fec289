import BrokerModel
import KafkaSessions
import KafkaWire
import Testing

@Suite struct MemberFloodTests {
    @Test func `clients that only ask for ids are bounded by memory and forgotten`() throws {
        let scene = GroupScene(memory: .kibibytes(64))
        var refused = 0
        for _ in 0..<1_000 {
            let code = try scene.joined(scene.beginJoin()).errorCode
            if code == .coordinatorNotAvailable {
                refused += 1
            } else {
                #expect(code == .memberIDRequired)
            }
        }
        #expect(refused > 800)
        #expect(scene.directory.counters.refused.count == refused)
        #expect(scene.memory.used <= .kibibytes(64))
        scene.pass(.seconds(11))
        #expect(scene.delete("g") == .none)
        #expect(scene.memory.used == .zero)
        #expect(scene.directory.nextDeadline == nil)
    }

    @Test func `ids that come and go leave no deadlines behind`() throws {
        let scene = GroupScene()
        for _ in 0..<10_000 {
            let id = try scene.joined(scene.beginJoin(session: 1_800_000)).memberID
            try scene.leave(id)
        }
        scene.pass(.seconds(1))
        #expect(scene.delete("g") == .none)
        #expect(scene.memory.used == .zero)
    }
}
