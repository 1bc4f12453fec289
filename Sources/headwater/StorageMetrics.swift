import AdminServer
import BrokerModel
import CommitLog
import Partitions
import Posix

// The log and the disk under it.
extension BrokerMetrics {
    func storage(_ page: inout MetricsPage) {
        let shard = vitals.shard
        page.counter("headwater_log_batches_total", "Batches appended.", shard.batches)
        page.counter("headwater_log_records_total", "Records appended.", shard.records)
        page.counter(
            "headwater_log_bytes_total",
            "Bytes of batches appended, as they are stored.",
            shard.bytes
        )
        page.counter(
            "headwater_log_failed_batches_total",
            "Batches that were not stored, by what failed.",
            by: "operation",
            [
                ("append", shard.batchesFailed),
                ("sync", shard.batchesUnsynced),
            ]
        )
        page.gauge(
            "headwater_log_unsynced_bytes",
            "Bytes of batches that are written and not synced; a power cut takes them.",
            Double(shard.unsyncedBytes.value)
        )
        page.counter(
            "headwater_log_lost_records_total",
            "Records whose publishers did not wait for the sync that then failed.",
            shard.unacknowledgedRecordsLost
        )
        page.counter(
            "headwater_log_failed_commits_total",
            "Syncs failed.",
            shard.commitsFailed
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
        producers(&page)
        disk(&page)
    }

    private func upkeep(_ page: inout MetricsPage) {
        let shard = vitals.shard
        page.counter(
            "headwater_retention_deleted_segments_total",
            "Segments that retention deleted, by why.",
            by: "reason",
            [
                ("time", shard.segmentsExpired),
                ("size", shard.segmentsOversize),
            ]
        )
        page.counter(
            "headwater_retention_deleted_bytes_total",
            "Bytes that retention deleted.",
            shard.bytesRetired
        )
        page.counter(
            "headwater_retention_failures_total",
            "Segments that could not be deleted.",
            shard.retentionFailures
        )
        cleaning(&page)
        page.counter(
            "headwater_offset_gaps_total",
            "Gaps in offsets that unclean starts left, and that were recorded.",
            shard.gaps
        )
        page.counter(
            "headwater_topic_changes_total",
            "Topics created and deleted, by whomever.",
            by: "change",
            [
                ("created", shard.topicsCreated),
                ("deleted", shard.topicsDeleted),
            ]
        )
    }

    private func producers(_ page: inout MetricsPage) {
        let shard = vitals.shard
        page.counter(
            "headwater_producer_ids_total",
            "Ids set aside for idempotent producers.",
            shard.producerIDsAllocated
        )
        page.counter(
            "headwater_producer_batches_total",
            "Batches of idempotent producers that were not stored once more.",
            by: "outcome",
            [
                ("duplicate", shard.duplicates),
                ("out_of_order", shard.sequencesRefused),
                ("old_epoch", shard.epochsRefused),
            ]
        )
        guard let limit = vitals.opened?.producers else { return }
        page.gauge(
            "headwater_producer_states",
            "Idempotent producers that partitions remember, one counted in each partition.",
            Double(limit.known)
        )
        page.counter(
            "headwater_producer_states_forgotten_total",
            "Idempotent producers that a partition forgot, by why.",
            by: "reason",
            [
                ("silent", limit.expired),
                ("too_many", limit.evicted),
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
            disk.bytesWritten
        )
        page.counter(
            "headwater_disk_read_bytes_total",
            "Bytes read from files.",
            disk.bytesRead
        )
        page.counter("headwater_disk_syncs_total", "Syncs of files and folders.", disk.syncs)
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
}
