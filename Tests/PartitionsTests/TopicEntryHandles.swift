import Partitions

extension TopicEntry {
    /// Of the partitions that are online.
    var handles: [PartitionHandle] { partitions.compactMap { $0?.handle } }
}
