import BrokerModel
import CommitLog
import EventLoop
import Ingest
import Partitions
import Testing

/// Topics that are made at first use, deleted, refused or offline.
@Suite struct TopicLifeTests {
    private func derived(_ more: (String, String)...) throws -> [Route] {
        try routes([("filter", "s/#"), ("topic", "s.{2}")] + more)
    }

    /// Lets the lane's requests arrive and answers all appends with success.
    private func store(_ bench: LaneBench, until condition: @escaping () -> Bool) {
        var answered = 0
        bench.run {
            while answered < bench.requests.count {
                bench.reply(bench.requests[answered], .success(.zero))
                answered += 1
            }
            bench.lane.burstEnded()
            return condition()
        }
    }

    @Test func `a topic is made once, and its records wait for it in their order`() throws {
        let bench = try LaneBench(
            routes: derived(("partitions", "3"), ("key", "none"), ("settings.retention.ms", "5")),
            topics: []
        )
        for ticket in 0..<5 as Range<UInt32> {
            #expect(bench.publish("s/a", "\(ticket)", ticket: ticket) == .accepted(.early))
        }
        bench.lane.burstEnded()
        #expect(!bench.lane.isIdle)
        bench.run { !bench.creations.isEmpty }
        #expect(bench.creations.count == 1)
        let creation = try #require(bench.creations.first)
        #expect(creation.name.description == "s.a")
        #expect(creation.partitions == 3)
        #expect(creation.overrides == ["retention.ms": "5"])
        #expect(bench.pool.used > .zero)
        try bench.carryOut(creation)
        store(bench) { bench.lane.isIdle }
        #expect(bench.stored.map(\.ticket) == [0, 1, 2, 3, 4])
        #expect(bench.sent.map(\.value) == ["0", "1", "2", "3", "4"])
        #expect(bench.pool.used == .zero)
        #expect(bench.lane.counters.topicsCreated.count == 1)
    }

    @Test func `a topic that somebody else has just made is taken as it is`() throws {
        let bench = try LaneBench(routes: derived(("key", "level 2")), topics: [])
        #expect(bench.publish("s/a", "x", ticket: 1) == .accepted(.early))
        bench.run { !bench.creations.isEmpty }
        let entry = try bench.make("s.a", 4)
        bench.answer(bench.creations[0], .failure(.exists(entry)))
        store(bench) { bench.lane.isIdle }
        let number = Array("a".utf8).withUnsafeBytes { Murmur2.partition(ofKey: $0, among: 4) }
        #expect(bench.requests.compactMap { bench.topicPartition($0) } == ["s.a-\(number)"])
        #expect(bench.stored.count == 1)
    }

    @Test func `a topic that cannot be made fails whoever waits, and is tried again later`() throws
    {
        let bench = try LaneBench(routes: derived(), topics: [])
        #expect(bench.publish("s/a", "x", ticket: 1) == .accepted(.early))
        #expect(bench.publish("s/a", "x", ticket: nil) == .accepted(.early))
        bench.run { !bench.creations.isEmpty }
        bench.answer(bench.creations[0], .failure(.tooManyPartitions(most: 9)))
        bench.run { bench.lane.isIdle }
        #expect(bench.acknowledged.map(\.ticket) == [1])
        #expect(bench.stored.isEmpty && bench.failures.count == 1)
        #expect(bench.lane.counters.dropped.count == 1)
        #expect(bench.pool.used == .zero)
        let before = bench.loop.now
        #expect(bench.publish("s/a", "x", ticket: 2) == .accepted(.early))
        bench.run { bench.creations.count == 2 }
        #expect(bench.loop.now >= before + .milliseconds(900))
        try bench.carryOut(bench.creations[1])
        store(bench) { bench.lane.isIdle }
        #expect(bench.stored.map(\.ticket) == [2])
    }

