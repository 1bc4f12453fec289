import BrokerModel
import CommitLog
import Ingest
import Partitions
import Testing

/// What routes make of publishes, up to the batches that leave the lane.
@Suite struct RoutedLaneTests {
    /// Runs until so many batches were sent, and returns their records by partition.
    private func records(of bench: LaneBench, batches: Int) throws -> [String: [SentRecord]] {
        bench.lane.burstEnded()
        bench.run { bench.requests.count >= batches }
        var found: [String: [SentRecord]] = [:]
        for request in bench.requests {
            let place = try #require(bench.topicPartition(request))
            found[place, default: []] += try request.records()
        }
        return found
    }

    @Test func `the first route that matches takes a publish`() throws {
        let bench = try LaneBench(
            routes: routes(
                [("filter", "a/b"), ("topic", "first")],
                [("filter", "a/+"), ("topic", "second"), ("key", "none")],
                [("filter", "$SYS/#"), ("topic", "system"), ("key", "level 2")]
            ),
            topics: [("first", 1), ("second", 1), ("system", 1)]
        )
        for topic in ["a/b", "a/c", "$SYS/load"] {
            #expect(bench.publish(topic, "x", ticket: 1) == .accepted(.early))
        }
        #expect(bench.publish("b", "x", ticket: 1) == .noRoute)
        #expect(bench.publish("b", "x", ticket: nil) == .noRoute)
        let found = try records(of: bench, batches: 3)
        #expect(found["first-0"]?.map(\.key) == ["a/b"])
        #expect(found["second-0"]?.map(\.key) == [nil])
        #expect(found["system-0"]?.map(\.key) == ["load"])
    }

    @Test func `a route whose topic needs a level that is missing leaves the publish to the next`()
        throws
    {
        let bench = try LaneBench(
            routes: routes(
                [("filter", "a/#"), ("topic", "t.{2}")],
                [("filter", "#"), ("topic", "rest")]
            ),
            topics: [("t.b", 1), ("rest", 1)]
        )
        for topic in ["a/b", "a", "c"] { _ = bench.publish(topic, "x", ticket: nil) }
        let found = try records(of: bench, batches: 2)
        #expect(found["t.b-0"]?.map(\.key) == ["a/b"])
        #expect(found["rest-0"]?.map(\.key) == ["a", "c"])
    }

