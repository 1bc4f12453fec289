import AdminServer
import BrokerModel
import Partitions

// The cleaner of compacted logs.
extension BrokerMetrics {
    func cleaning(_ page: inout MetricsPage) {
        let cleaner = vitals.shard.cleaner
        page.histogram(
            "headwater_cleaner_duration_seconds",
            "How long cleanings of compacted logs took that came to their end.",
            [([], cleaner.cleanings.snapshot)]
        )
        page.counter(
            "headwater_cleaner_unfinished_total",
            "Cleanings that ended early, by why.",
            [
                MetricSample("reason", "aborted", cleaner.aborted.count),
                MetricSample("reason", "failed", cleaner.failed.count),
                MetricSample("reason", "memory", cleaner.waitsForMemory.count),
            ]
        )
        page.counter(
            "headwater_cleaner_bytes_total",
            "Bytes that cleanings read and wrote.",
            [
                MetricSample("direction", "read", cleaner.bytesRead.count),
                MetricSample("direction", "written", cleaner.bytesWritten.count),
            ]
        )
        page.counter(
            "headwater_cleaner_removed_records_total",
            "Records that cleanings removed, by whether they had a key.",
            [
                MetricSample(
                    "key",
                    "yes",
                    cleaner.recordsRemoved.count - cleaner.keylessRemoved.count
                ),
                MetricSample("key", "no", cleaner.keylessRemoved.count),
            ]
        )
        page.counter(
            "headwater_cleaner_replaced_segments_total",
            "Segments that cleaned ones took the place of.",
            cleaner.segmentsReplaced
        )
        page.gauge(
            "headwater_cleaner_running",
            "Whether a log is being cleaned.",
            Double(cleaner.running.value)
        )
        page.gauge(
            "headwater_cleaner_uncleanable_partitions",
            "Compacted logs that the cleaner cannot read.",
            Double(cleaner.uncleanable.value)
        )
        page.gauge(
            "headwater_cleaner_dirty_ratio_max",
            "Which part of the dirtiest log was not clean at the last look.",
            Double(cleaner.dirtyPermilleMax.value) / 1_000
        )
    }
}
