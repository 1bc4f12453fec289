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
        ("cleanup.policy", "compress"), ("cleanup.policy", "delete,"),
        ("cleanup.policy", "compact,compact"), ("compression.type", "none"),
        ("compression.gzip.level", "0"), ("min.cleanable.dirty.ratio", "1.5"),
        ("durability", "Durable"),
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

    @Test(arguments: [
        ("delete", "delete"), ("compact", "compact"), ("delete, compact", "compact,delete"),
        ("", ""),
    ])
    func `a cleanup policy is a list, and may be empty`(
        text: String,
        shown: String
    ) throws {
        let settings = try TopicSettings().applying(["cleanup.policy": text])
        #expect(settings.cleanup.contains(.compact) == text.contains("compact"))
        let key = try #require(TopicSettings.keys.first { $0.name == "cleanup.policy" })
        #expect(key.text(in: settings) == shown)
        #expect(RetentionPolicy(settings).keepsEverything == !text.contains("delete"))
    }

    @Test func `the least lag of compaction is not above the largest`() throws {
        let defaults = try TopicSettings().applying(["max.compaction.lag.ms": "5000"])
        do {
            _ = try defaults.applying(["min.compaction.lag.ms": "5001"])
            Issue.record("it was taken")
        } catch {
            #expect(error.key == "min.compaction.lag.ms")
        }
        #expect(
            try defaults.applying(["min.compaction.lag.ms": "5000"]).compaction.lagMin
                == .seconds(5)
        )
    }

    @Test func `the largest lag of compaction seals segments of compacted topics`() throws {
        let lag = ["max.compaction.lag.ms": "1000"]
        #expect(try TopicSettings().applying(lag).logSettings.segmentAge == .days(7))
        let both = lag.merging(["cleanup.policy": "compact"]) { $1 }
        #expect(try TopicSettings().applying(both).logSettings.segmentAge == .seconds(1))
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
