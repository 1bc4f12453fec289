import AdminServer
import BrokerModel
import KafkaServer
import MQTTServer
import Partitions

// The two faces: what MQTT and Kafka clients asked for, got, and were refused.
extension BrokerMetrics {
    func mqtt(_ page: inout MetricsPage) {
        let mqtt = vitals.mqtt
        page.counter(
            "headwater_mqtt_publishes_received_total",
            "Publishes that were taken into a batch.",
            mqtt.received.count
        )
        page.counter(
            "headwater_mqtt_publishes_unrouted_total",
            "Publishes that no route takes.",
            mqtt.unrouted.count
        )
        mqttAcknowledged(&page)
        page.counter("headwater_mqtt_wills_total", "Wills published.", mqtt.wills.count)
        page.counter(
            "headwater_mqtt_deliveries_total",
            "Messages delivered to subscribers.",
            mqtt.delivered.count
        )
        page.counter(
            "headwater_mqtt_redeliveries_total",
            "Of the messages delivered, those sent again after a reconnect.",
            mqtt.redelivered.count
        )
        page.counter(
            "headwater_mqtt_undelivered_total",
            "Messages that a subscriber did not get, by reason.",
            [
                MetricSample("reason", "slow at QoS 0", mqtt.dropped.count),
                MetricSample("reason", "queue full", mqtt.queueDropped.count),
                MetricSample("reason", "away", mqtt.missed.count),
                MetricSample("reason", "expired", mqtt.expired.count),
                MetricSample("reason", "too large", mqtt.tooLarge.count),
            ]
        )
        page.counter(
            "headwater_mqtt_storing_failed_connections_total",
            "Connections closed because what they published could not be stored.",
            mqtt.storingFailed.count
        )
        page.counter(
            "headwater_mqtt_refused_clients_total",
            "Clients refused or cut off, by reason.",
            vitals.refusals.all.map { MetricSample("reason", $0.reason, $0.count) }
        )
    }

    /// What waits for an answer, at QoS 1 and 2.
    private func mqttAcknowledged(_ page: inout MetricsPage) {
        let mqtt = vitals.mqtt
        page.counter(
            "headwater_mqtt_exactly_once_publishes_total",
            "Publishes at QoS 2; repeated: known already, and not stored again.",
            [
                MetricSample("outcome", "received", mqtt.receivedOnce.count),
                MetricSample("outcome", "repeated", mqtt.repeated.count),
            ]
        )
        page.counter(
            "headwater_mqtt_exactly_once_releases_total",
            "Releases of QoS 2 publishes that were written down for sessions that are kept.",
            mqtt.releases.count
        )
        page.gauge(
            "headwater_mqtt_exactly_once_receipts",
            "QoS 2 publishes whose sender has not released them.",
            Double(mqtt.receipts.value)
        )
        page.gauge(
            "headwater_mqtt_deliveries_waiting",
            "Deliveries at QoS 1, and messages for subscribers, by what they wait for.",
            [
                MetricSample("for", "acknowledgement", mqtt.unacknowledged.value),
                MetricSample("for", "turn", mqtt.queued.value),
                MetricSample("for", "sync", mqtt.held.value),
            ]
        )
    }

