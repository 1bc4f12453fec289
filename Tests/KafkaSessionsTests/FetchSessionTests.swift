import BrokerModel
import HeadwaterTesting
import KafkaSessions
import KafkaWire
import Testing

@Suite struct FetchSessionTests {
    @Test func `a first fetch opens a session, the next one is about what it has`() throws {
        var client = SessionClient()
        let id = client.open(["a": [0, 1], "b": [0]])
        #expect(id > 0)
        #expect(client.cache.count == 1 && client.cache.partitionCount == 3)
        let context = client.ask(id, epoch: 1)
        #expect(try client.order(context) == ["a-0", "a-1", "b-0"])
        #expect(client.finish(context) == id)
    }

    @Test func `a request names what is new to the session, and what it no longer wants`() throws {
        var client = SessionClient()
        let id = client.open(["a": [0, 1]])
        let context = client.ask(id, epoch: 1, ["b": [3], "a": [1]], offset: 9, forget: ["a": [0]])
        #expect(try client.order(context) == ["a-1", "b-3"])
        #expect(try client.plan(context).partitions(in: "a").map(\.fetchOffset) == [Offset(9)])
        let again = client.ask(
            id,
            epoch: 2,
            ["a": [0, 2]],
            forget: ["b": [3], "c": [1], "a": [7]]
        )
        #expect(try client.order(again) == ["a-1", "a-0", "a-2"])
        #expect(client.cache.partitionCount == 3)
    }

    @Test func `only news is told, and an error is told until it is over`() throws {
        var client = SessionClient()
        let id = client.open(["a": [0]], highWatermark: 5)
        func partition(_ epoch: Int32) throws -> FetchSessionPartition {
            let context = client.ask(id, epoch: epoch)
            _ = client.finish(context)
            return try #require(client.plan(context).partitions(in: "a").first)
        }
        let known = try partition(1)
        #expect(!known.isNews(.marks(5), hasRecords: false))
        #expect(known.isNews(.marks(5), hasRecords: true))
        #expect(known.isNews(.marks(6), hasRecords: false))
        #expect(known.isNews(.marks(5, start: 1), hasRecords: false))
        var diverging = FetchResponse.PartitionHead.marks(5)
        diverging.divergingEpoch = .init(epoch: .zero, endOffset: .zero)
        #expect(known.isNews(diverging, hasRecords: false))
        let failed = FetchResponse.PartitionHead(index: 0, errorCode: .kafkaStorageError)
        #expect(known.isNews(failed, hasRecords: false))
        let context = client.ask(id, epoch: 2)
        _ = client.finish(context, telling: [("a-0", failed, false)])
        #expect(try partition(3).isNews(failed, hasRecords: false))
        #expect(try partition(4).isNews(.marks(5), hasRecords: false))
    }

    @Test func `who brought records has the last turn the next time`() throws {
        var client = SessionClient()
        let id = client.open(["a": [0, 1, 2, 3]])
        let context = client.ask(id, epoch: 1)
        let answer: [(String, FetchResponse.PartitionHead, Bool)] = [
            ("a-0", .marks(1), true), ("a-1", .marks(1), false), ("a-2", .marks(1), true),
        ]
        _ = client.finish(context, telling: answer)
        #expect(try client.order(client.ask(id, epoch: 2)) == ["a-1", "a-3", "a-0", "a-2"])
    }

