import BrokerModel
import CommitLog
import RecordFormat
import Testing

@Suite struct TopicSettingsTests {
    @Test func `a topic overrides the broker's defaults one by one`() throws {
        var defaults = TopicSettings()
        defaults.retentionTime = .hours(2)
        let settings = try defaults.applying([
            "retention.bytes": "1048576", "durability": "written", "segment.ms": "60000",
            "message.timestamp.type": "LogAppendTime",
        ])
        #expect(settings.retentionTime == .hours(2))
        #expect(settings.retentionBytes == .mebibytes(1))
        #expect(settings.durability == .written)
        #expect(settings.log.segmentAge == .minutes(1))
        #expect(settings.timestampType == .logAppendTime)
        #expect(settings.log.segmentBytes == defaults.log.segmentBytes)
    }

    @Test func `minus one is unlimited`() throws {
        let overrides = ["retention.ms": "-1", "retention.bytes": "-1"]
        let settings = try TopicSettings().applying(overrides)
        #expect(settings.retentionTime == nil)
        #expect(settings.retentionBytes == nil)
    }

    @Test(arguments: [
        ("retention.ms", "-2"), ("retention.ms", "7d"), ("segment.bytes", "1"),
        ("cleanup.policy", "compact"), ("compression.type", "gzip"), ("durability", "Durable"),
        ("max.message.bytes", ""), ("retention.bytes", "9223372036854775808"),
    ])
    func `a value that a key does not take names the key and what is allowed`(
        key: String,
        value: String
    ) throws {
        do {
            _ = try TopicSettings().applying([key: value])
            Issue.record("\(key)=\(value) was taken")
        } catch {
            #expect(error.key == key && error.value == value)
            #expect(error.allowed?.isEmpty == false)
        }
    }

    @Test func `a key that no topic has is refused`() throws {
        let expected = TopicSettingsError(key: "min.isr", value: "1", allowed: nil)
        #expect(throws: expected) { try TopicSettings().applying(["min.isr": "1"]) }
    }

    @Test func `what a key shows is what it takes`() throws {
        for key in TopicSettings.keys {
            let text = key.text(in: TopicSettings())
            #expect(text == key.defaultText)
            let settings = try TopicSettings().applying([key.name: text])
            #expect(settings == TopicSettings(), "\(key.name)")
        }
    }

    @Test func `a broker's key takes milliseconds, a unit, or minus one`() throws {
        let key = try #require(
            TopicSettings.brokerKeys.first { $0.name == "log.retention.ms" }
        )
        var settings = TopicSettings()
        #expect(key.apply("90000", to: &settings) && settings.retentionTime == .seconds(90))
        #expect(key.apply("2h", to: &settings) && settings.retentionTime == .hours(2))
        #expect(key.apply("-1", to: &settings) && settings.retentionTime == nil)
        #expect(!key.apply("soon", to: &settings) && settings.retentionTime == nil)
    }

    @Test func `every broker key takes its own default`() {
        for key in TopicSettings.brokerKeys {
            var settings = TopicSettings()
            #expect(key.apply(key.defaultText, to: &settings), "\(key.name)=\(key.defaultText)")
            #expect(settings == TopicSettings(), "\(key.name)")
        }
    }
}
