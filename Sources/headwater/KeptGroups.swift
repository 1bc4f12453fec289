import BrokerModel
import CommitLog
import KafkaServer
import KafkaSessions
import Partitions

/// Gives consumer groups their internal topic, and what that holds.
struct KeptGroups {
    let store: PartitionStore
    let log: BrokerLog

    /// A topic that cannot be opened or made stops no start: then no group is served, as nobody
    /// could say what it had committed.
    func restore(into kafka: KafkaService) {
        guard let partition = openTopic()?.partition(0) else { return }
        let report = kafka.keepGroups(in: partition)
        for error in report.damaged {
            log.error(
                "committed offsets or groups may be missing or older than they were",
                ["partition": "\(GroupRecord.topic)-0", "reason": "\(error)"]
            )
        }
        guard report.records > 0 else { return }
        log.info(
            "consumer groups restored",
            [
                "groups": "\(report.groups)", "offsets": "\(report.offsets)",
                "records": "\(report.records)", "unreadable": "\(report.unreadable)",
            ]
        )
    }

    private func openTopic() -> TopicEntry? {
        guard let name = TopicName(GroupRecord.topic) else { return nil }
        if let known = TopicCatalogSnapshot(of: store).topic(named: name) {
            guard known.partition(0) == nil else { return known }
            log.error(
                "consumer groups are not served: their topic is offline; set its folder aside",
                ["topic": "\(name)"]
            )
            return nil
        }
        var random = SystemRandomNumberGenerator()
        do throws(TopicError) {
            return try store.createTopic(
                name,
                id: .random(using: &random),
                partitions: 1,
                overrides: Self.overrides
            )
        } catch {
            log.error(
                "consumer groups are not served: their topic cannot be made",
                ["topic": "\(name)", "reason": "\(error)"]
            )
            return nil
        }
    }

    /// Kept for ever, and compacted: a start reads what is left, and one segment that is not yet.
    private static let overrides = [
        "cleanup.policy": "compact", "retention.ms": "-1", "retention.bytes": "-1",
        "segment.bytes": "\(ByteCount.mebibytes(16).rawValue)",
    ]
}
