import AdminServer
import BrokerModel
import Ingest

extension BrokerMetrics {
    func ingest(_ page: inout MetricsPage) {
        let ingest = vitals.ingest
        page.counter(
            "headwater_ingest_lost_records_total",
            "Records of publishers at QoS 0 that could not be stored.",
            ingest.dropped
        )
        page.counter(
            "headwater_ingest_keyless_records_total",
            "Records whose route wanted a key that the publish did not have.",
            ingest.keyless
        )
        page.counter(
            "headwater_route_topics_total",
            "Topics that routes asked for, by what became of it; full: one more than may be.",
            by: "outcome",
            [
                ("created", ingest.topicsCreated),
                ("failed", ingest.creationsFailed),
                ("full", ingest.topicsFull),
            ]
        )
        page.counter(
            "headwater_route_cache_misses_total",
            "Publishes whose MQTT topic was not remembered with its route.",
            ingest.cacheMisses
        )
        page.counter(
            "headwater_route_cache_evictions_total",
            "Remembered MQTT topics that made room for others.",
            ingest.cacheEvictions
        )
    }
}
