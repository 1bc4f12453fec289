import BrokerModel
import CommitLog
import Partitions

/// What a test knows of one topic from outside: how far its creation and deletion got, and what
/// was handed to its partitions.
final class TopicHistory {
    enum Life {
        /// Asked for, and neither reported nor refused: it may be there, or not.
        case beginning
        case present
        /// Its deletion was asked for and not reported.
        case ending
        case gone
    }

    let name: TopicName
    let id: UUIDBytes
    private(set) var settings: TopicSettings
    private(set) var overrides: [String: String]
    private(set) var partitions: [PartitionHistory]
    /// Asked for, and neither reported nor refused.
    var changing: (overrides: [String: String], settings: TopicSettings)?
    var growing: Int?
    var life = Life.beginning

    init(
        name: TopicName,
        id: UUIDBytes,
        settings: TopicSettings,
        overrides: [String: String],
        partitions: Int
    ) {
        self.name = name
        self.id = id
        self.settings = settings
        self.overrides = overrides
        self.partitions = (0..<partitions).map { _ in
            PartitionHistory(isDurable: settings.durability == .durable)
        }
    }

    func change(_ overrides: [String: String], _ settings: TopicSettings) {
        changing = nil
        self.overrides = overrides
        self.settings = settings
        for partition in partitions { partition.isDurable = settings.durability == .durable }
    }

    func grow(to count: Int) {
        growing = nil
        while partitions.count < count {
            partitions.append(PartitionHistory(isDurable: settings.durability == .durable))
        }
    }
}
