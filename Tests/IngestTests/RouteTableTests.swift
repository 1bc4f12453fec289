import BrokerModel
import Ingest
import MQTTWire
import Testing

@Suite struct RouteTableTests {
    @Test(arguments: [
        ("#", "a", true), ("#", "a/b", true), ("#", "/", true), ("#", "$SYS/x", false),
        ("+/x", "$SYS/x", false), ("$SYS/#", "$SYS/x", true), ("$SYS/#", "$SYS", true),
        ("$SYS/+", "$SYS/x", true), ("a/#", "a", true), ("a/#", "a/", true), ("a/#", "ab", false),
        ("a/#", "a/b/c", true), ("a/+/c", "a/b/c", true), ("a/+/c", "a//c", true),
        ("a/+/c", "a/b/d", false), ("a/+/c", "a/b", false), ("a/+", "a", false),
        ("a/+", "a/", true), ("+", "a", true), ("+", "a/b", false), ("+/+", "/", true),
        ("/+", "/a", true), ("/+", "a", false), ("a", "a", true), ("a", "a/", false),
        ("a/", "a/", true), ("a/", "a", false), ("a/b", "a/bc", false), ("a/bc", "a/b", false),
        ("+/b/#", "a/b", true), ("+/b/#", "a/b/c/d", true), ("+/b/#", "a/c", false),
    ])
    func `a filter matches by MQTT's rules`(filter: String, topic: String, expected: Bool) throws {
        let filter = try #require(TopicFilter(filter))
        #expect(Array(topic.utf8).withUnsafeBytes { filter.matches($0) } == expected)
    }

    @Test func `a row is a route`() throws {
        let made = try routes(
            [
                ("topic", "t.{1}"), ("filter", "a/+"), ("partitions", "3"),
                ("durability", "written"), ("settings.retention.ms", "60000"),
                ("key", "level 2"), ("live", "synced"), ("headers.site", "north"),
            ]
        )
        #expect(made.count == 1)
        #expect(made[0].partitions == 3)
        #expect(made[0].overrides == ["durability": "written", "retention.ms": "60000"])
        #expect(made[0].topic.literal == nil)
    }

    /// The row, the cell and the reason with which these rows are refused.
    private func refusal(_ rows: [(String, String)]...) -> ConfigurationTableError? {
        var settings = IngestSettings()
        let cells = rows.map { $0.map { ConfigurationCell(key: $0.0, value: $0.1) } }
        do throws(ConfigurationTableError) {
            for table in IngestSettings.tables { try table.apply(cells, to: &settings) }
            return nil
        } catch {
            #expect(settings.routes.count == 1, "nothing is taken over")
            return error
        }
    }

    @Test(arguments: [
        ("filter", "a/#/b"), ("filter", "$share/g/a"), ("filter", ""), ("topic", "__x"),
        ("topic", "a b"), ("topic", "{1}{2}"), ("key", "constant"), ("key", "level x"),
        ("key", "level client"), ("key", "json:"), ("partitions", "0"), ("partitions", "x"),
        ("live", "soon"), ("durability", "never"), ("settings.retention.ms", "1h"),
        ("headers.x", "{y}"), ("headers.", "x"), ("headers.mqtt.qos", "2"),
    ])
    func `a value that is none is refused where it stands`(key: String, value: String) throws {
        let rows = [("filter", "a/#"), ("topic", "t")].filter { $0.0 != key } + [(key, value)]
        let error = refusal([("filter", "b"), ("topic", "b")], rows)
        #expect(error?.row == 1)
        if value.isEmpty {
            guard case .refused("filter", _)? = error?.reason else {
                return #expect(Bool(false), "\(String(describing: error))")
            }
        } else {
            guard case .badValue(key, value, _)? = error?.reason else {
                return #expect(Bool(false), "\(String(describing: error))")
            }
            #expect(error?.cell == rows.count - 1)
        }
    }

    @Test func `a route lacks neither filter nor topic`() {
        #expect(refusal([("topic", "t")])?.reason.refusedKey == "filter")
        #expect(refusal([("filter", "a")])?.reason.refusedKey == "topic")
        #expect(
            refusal([("filter", "a"), ("topic", "t"), ("kye", "x")])?.reason == .unknownKey("kye")
        )
    }

    @Test(arguments: [
        ("topic", "t.{3}"), ("key", "level 3"), ("key", "{1}/{3}"), ("headers.line", "{4}"),
    ])
    func `a level that no matching topic has is refused`(key: String, value: String) {
        let rows = [("filter", "a/+"), ("topic", "t")].filter { $0.0 != key } + [(key, value)]
        let error = refusal(rows)
        #expect(error?.reason.refusedKey == key)
        #expect(error?.cell == rows.count - 1)
    }
}

extension ConfigurationTableError.Reason {
    fileprivate var refusedKey: String? {
        if case .refused(let key, _) = self { key } else { nil }
    }
}
