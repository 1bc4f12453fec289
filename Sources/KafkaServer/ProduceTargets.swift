import BrokerModel
import KafkaWire
import Partitions

/// Finds the topics that producers name. Takes a new snapshot of the catalog only when there is
/// one, and remembers the last topic: most requests name it again.
final class ProduceTargets {
    private let catalog: TopicCatalog
    private var generation = Int.min
    private var snapshot = TopicCatalogSnapshot(topics: [])
    private var last: TopicEntry?

    init(_ catalog: TopicCatalog) { self.catalog = catalog }

    /// From version 13 on producers name topics by id (KIP-516).
    func topic(_ wanted: ProduceRequest.Topic, version: Int16) -> TopicEntry? {
        let generation = catalog.generation
        if generation != self.generation {
            self.generation = generation
            snapshot = catalog.snapshot
            last = nil
        }
        if let last, version >= 13 ? last.id == wanted.id : last.name.description == wanted.name {
            return last
        }
        last =
            version >= 13
            ? snapshot.topic(id: wanted.id)
            : TopicName(wanted.name).flatMap { snapshot.topic(named: $0) }
        return last
    }
}
