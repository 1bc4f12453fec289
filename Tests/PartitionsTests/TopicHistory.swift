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
    let settings: TopicSettings
    let overrides: [String: String]
    let partitions: [PartitionHistory]
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
}