    func kafka(_ page: inout MetricsPage) {
        let kafka = vitals.kafka
        page.counter("headwater_kafka_requests_total", "Requests.", kafka.requests.count)
        page.counter("headwater_kafka_fetches_total", "Fetch requests.", kafka.fetches.count)
        page.counter(
            "headwater_kafka_cold_fetches_total",
            "Fetches that a reader thread had to read from the disk.",
            kafka.coldFetches.count
        )
        page.counter(
            "headwater_kafka_overdue_fetches_total",
            "Fetches answered with no records because the disk took longer than they wait.",
            kafka.fetchesOverdue.count
        )
        page.counter(
            "headwater_kafka_deferred_fetches_total",
            "Fetches left to the loop's next iteration, so that others have their turn.",
            kafka.fetchesDeferred.count
        )
        page.counter(
            "headwater_kafka_fetched_bytes_total",
            "Record bytes in answers to Fetch.",
            kafka.bytesFetched.count
        )
        page.counter(
            "headwater_kafka_fetch_waits_total",
            "Fetches that waited, by what for.",
            [
                MetricSample("for", "records", kafka.longPolls.count),
                MetricSample("for", "memory", kafka.memoryWaits.count),
            ]
        )
        page.counter(
            "headwater_kafka_refused_requests_total",
            "Requests refused, by reason.",
            [
                MetricSample("reason", "malformed", kafka.malformed.count),
                MetricSample("reason", "oversized", kafka.oversized.count),
                MetricSample("reason", "unknown API", kafka.unknownAPIs.count),
                MetricSample("reason", "unsupported version", kafka.unsupportedVersions.count),
                MetricSample("reason", "batch refused", kafka.batchesRefused.count),
                MetricSample("reason", "append failed", kafka.appendsFailed.count),
                MetricSample("reason", "log cannot be read", kafka.readsFailed.count),
            ]
        )
        page.counter(
            "headwater_kafka_cut_connections_total",
            "Connections cut because their peer took no answers, or asked for nothing.",
            [
                MetricSample("reason", "stalled", kafka.stalled.count),
                MetricSample("reason", "idle", kafka.idle.count),
            ]
        )
    }

    func kafkaSessions(_ page: inout MetricsPage) {
        let kafka = vitals.kafka
        page.gauge(
            "headwater_kafka_fetch_sessions",
            "Clients whose fetches name only what changed.",
            Double(kafka.fetchSessions.value)
        )
        page.gauge(
            "headwater_kafka_fetch_session_partitions",
            "Partitions in all fetch sessions together.",
            Double(kafka.fetchSessionPartitions.value)
        )
        page.counter(
            "headwater_kafka_fetch_session_requests_total",
            "Fetch sessions by what became of them: opened, given up for another, not to be had.",
            [
                MetricSample("outcome", "opened", kafka.fetchSessionsOpened.count),
                MetricSample("outcome", "evicted", kafka.fetchSessionsEvicted.count),
                MetricSample("outcome", "refused", kafka.fetchSessionsRefused.count),
            ]
        )
    }

    func kafkaLog(_ page: inout MetricsPage) {
        let kafka = vitals.kafka
        page.counter(
            "headwater_kafka_timed_out_lookups_total",
            "Lookups by time that the disk did not answer in time.",
            kafka.lookupsTimedOut.count
        )
        page.counter(
            "headwater_kafka_reader_jobs_total",
            "Jobs for the reader threads, by what became of them.",
            [
                MetricSample("outcome", "accepted", vitals.kafkaReaders.accepted.count),
                MetricSample("outcome", "refused", vitals.kafkaReaders.refused.count),
                MetricSample("outcome", "no thread", vitals.kafkaReaders.threadsFailed.count),
            ]
        )
        page.gauge(
            "headwater_kafka_reader_queue_jobs",
            "Jobs that no reader thread has begun.",
            Double(vitals.kafkaReaders.waiting)
        )
        page.counter(
            "headwater_kafka_deferred_produces_total",
            "Produce requests of which a part was left to the loop's next iteration.",
            kafka.producesDeferred.count
        )
        page.counter(
            "headwater_kafka_timed_out_produces_total",
            "Produce requests that the log did not answer for in the time they gave.",
            kafka.producesTimedOut.count
        )
        page.counter("headwater_kafka_produces_total", "Produce requests.", kafka.produces.count)
        page.counter(
            "headwater_kafka_produced_bytes_total",
            "Record bytes that were produced, as they came.",
            kafka.bytesProduced.count
        )
        page.counter(
            "headwater_kafka_produced_records_total",
            "Records that were produced.",
            kafka.recordsProduced.count
        )
        page.counter(
            "headwater_kafka_produce_waits_total",
            "Produce requests that waited for memory.",
            kafka.produceMemoryWaits.count
        )
        page.counter(
            "headwater_kafka_topic_changes_total",
            "Topics that clients made, deleted and changed.",
            [
                MetricSample("change", "created", kafka.topicsCreated.count),
                MetricSample("change", "deleted", kafka.topicsDeleted.count),
                MetricSample("change", "changed", kafka.topicsChanged.count),
            ]
        )
    }
}