    @Test func `topics that routes derive are bounded, those found counted`() throws {
        var settings = IngestSettings()
        settings.routeTopicsMax = 3
        let bench = try LaneBench(
            settings: settings,
            routes: derived() + routes([("filter", "#"), ("topic", "rest")]),
            topics: [("s.old", 1), ("other", 1)]
        )
        #expect(bench.publish("s/a", "x", ticket: 1) == .accepted(.early))
        bench.run { bench.creations.count == 1 }
        try bench.carryOut(bench.creations[0])
        #expect(bench.publish("s/b", "x", ticket: 2) == .accepted(.early))
        #expect(bench.publish("s/c", "x", ticket: 3) == .topicsFull)
        #expect(bench.publish("s/c", "x", ticket: nil) == .topicsFull)
        #expect(bench.publish("s/old", "x", ticket: 4) == .accepted(.early))
        #expect(bench.publish("elsewhere", "x", ticket: 5) == .accepted(.early))
        #expect(bench.lane.counters.topicsFull.count == 2)
        #expect(bench.reports.count == 2)
        // One that is deleted makes room for another.
        try bench.delete("s.old")
        #expect(bench.publish("s/c", "x", ticket: 6) == .accepted(.early))
    }

    @Test(arguments: [1, 3] as [Int32])
    func `a topic that was deleted is made again at its next use`(partitions: Int32) throws {
        let bench = try LaneBench(routes: derived(), topics: [("s.a", 2)])
        #expect(bench.publish("s/a", "1", ticket: 1) == .accepted(.early))
        bench.lane.burstEnded()
        bench.run { bench.requests.count == 1 }
        try bench.delete("s.a")
        bench.lane.burstEnded()
        #expect(bench.publish("s/a", "2", ticket: 2) == .accepted(.early))
        bench.reply(bench.requests[0], .failure(.closed))
        bench.run { bench.creations.count == 1 && bench.acknowledged.count == 1 }
        #expect(bench.stored.isEmpty, "what was on its way to the old one is not acknowledged")
        let entry = try bench.make("s.a", partitions)
        bench.answer(bench.creations[0], .success(entry))
        bench.run {
            bench.lane.burstEnded()
            return bench.requests.count == 2
        }
        #expect(bench.topicPartition(bench.requests[1])?.hasPrefix("s.a-") == true)
        bench.reply(bench.requests[1], .success(.zero))
        bench.run { bench.lane.isIdle }
        #expect(bench.stored.map(\.ticket) == [2])
        #expect(bench.pool.used == .zero)
    }

    @Test func `the topic of a route that takes everything can be deleted, too`() throws {
        let bench = try LaneBench()
        #expect(bench.publish("a", "1", ticket: 1) == .accepted(.early))
        store(bench) { bench.lane.isIdle }
        try bench.delete("mqtt")
        bench.lane.burstEnded()
        #expect(bench.publish("a", "2", ticket: 2) == .accepted(.early))
        bench.run { bench.creations.count == 1 }
        try bench.carryOut(bench.creations[0])
        bench.run {
            bench.lane.burstEnded()
            return bench.requests.count == 2
        }
        bench.reply(bench.requests[1], .success(.zero))
        bench.run { bench.lane.isIdle }
        #expect(bench.stored.map(\.ticket) == [1, 2])
    }

    @Test func `a topic that gets partitions while batches are on their way loses no answer`()
        throws
    {
        let bench = try LaneBench(routes: derived(("key", "none")), topics: [])
        let first = try bench.make("s.a", 1)
        let other = try bench.make("other", 1)
        #expect(bench.publish("s/a", "1", ticket: 1) == .accepted(.early))
        bench.lane.burstEnded()
        let grown = TopicEntry(
            name: first.name,
            id: first.id,
            partitions: first.partitions + other.partitions
        )
        bench.catalog.publish(TopicCatalogSnapshot(topics: [grown]))
        bench.lane.burstEnded()
        #expect(bench.publish("s/a", "2", ticket: 2) == .accepted(.early))
        bench.lane.burstEnded()
        #expect(bench.publish("s/a", "3", ticket: 3) == .accepted(.early))
        store(bench) { bench.lane.isIdle }
        #expect(Set(bench.requests.map(\.partition)).count == 2)
        #expect(bench.stored.map(\.ticket).sorted() == [1, 2, 3])
        #expect(bench.pool.used == .zero)
    }

