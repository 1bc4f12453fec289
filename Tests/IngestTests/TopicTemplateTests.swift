import BrokerModel
import HeadwaterTesting
import Ingest
import Testing

@Suite struct TopicTemplateTests {
    /// The name that a template makes; nil when it makes none.
    private func name(_ template: String, _ topic: String, client: String = "") throws -> String? {
        let template = try #require(TopicTemplate(template))
        return withBytes(topic, client, "") { topic, client, _ in
            template.name(topic: topic, client: client)?.description
        }
    }

    @Test(
        arguments: [
            ("sensors.{2}", "plant/line1/t", "sensors.line1"),
            ("sensors.{2}", "plant/living_room/t", "sensors.living_room"),
            ("sensors.{2}", "plant/esp32-kitchen", "sensors.esp32-kitchen"),
            ("sensors.{1}.{3}", "a/b/c", "sensors.a.c"),
            ("{topic}", "plant/line1/temperature", "plant.line1.temperature"),
            ("x.{topic}.y", "a//b/", "x.a...00.b...00.y"),
            ("{2}", "a/v1.2", "v1..2e2"),
            ("{2}", "a/00:1b", "00..3a1b"),
            ("{2}", "a/my room", "my..20room"),
            ("{2}", "a/é", "..c3..a9"),
            ("{2}", "a/", "..00"),
            ("{1}", "$SYS/x", "..24SYS"),
            ("{1}", "./x", "..2e"), ("{1}", "../x", "..2e..2e"),
            ("{1}", "__x/y", "_..5fx"), ("_{1}", "_x", "_..5fx"), ("{1}", "_x", "_x"),
            ("a_{1}", "_x", "a__x"), ("{1}", "___", "_..5f_"),
            ("{1}-{{", "a", nil), ("{1}.raw", "a", "a.raw"),
        ] as [(String, String, String?)]
    )
    func `a level's name stands for itself as far as Kafka's names allow`(
        template: String,
        topic: String,
        expected: String?
    ) throws {
        guard let expected else { return #expect(TopicTemplate(template) == nil) }
        let made = try name(template, topic)
        #expect(made == expected)
    }

    @Test func `the client's name is escaped like a level`() throws {
        #expect(try name("by.{client}", "x", client: "a b") == "by.a..20b")
        #expect(try name("by.{client}", "x") == nil)
    }

    @Test func `a level that is not there makes no name`() throws {
        #expect(try name("x.{3}", "a/b") == nil)
        #expect(try name("x.{3}", "a/b/") == "x...00")
    }

    @Test func `a name that is too long is none`() throws {
        let level = String(repeating: "x", count: 248)
        #expect(try name("{1}", level + "x")?.utf8.count == 249)
        #expect(try name("{1}", level + "xx") == nil)
        #expect(try name("{1}", String(repeating: ":", count: 63)) == nil)
    }

    @Test(arguments: [
        "", "a b", "a/b", "__x", "__{1}", "{0}", "{-1}", "{129}", "{01}", "{x}", "{", "}", "{1",
        "{1}{2}", "{1}-{2}", "{1}.{2}_{3}", "a..{1}", "{topic}.{topic}", "..", "é", "{1}..{2}",
    ])
    func `a template whose names could be illegal, internal or ambiguous is refused`(
        template: String
    ) {
        #expect(TopicTemplate(template) == nil)
    }

    /// Levels of the characters that the escape is about.
    private func level(_ random: inout SeededGenerator, from pieces: [String]) -> String {
        (0..<random.below(6)).map { _ in pieces[random.below(pieces.count)] }.joined()
    }

    @Test(arguments: [1, 2, 3, 20_261_121] as [UInt64])
    func `escaped levels are legal, can be read back, and never collide`(seed: UInt64) throws {
        let pieces = ["_", "-", ".", "a", "2", "e", "5f", "..", "é", " ", ":", "x", "00", "$"]
        let templates = ["{1}.{2}", "_{1}.{2}", "{1}.-{2}", "x{1}-.{2}y", "{2}.x.{1}", "{topic}"]
        var random = SeededGenerator(seed: seed)
        for text in templates {
            let template = try #require(TopicTemplate(text))
            var made: [String: String] = [:]
            for _ in 0..<3_000 {
                let (a, b) = (level(&random, from: pieces), level(&random, from: pieces))
                let topic = "\(a)/\(b)"
                let name = withBytes(topic, "", "") { topic, client, _ in
                    template.name(topic: topic, client: client)
                }
                guard let name else { continue }
                #expect(!name.isInternal, "\(topic) seed \(seed)")
                #expect(template.yields(name), "\(text): \(name) seed \(seed)")
                if let known = made[name.description], known != topic {
                    Issue.record("\(known) and \(topic) are both \(name), seed \(seed)")
                }
                made[name.description] = topic
            }
            #expect(made.count > 500, "seed \(seed)")
        }
    }

    @Test(arguments: [5, 6] as [UInt64])
    func `any bytes of a level come back from its escape`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<5_000 {
            let level = (0..<random.below(20)).map { _ in UInt8(random.within(1...255)) }
            var output = ByteWriter()
            level.withUnsafeBytes { NameEscape.write($0, to: &output, nameStart: 0) }
            let escaped = Array(output.bytes)
            #expect(NameEscape.read(escaped) == level, "\(level) seed \(seed)")
        }
    }

    @Test(arguments: [
        ("sensors.{2}", "sensors.a", true), ("sensors.{2}", "sensors.a.b", false),
        ("sensors.{2}", "sensor.a", false), ("sensors.{2}", "sensors.", false),
        ("sensors.{2}", "sensors.a..2eb", true), ("sensors.{2}", "sensors.a..2E", false),
        ("sensors.{2}", "sensors.a..61", false), ("{topic}", "a.b.c", true),
        ("{topic}.raw", "a.b.raw", true), ("{topic}.raw", "a.b.raw2", false),
        ("x.{topic}.{client}", "x.a.b", true), ("x.{topic}.{client}", "x.a", false),
        ("mqtt", "mqtt", true), ("mqtt", "mqtt2", false),
    ])
    func `a name is known as one that a template makes`(
        template: String,
        name: String,
        expected: Bool
    ) throws {
        let name = try #require(TopicName(name))
        #expect(try #require(TopicTemplate(template)).yields(name) == expected)
    }
}
