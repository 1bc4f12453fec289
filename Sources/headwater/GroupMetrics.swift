import AdminServer
import BrokerModel
import KafkaServer
import KafkaSessions
import Partitions

// Consumer groups, how far they have read, and the sessions of fetches.
extension BrokerMetrics {
    func groups(_ page: inout MetricsPage) {
        let groups = vitals.groups
        page.gauge(
            "headwater_kafka_groups",
            "Consumer groups by state.",
            GroupState.allCases.map {
                MetricSample("state", $0.rawValue, groups.groups(in: $0).value)
            }
        )
        page.gauge(
            "headwater_kafka_group_members",
            "Members of all consumer groups.",
            Double(groups.members.value)
        )
        page.counter(
            "headwater_kafka_group_rebalances_total",
            "Rebalances that ended in an assignment.",
            groups.rebalances
        )
        page.counter(
            "headwater_kafka_group_departures_total",
            "Members that went, by how.",
            by: "reason",
            [
                ("left", groups.membersLeft), ("expired", groups.membersExpired),
                ("replaced", groups.fenced),
            ]
        )
        page.counter(
            "headwater_kafka_group_refusals_total",
            "Joins and assignments refused: too many groups, or too little memory.",
            groups.refused
        )
        offsets(&page)
        lag(&page)
    }

    private func offsets(_ page: inout MetricsPage) {
        let kafka = vitals.kafka
        page.counter(
            "headwater_kafka_committed_offsets_total",
            "Offsets that groups committed, and those that were forgotten, by what became of them.",
            by: "outcome",
            [
                ("kept", kafka.offsetsCommitted), ("refused", kafka.offsetsRefused),
                ("expired", kafka.offsetsExpired), ("topic deleted", kafka.offsetsOfDeletedTopics),
            ]
        )
        page.counter(
            "headwater_kafka_group_failed_writes_total",
            "Writes about groups that the log failed.",
            kafka.groupWritesFailed
        )
        page.counter(
            "headwater_kafka_group_journal_waits_total",
            "Requests about groups that waited until the log had taken others.",
            kafka.journalWaits
        )
    }

    /// Each partition that a group has committed is a row, up to the same bound as partitions.
    private func lag(_ page: inout MetricsPage) {
        let topics = vitals.catalog.snapshot
        let snapshot = vitals.groupLag.current
        let shown = snapshot.entries.prefix(partitionsMax)
        page.gauge(
            "headwater_kafka_group_lag_records",
            "Offsets that a group has yet to read of a partition.",
            shown.compactMap { entry in
                entry.lag(in: topics).map { lag in
                    MetricSample(
                        [
                            ("group", entry.group), ("topic", entry.topic),
                            ("partition", "\(entry.partition)"),
                        ],
                        Double(lag)
                    )
                }
            }
        )
        page.gauge(
            "headwater_kafka_group_lags_without_metrics",
            "Committed offsets past metrics.partitions.max, whose lag is not shown.",
            Double(snapshot.entries.count - shown.count + snapshot.omitted)
        )
    }
}