    @Test func `a topic made and deleted before the answer came fails whoever waits`() throws {
        let bench = try LaneBench(routes: derived(), topics: [])
        #expect(bench.publish("s/a", "x", ticket: 1) == .accepted(.early))
        bench.run { !bench.creations.isEmpty }
        try bench.carryOut(bench.creations[0])
        try bench.delete("s.a")
        bench.run { bench.lane.isIdle }
        #expect(bench.failures == [.closed])
        #expect(bench.pool.used == .zero)
    }

    @Test func `topics of durability memory are acknowledged when the burst ends`() throws {
        let bench = try LaneBench(routes: derived(), topics: [])
        try bench.make("s.a", 1, ["durability": "memory"])
        #expect(bench.publish("s/a", "x", ticket: 1) == .accepted(.early))
        #expect(bench.acknowledged.isEmpty, "never inside of its own publish")
        bench.lane.burstEnded()
        #expect(bench.stored.map(\.ticket) == [1])
        bench.run { bench.requests.count == 1 }
        #expect(!bench.requests[0].needsSync)
        bench.reply(bench.requests[0], .failure(.closed))
        bench.run { bench.lane.isIdle }
        #expect(bench.acknowledged.count == 1)
        #expect(bench.lane.counters.dropped.count == 1)
    }

    @Test func `at QoS 2 a topic of durability memory answers once the log has the record`() throws
    {
        let bench = try LaneBench(routes: derived(), topics: [])
        try bench.make("s.a", 1, ["durability": "memory"])
        _ = bench.publish("s/a", "x", ticket: 1, client: "c", receipt: 5)
        bench.lane.burstEnded()
        bench.run { bench.requests.count == 1 }
        #expect(bench.acknowledged.isEmpty, "its release could come before it")
        #expect(bench.sent.first?.headers == ["mqtt.qos=2", "mqtt.client=c", "mqtt.receipt=9:5"])
        bench.reply(bench.requests[0], .success(.zero))
        bench.run { bench.lane.isIdle }
        #expect(bench.stored.map(\.ticket) == [1])
    }

    @Test func `live delivery waits for the sync where the route says so, at QoS 0 as well`() throws
    {
        let bench = try LaneBench(
            routes: derived(("live", "synced")) + routes([("filter", "#"), ("topic", "rest")]),
            topics: [("s.a", 1), ("rest", 1)]
        )
        var tickets: [LiveTicket] = []
        for ticket in [1, nil] as [UInt32?] {
            guard case .accepted(.afterSync(let live)) = bench.publish("s/a", "x", ticket: ticket)
            else { return #expect(Bool(false), "it waits") }
            tickets.append(live)
            bench.lane.burstEnded()
        }
        #expect(bench.publish("elsewhere", "x", ticket: nil) == .accepted(.early))
        bench.run { bench.requests.count == 2 }
        #expect(bench.requests.map(\.needsSync) == [true, true])
        #expect(bench.settled.isEmpty)
        bench.reply(bench.requests[0], .success(.zero))
        bench.reply(bench.requests[1], .failure(.closed))
        bench.run { !bench.settledFailures.isEmpty }
        #expect(bench.settled == [tickets[0]])
    }

    @Test func `records for a topic of the broker's own go there by its handle`() throws {
        let bench = try LaneBench(topics: [("mqtt", 1), ("own", 1)])
        let topic = try #require(TopicName("own"))
        let entry = try #require(bench.catalog.snapshot.topic(named: topic)?.partition(0))
        let token = AckToken(connection: 1, ticket: 5, bytes: 0)
        let isTaken = withBytes("key", "value", "") { key, value, _ in
            bench.lane.append(
                to: entry.handle,
                key: key,
                value: value,
                at: Timestamp(milliseconds: 1),
                token: token
            )
        }
        #expect(isTaken)
        store(bench) { bench.lane.isIdle }
        #expect(bench.stored == [token])
        #expect(bench.sent == [SentRecord(key: "key", value: "value")])
    }
}