    @Test func `a request that is looked at again and again moves its session once`() throws {
        var client = SessionClient()
        let id = client.open(["a": [0, 1]])
        let context = client.ask(id, epoch: 1)
        for _ in 0..<5 { #expect(try client.order(context) == ["a-0", "a-1"]) }
        _ = client.finish(context)
        #expect(client.error(client.ask(id, epoch: 2)) == nil)
    }

    @Test func `strange numbers and epochs are refused and change nothing`() throws {
        var client = SessionClient()
        let id = client.open(["a": [0]])
        #expect(client.error(client.ask(id &+ 1, epoch: 1)) == .fetchSessionIDNotFound)
        #expect(client.error(client.ask(0, epoch: 1)) == .fetchSessionIDNotFound)
        for epoch: Int32 in [2, .max, -2, .min] {
            #expect(client.error(client.ask(id, epoch: epoch)) == .invalidFetchSessionEpoch)
        }
        #expect(client.error(client.ask(id, epoch: 1, version: 13)) == .fetchSessionTopicIDError)
        #expect(client.error(client.ask(id, epoch: 1)) == nil)
        #expect(client.error(client.ask(id, epoch: 1)) == .invalidFetchSessionEpoch)
    }

    @Test func `a session with topic ids stays one`() throws {
        var client = SessionClient()
        let topic = UUIDBytes(high: 1, low: 2)
        let request = FetchRequest.session(0, 0, [.init(id: topic, partitions: [.at(0)])])
        let opening = client.cache.begin(request, version: 13, now: client.now)
        let id = client.cache.finish(
            opening,
            request,
            version: 13,
            telling: [FetchNews(slot: 0, .marks(4), hasRecords: false)],
            now: client.now,
            using: &client.random
        )
        #expect(client.error(client.ask(id, epoch: 1, version: 12)) == .fetchSessionTopicIDError)
        let plan = try client.plan(client.ask(id, epoch: 1, version: 17))
        #expect(plan.topics.map(\.id) == [topic])
        #expect(plan.partitions.map(\.highWatermark) == [Offset(4)])
    }

    @Test func `a full fetch ends the session that it names`() throws {
        var client = SessionClient()
        let first = client.open(["a": [0]])
        let second = client.open(["a": [0]], closing: first)
        #expect(client.cache.count == 1 && first != second)
        let last = client.ask(second, epoch: -1, ["a": [0]])
        #expect(client.cache.count == 0 && client.cache.partitionCount == 0)
        guard case .sessionless = last else {
            Issue.record("\(last)")
            return
        }
        #expect(client.finish(last) == 0)
    }

    @Test func `a session that wants nothing more is over`() throws {
        var client = SessionClient()
        let id = client.open(["a": [0]])
        let context = client.ask(id, epoch: 1, forget: ["a": [0]])
        #expect(client.finish(context) == 0 && client.cache.count == 0)
        #expect(client.error(client.ask(id, epoch: 2)) == .fetchSessionIDNotFound)
    }

    @Test func `one that another connection has taken over is told so`() throws {
        var client = SessionClient()
        let id = client.open(["a": [0, 1]])
        let waiting = client.ask(id, epoch: 1)
        let other = client.ask(id, epoch: 2)
        #expect(client.error(waiting) == .invalidFetchSessionEpoch)
        _ = client.finish(waiting, telling: [("a-0", .marks(9), true)])
        #expect(try client.order(other) == ["a-0", "a-1"], "an old answer changes nothing")
    }

    @Test func `the epoch goes round past the largest, to 1`() throws {
        var client = SessionClient()
        let id = client.open(["a": [0]])
        // Each step is what a client does, so the large ones are left out by a session made so.
        var epoch: Int32 = 1
        for _ in 0..<1_000 {
            guard case .session(let session, let next) = client.ask(id, epoch: epoch) else {
                Issue.record("refused at \(epoch)")
                return
            }
            #expect(next == epoch + 1 && session.epoch == next)
            epoch = next
        }
        #expect(FetchSession.next(.max - 1) == .max)
        #expect(FetchSession.next(.max) == 1)
        #expect(FetchSession.next(0) == 1)
        #expect(FetchSession.next(-1) == -1)
    }

    @Test func `a thousand random requests leave a session that a simple list agrees with`() throws
    {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        var client = SessionClient()
        let id = client.open(["a": [0]])
        var expected = ["a-0"]
        var epoch: Int32 = 1
        for step in 0..<1_000 {
            var wanted: [String: [Int32]] = [:]
            var forgotten: [String: [Int32]] = [:]
            for _ in 0..<random.below(4) {
                let (topic, index) = (["a", "b", "c"][random.below(3)], Int32(random.below(6)))
                guard wanted[topic]?.contains(index) != true else { continue }
                wanted[topic, default: []].append(index)
            }
            for topic in wanted.keys.sorted() {
                for index in wanted[topic] ?? [] where !expected.contains("\(topic)-\(index)") {
                    expected.append("\(topic)-\(index)")
                }
            }
            for _ in 0..<random.below(3) where expected.count > 1 {
                let gone = expected.remove(at: random.below(expected.count)).split(separator: "-")
                forgotten[String(gone[0]), default: []].append(Int32(gone[1]) ?? -1)
            }
            let context = client.ask(id, epoch: epoch, wanted, forget: forgotten)
            #expect(try client.order(context) == expected, "seed \(seed), step \(step)")
            var told: [(String, FetchResponse.PartitionHead, Bool)] = []
            for name in expected where random.oneIn(3) {
                told.append((name, .marks(Int64(step)), random.oneIn(2)))
            }
            _ = client.finish(context, telling: told)
            let moved = told.filter(\.2).map(\.0)
            expected = expected.filter { !moved.contains($0) } + moved
            #expect(client.cache.partitionCount <= 18)
            epoch += 1
        }
    }
}
