import AdminServer
import BrokerModel
import CommitLog
import Partitions

// The partitions one by one: each is a row, up to a bound, and what is beyond it is summed into
// one.
extension BrokerMetrics {
    func partitions(_ page: inout MetricsPage) {
        let topics = vitals.catalog.snapshot.topics
        let all = topics.flatMap { topic in
            topic.partitions.enumerated().map { PartitionRow(topic, $0, $1?.reader) }
        }
        let shown = all.prefix(partitionsMax)
        let others = all.dropFirst(partitionsMax)
        page.gauge("headwater_topics", "Topics, internal ones included.", Double(topics.count))
        page.gauge("headwater_partitions", "Partitions of all topics.", Double(all.count))
        page.gauge(
            "headwater_partitions_failed",
            "Partitions that take no records: read-only or offline.",
            Double(vitals.failedPartitions.count)
        )
        page.gauge(
            "headwater_partitions_without_metrics",
            "Partitions past metrics.partitions.max, which share the row topic=\"(others)\".",
            Double(others.count)
        )
        func place(_ name: String, _ help: String, _ value: (PartitionRow) -> Int64) {
            page.gauge(name, help, shown.map { MetricSample($0.labels, Double(value($0))) })
        }
        func amount(_ name: String, _ help: String, _ value: (PartitionRow) -> Int64) {
            var rows = shown.map { MetricSample($0.labels, Double(value($0))) }
            if !others.isEmpty {
                rows.append(MetricSample("topic", "(others)", Int(others.sum(of: value))))
            }
            page.gauge(name, help, rows)
        }
        place(
            "headwater_partition_log_start_offset",
            "The first offset that is kept.",
            \.logStartOffset
        )
        place(
            "headwater_partition_high_watermark_offset",
            "The offset after the last record that readers see.",
            \.highWatermark
        )
        amount(
            "headwater_partition_records",
            "Offsets from the first to the last that readers see.",
            \.records
        )
        amount(
            "headwater_partition_unsynced_records",
            "Offsets that are written, and not shown before they are synced.",
            \.unsynced
        )
        amount(
            "headwater_partition_size_bytes",
            "What the partition's data files hold.",
            \.sizeInBytes
        )
    }
}

/// What a partition shows of itself.
struct PartitionRow {
    let labels: [(name: String, value: String)]
    let logStartOffset: Int64
    let highWatermark: Int64
    let unsynced: Int64
    let sizeInBytes: Int64
    var records: Int64 { highWatermark - logStartOffset }

    /// An offline partition has no reader, and shows zeros.
    init(_ topic: TopicEntry, _ number: Int, _ reader: PartitionReader?) {
        labels = [("topic", "\(topic.name)"), ("partition", "\(number)")]
        logStartOffset = reader?.logStartOffset.rawValue ?? 0
        highWatermark = reader?.highWatermark.rawValue ?? 0
        // Asked for last, and may have been cut back since by a sync that failed.
        unsynced = max(0, (reader?.logEndOffset.rawValue ?? 0) - highWatermark)
        sizeInBytes = Int64(reader?.sizeInBytes.rawValue ?? 0)
    }
}

extension Collection<PartitionRow> {
    func sum(of value: (PartitionRow) -> Int64) -> Int64 { reduce(0) { $0 + value($1) } }
}
