import AdminServer
import BrokerModel
import CommitLog
import Partitions
import Posix

// The log, the disk under it, and the partitions one by one.
extension BrokerMetrics {
    func storage(_ page: inout MetricsPage) {
        let shard = vitals.shard
        page.counter("headwater_log_batches_total", "Batches appended.", shard.batches.count)
        page.counter("headwater_log_records_total", "Records appended.", shard.records.count)
        page.counter(
            "headwater_log_bytes_total",
            "Bytes of batches appended, as they are stored.",
            shard.bytes.count
        )
        page.counter(
            "headwater_log_failed_batches_total",
            "Batches that were not stored, by what failed.",
            [
                MetricSample("operation", "append", shard.batchesFailed.count),
                MetricSample("operation", "sync", shard.batchesUnsynced.count),
            ]
        )
        page.counter(
            "headwater_log_lost_records_total",
            "Records whose publishers did not wait for the sync that then failed.",
            shard.unacknowledgedRecordsLost.count
        )
        page.counter(
            "headwater_log_failed_commits_total",
            "Syncs failed.",
            shard.commitsFailed.count
        )
        page.histogram(
            "headwater_log_commit_duration_seconds",
            "How long the syncs of one commit took.",
            [([], shard.commits.snapshot)]
        )
        page.histogram(
            "headwater_log_append_duration_seconds",
            "From a batch's request to its answer: waiting, writing and syncing.",
            [([], shard.appends.snapshot)]
        )
        page.histogram(
            "headwater_log_work_duration_seconds",
            "How long the storage thread worked at a burst with its commit, or at upkeep.",
            [([], shard.work.latency.snapshot)]
        )
        upkeep(&page)
        disk(&page)
    }

    private func upkeep(_ page: inout MetricsPage) {
        let shard = vitals.shard
        page.counter(
            "headwater_retention_deleted_segments_total",
            "Segments that retention deleted, by why.",
            [
                MetricSample("reason", "time", shard.segmentsExpired.count),
                MetricSample("reason", "size", shard.segmentsOversize.count),
            ]
        )
        page.counter(
            "headwater_retention_deleted_bytes_total",
            "Bytes that retention deleted.",
            shard.bytesRetired.count
        )
        page.counter(
            "headwater_retention_failures_total",
            "Segments that could not be deleted.",
            shard.retentionFailures.count
        )
        cleaning(&page)
        page.counter(
            "headwater_offset_gaps_total",
            "Gaps in offsets that unclean starts left, and that were recorded.",
            shard.gaps.count
        )
        page.counter(
            "headwater_topic_changes_total",
            "Topics created and deleted, by whomever.",
            [
                MetricSample("change", "created", shard.topicsCreated.count),
                MetricSample("change", "deleted", shard.topicsDeleted.count),
            ]
        )
    }

    private func disk(_ page: inout MetricsPage) {
        guard let opened = vitals.opened else { return }
        let disk = opened.disk
        page.gauge(
            "headwater_log_open_segments",
            "Sealed segments whose files are open for readers.",
            Double(opened.openSegments.count)
        )
        page.counter(
            "headwater_disk_written_bytes_total",
            "Bytes written to files; what the disk itself writes is more.",
            disk.bytesWritten.count
        )
        page.counter(
            "headwater_disk_read_bytes_total",
            "Bytes read from files.",
            disk.bytesRead.count
        )
        page.counter("headwater_disk_syncs_total", "Syncs of files and folders.", disk.syncs.count)
        guard let space = vitals.diskSpace else { return }
        page.gauge(
            "headwater_disk_available_bytes",
            "Room on the disk of the data folder.",
            Double(space.availableBytes)
        )
        page.gauge(
            "headwater_disk_size_bytes",
            "Size of the disk of the data folder.",
            Double(space.totalBytes)
        )
    }

    /// Each partition is a row, up to a bound; what is beyond it is summed into one.
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
        func gauge(_ name: String, _ help: String, _ value: (PartitionRow) -> Int64) {
            page.gauge(name, help, shown.map { MetricSample($0.labels, Double(value($0))) })
        }
        gauge(
            "headwater_partition_log_start_offset",
            "The first offset that is kept.",
            \.logStartOffset
        )
        gauge(
            "headwater_partition_high_watermark_offset",
            "The offset after the last record that is synced, and so visible.",
            \.highWatermark
        )
        var rows = shown.map { MetricSample($0.labels, Double($0.records)) }
        if !others.isEmpty {
            let sum = others.reduce(0) { $0 + $1.records }
            rows.append(MetricSample("topic", "(others)", Int(sum)))
        }
        page.gauge("headwater_partition_records", "Offsets from the first to the last kept.", rows)
    }
}

/// What a partition shows of itself.
private struct PartitionRow {
    let labels: [(name: String, value: String)]
    let logStartOffset: Int64
    let highWatermark: Int64
    var records: Int64 { highWatermark - logStartOffset }

    /// An offline partition has no reader, and shows zeros.
    init(_ topic: TopicEntry, _ number: Int, _ reader: PartitionReader?) {
        labels = [("topic", "\(topic.name)"), ("partition", "\(number)")]
        logStartOffset = reader?.logStartOffset.rawValue ?? 0
        highWatermark = reader?.highWatermark.rawValue ?? 0
    }
}
