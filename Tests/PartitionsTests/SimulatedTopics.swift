import BrokerModel
import CommitLog
import HeadwaterTesting

/// The topics that a simulated machine may have, and what its broker and they are told.
struct SimulatedTopics {
    struct Kind {
        let name: TopicName
        let partitions: Int
        let overrides: [String: String]
    }

    /// What the broker is told.
    let settings: TopicSettings
    /// What the test believes that it was told.
    let told: TopicSettings
    let all: [Kind]

    init(_ generator: inout SeededGenerator, retentionFactor: Int) {
        var settings = TopicSettings()
        settings.log.segmentBytes = ByteCount(generator.within(2_500...12_000))
        settings.log.segmentAge = .seconds(generator.within(2...60))
        settings.log.indexInterval = ByteCount(256)
        settings.retentionTime = nil
        settings.retentionBytes = ByteCount(generator.within(15_000...60_000))
        settings.fileDeleteDelay = .milliseconds(generator.below(5_000))
        var told = settings
        told.retentionBytes = settings.retentionBytes.map {
            ByteCount($0.rawValue * retentionFactor)
        }
        self.settings = settings
        self.told = told
        let time = ["retention.ms": String(generator.within(5_000...30_000))]
        let weak = [["durability": "written"], ["durability": "memory"]][generator.below(2)]
        all = [
            Self.kind("plant", 2, ["retention.bytes": "-1"]),
            Self.kind("alarms", 1, [:]),
            Self.kind("trend", 3, time),
            Self.kind("weak", 2, weak),
        ]
    }

    /// Something that a topic may be told while it is there.
    func change(_ generator: inout SeededGenerator) -> [String: String?] {
        switch generator.below(6) {
        case 0: ["retention.bytes": String(generator.within(15_000...60_000))]
        case 1: ["retention.bytes": nil, "retention.ms": "-1"]
        case 2: ["segment.ms": String(generator.within(1_000...60_000))]
        case 3: ["durability": "written"]
        case 4: ["durability": nil, "segment.ms": nil]
        default: ["retention.ms": String(generator.within(5_000...30_000))]
        }
    }

    private static func kind(
        _ name: String,
        _ partitions: Int,
        _ overrides: [String: String]
    ) -> Kind {
        guard let name = TopicName(name) else { preconditionFailure("a legal name") }
        return Kind(name: name, partitions: partitions, overrides: overrides)
    }
}
