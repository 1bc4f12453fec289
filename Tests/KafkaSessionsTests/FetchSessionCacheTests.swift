import BrokerModel
import HeadwaterTesting
import KafkaSessions
import KafkaWire
import Testing

@Suite struct FetchSessionCacheTests {
    @Test func `a full cache gives no number, and full fetches go on`() {
        var client = SessionClient(slots: 2)
        let first = client.open(["a": [0]])
        #expect(client.open(["a": [0]]) > 0)
        #expect(client.open(["a": [0, 1]]) == 0)
        #expect(client.counts == [2, 0, 1])
        #expect(client.error(client.ask(first, epoch: 1)) == nil)
    }

    @Test func `one that nobody has used for two minutes makes room`() {
        var client = SessionClient(slots: 2)
        let stale = client.open(["a": [0, 1, 2]])
        client.now = client.now + .seconds(60)
        let fresh = client.open(["a": [0]])
        client.now = client.now + .seconds(60)
        #expect(client.open(["b": [0]]) == 0, "two minutes are not over two minutes")
        client.now = client.now + .seconds(1)
        #expect(client.open(["b": [0]]) > 0)
        #expect(client.error(client.ask(stale, epoch: 1)) == .fetchSessionIDNotFound)
        #expect(client.error(client.ask(fresh, epoch: 1)) == nil)
        #expect(client.cache.counts.evicted == 1)
    }

    @Test func `a larger session takes the place of a smaller old one that is in use`() {
        var client = SessionClient(slots: 2)
        let small = client.open(["a": [0, 1]])
        let large = client.open(["a": [0, 1, 2]])
        for epoch: Int32 in 1...3 {
            client.now = client.now + .seconds(50)
            for id in [small, large] { #expect(client.error(client.ask(id, epoch: epoch)) == nil) }
        }
        #expect(client.open(["b": [0, 1]]) == 0, "it must be larger")
        #expect(client.open(["b": [0, 1, 2]]) > 0)
        #expect(client.error(client.ask(small, epoch: 4)) == .fetchSessionIDNotFound)
        #expect(client.error(client.ask(large, epoch: 4)) == nil)
        #expect(client.open(["b": [0, 1, 2, 3]]) > 0)
        #expect(client.error(client.ask(large, epoch: 5)) == .fetchSessionIDNotFound)
        #expect(client.open(["b": [0, 1, 2, 3, 4, 5]]) == 0, "the others are young")
    }

    @Test func `no slots, no sessions`() {
        var client = SessionClient(slots: 0)
        #expect(client.open(["a": [0]]) == 0)
        #expect(client.cache.counts.refused == 1)
    }

    @Test func `all sessions' partitions are bounded, and one that grows too large ends`() throws {
        var client = SessionClient(slots: 10, partitionsMax: 10)
        #expect(client.open(["a": Array(0..<11)]) == 0)
        let first = client.open(["a": Array(0..<6)])
        #expect(first > 0 && client.open(["b": Array(0..<5)]) == 0)
        let second = client.open(["b": Array(0..<4)])
        let growing = client.ask(second, epoch: 1, ["b": [4, 5]])
        #expect(try client.order(growing).count == 6, "what it asked for is answered")
        _ = client.finish(growing)
        #expect(client.error(client.ask(second, epoch: 2)) == .fetchSessionIDNotFound)
        #expect(client.cache.partitionCount == 6)
        #expect(client.counts == [2, 1, 2])
    }
}