    @Test func `a key's partition is the one that Kafka's clients choose`() throws {
        let bench = try LaneBench(
            routes: routes([("filter", "p/+/t"), ("topic", "t"), ("key", "level 2")]),
            topics: [("t", 3)]
        )
        for round in 0..<2 {
            for line in ["line1", "line2", "line3", "line4"] {
                #expect(
                    bench.publish("p/\(line)/t", "\(round)", ticket: nil) == .accepted(.early)
                )
            }
        }
        let found = try records(of: bench, batches: 1)
        for (place, records) in found {
            for record in records {
                let key = try #require(record.key)
                let number = Array(key.utf8).withUnsafeBytes {
                    Murmur2.partition(ofKey: $0, among: 3)
                }
                #expect(place == "t-\(number)", "\(key)")
            }
        }
        #expect(found.values.map(\.count).reduce(0, +) == 8)
        #expect(bench.lane.counters.cacheMisses.count == 4)
    }

    @Test func `records without a key stay together until their batch is sealed`() throws {
        let bench = try LaneBench(
            routes: routes([("filter", "#"), ("topic", "t"), ("key", "none")]),
            topics: [("t", 3)]
        )
        for burst in 1...6 {
            for _ in 0..<4 { _ = bench.publish("a", "x", ticket: nil) }
            bench.lane.burstEnded()
            bench.run { bench.requests.count == burst }
        }
        #expect(bench.requests.map(\.batch.recordCount) == [4, 4, 4, 4, 4, 4])
        let places = bench.requests.compactMap { bench.topicPartition($0) }
        #expect(places == ["t-0", "t-1", "t-2", "t-0", "t-1", "t-2"])
    }

    @Test func `a key comes from a field of the payload, or there is none`() throws {
        let bench = try LaneBench(
            routes: routes([("filter", "#"), ("topic", "t"), ("key", "json:device.id")]),
            topics: [("t", 1)]
        )
        for payload in [#"{"device":{"id":"d1"}}"#, "plain", #"{"device":{"id":7}}"#] {
            _ = bench.publish("a", payload, ticket: nil)
        }
        let found = try records(of: bench, batches: 1)
        #expect(found["t-0"]?.map(\.key) == ["d1", nil, "7"])
        #expect(bench.lane.counters.keyless.count == 1)
    }

    @Test func `headers stand behind those of the publish, without those that lack a value`() throws
    {
        let bench = try LaneBench(
            routes: routes([
                ("filter", "a/#"), ("topic", "t"), ("headers.site", "{{north}}"),
                ("headers.line", "{2}"), ("headers.who", "{client}"), ("headers.all", "<{topic}>"),
            ]),
            topics: [("t", 1)]
        )
        _ = bench.publish("a/b", "x", ticket: nil, client: "c1")
        _ = bench.publish("a", "x", ticket: nil)
        _ = bench.publish("a/b", "x", ticket: nil, client: "c2")
        let found = try records(of: bench, batches: 1)
        #expect(
            found["t-0"]?.map(\.headers) == [
                ["mqtt.qos=0", "site={north}", "line=b", "who=c1", "all=<a/b>"],
                ["mqtt.qos=0", "site={north}", "all=<a>"],
                ["mqtt.qos=0", "site={north}", "line=b", "who=c2", "all=<a/b>"],
            ]
        )
    }

    @Test func `clients with topics of their own never get another's`() throws {
        let bench = try LaneBench(
            routes: routes(
                [("filter", "up"), ("topic", "of.{client}"), ("key", "client")],
                [("filter", "up"), ("topic", "nobody"), ("key", "client")]
            ),
            topics: [("of.a", 1), ("of.b", 1), ("nobody", 1)]
        )
        for client in ["a", "b", "", "a", "b", ""] {
            _ = bench.publish("up", "x", ticket: nil, client: client)
        }
        let found = try records(of: bench, batches: 3)
        #expect(found["of.a-0"]?.map(\.key) == ["a", "a"])
        #expect(found["of.b-0"]?.map(\.key) == ["b", "b"])
        #expect(found["nobody-0"]?.map(\.key) == [nil, nil])
    }

    @Test func `more topics than are remembered still go where they belong`() throws {
        var settings = IngestSettings()
        settings.routeCacheEntries = 64
        let bench = try LaneBench(
            settings: settings,
            routes: routes([("filter", "+/+"), ("topic", "t"), ("key", "{2}.{1}")]),
            topics: [("t", 2)]
        )
        for _ in 0..<2 {
            for number in 0..<300 { _ = bench.publish("a/\(number)", "\(number)", ticket: nil) }
        }
        let found = try records(of: bench, batches: 2)
        for (place, records) in found {
            for record in records {
                #expect(record.key == "\(record.value).a")
                let number = Array((record.key ?? "").utf8).withUnsafeBytes {
                    Murmur2.partition(ofKey: $0, among: 2)
                }
                #expect(place == "t-\(number)")
            }
        }
        #expect(found.values.map(\.count).reduce(0, +) == 600)
        #expect(bench.lane.counters.cacheEvictions.count > 200)
    }

    @Test func `what is too long to be remembered is worked out each time`() throws {
        let bench = try LaneBench(
            routes: routes([("filter", "+/#"), ("topic", "t"), ("key", "{1}")]),
            topics: [("t", 1)]
        )
        let long = String(repeating: "x", count: 2_000)
        for _ in 0..<3 { _ = bench.publish("a/\(long)", "x", ticket: nil) }
        let found = try records(of: bench, batches: 1)
        #expect(found["t-0"]?.map(\.key) == ["a", "a", "a"])
        #expect(bench.lane.counters.cacheMisses.count == 3)
    }
}
