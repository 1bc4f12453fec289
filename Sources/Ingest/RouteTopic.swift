import BrokerModel
import CommitLog
import Partitions

/// One Kafka topic that routes write to, as one lane sees it.
final class RouteTopic {
    let name: TopicName
    /// True for a topic that a route derives from what devices send: `route.topics.max` counts it.
    let isDerived: Bool
    /// What was asked for while it is being made.
    var waiting: WaitingRecords?
    /// By partition number; nil for one that is offline. Empty until the topic is there.
    private(set) var handles: [PartitionHandle?] = []
    /// The queues that are attached now, at the same places.
    var queues: [PartitionQueue?] = []
    private(set) var id = UUIDBytes.zero
    /// Publishers are acknowledged before the log has answered (durability `memory`).
    private(set) var acknowledgesAtOnce = false
    /// What one batch of it may hold.
    private(set) var segmentBytes = ByteCount.zero
    /// Where records without a key go, until that batch is sealed.
    private var keyless = 0

    init(name: TopicName, isDerived: Bool) {
        self.name = name
        self.isDerived = isDerived
    }

    /// Takes over which partitions there are.
    func bind(_ entry: TopicEntry) {
        id = entry.id
        handles = entry.partitions.map { $0?.handle }
        queues = Array(repeating: nil, count: handles.count)
        keyless = 0
        acknowledgesAtOnce = entry.settings.durability == .memory
        segmentBytes = entry.settings.log.segmentBytes
    }

    /// The same partitions with other settings.
    func change(_ settings: TopicSettings, limits: IngestSettings) {
        acknowledgesAtOnce = settings.durability == .memory
        segmentBytes = settings.log.segmentBytes
        for queue in queues { queue?.fit(segmentBytes, limits) }
    }

    /// Where the next record without a key goes. As Kafka's clients do, one partition gets all of
    /// them until its batch is full (KIP-480).
    func keylessPartition() -> Int {
        guard handles[keyless] == nil else { return keyless }
        keyless = handles.firstIndex { $0 != nil } ?? keyless
        return keyless
    }

    /// The batch of this partition is sealed: the next records without a key go elsewhere.
    func sealed(_ partition: Int) {
        guard partition == keyless else { return }
        for step in 1...handles.count {
            let next = (partition + step) % handles.count
            guard handles[next] != nil else { continue }
            keyless = next
            return
        }
    }
}
