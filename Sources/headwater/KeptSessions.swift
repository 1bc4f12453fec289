import BrokerModel
import CommitLog
import MQTTServer
import MQTTSessions
import Partitions

/// Gives the MQTT side its internal topic, and what that holds.
struct KeptSessions {
    let store: PartitionStore
    let catalog: TopicCatalog
    let log: BrokerLog
    /// What the sessions' pool holds bounds what a snapshot of them takes in the log.
    let sessionBytesMax: ByteCount

    /// A topic that cannot be opened or made stops no start: sessions then end with the broker.
    func restore(into server: MQTTServer) {
        guard let topic = openTopic(), let sessions = topic.partition(0) else { return }
        var restore = SessionRestore()
        let recovered = restore.run(sessions.reader, in: TopicCatalogSnapshot(of: store))
        let refused = server.keepSessions(
            in: sessions,
            of: catalog,
            recovered: recovered,
            isPartial: restore.report.isPartial
        )
        let report = restore.report
        for (partition, error) in report.damaged {
            log.error(
                "receipts of QoS 2 messages may be missing",
                ["partition": partition, "reason": "\(error)"]
            )
        }
        guard !recovered.sessions.isEmpty || report.recordsScanned > 0 else { return }
        let receipts = recovered.sessions.values.reduce(0) { $0 + $1.receipts.count }
        log.info(
            "sessions restored",
            [
                "sessions": "\(recovered.sessions.count - refused)", "refused": "\(refused)",
                "receipts": "\(receipts)", "records_scanned": "\(report.recordsScanned)",
                "unreadable": "\(report.unreadable)",
            ]
        )
    }

    private func openTopic() -> TopicEntry? {
        guard let name = TopicName(SessionJournalRecord.topic) else { return nil }
        if let known = TopicCatalogSnapshot(of: store).topic(named: name) {
            guard known.partition(0) == nil else { return known }
            log.error(
                "sessions are not kept: their topic is offline; set its folder aside",
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
                overrides: overrides
            )
        } catch {
            log.error(
                "sessions are not kept: their topic cannot be made",
                ["topic": "\(name)", "reason": "\(error)"]
            )
            return nil
        }
    }

    /// What stands before a snapshot is deleted once that is durable, in whole segments; nothing
    /// else deletes any of it.
    private var overrides: [String: String] {
        let segment = min(max(.mebibytes(16), sessionBytesMax), .gibibytes(1))
        return [
            "retention.ms": "-1", "retention.bytes": "-1", "segment.bytes": "\(segment.rawValue)",
        ]
    }
}
