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
            mqtt.received
        )
        page.counter(
            "headwater_mqtt_publishes_unrouted_total",
            "Publishes that no route takes.",
            mqtt.unrouted
        )
        mqttAcknowledged(&page)
        page.counter("headwater_mqtt_wills_total", "Wills published.", mqtt.wills)
        page.counter(
            "headwater_mqtt_deliveries_total",
            "Messages delivered to subscribers.",
            mqtt.delivered
        )
        page.counter(
            "headwater_mqtt_redeliveries_total",
            "Of the messages delivered, those sent again after a reconnect.",
            mqtt.redelivered
        )
        page.counter(
            "headwater_mqtt_undelivered_total",
            "Messages that a subscriber did not get, by reason.",
            by: "reason",
            [
                ("slow at QoS 0", mqtt.dropped),
                ("queue full", mqtt.queueDropped),
                ("away", mqtt.missed),
                ("expired", mqtt.expired),
                ("too large", mqtt.tooLarge),
            ]
        )
        page.counter(
            "headwater_mqtt_storing_failed_connections_total",
            "Connections closed because what they published could not be stored.",
            mqtt.storingFailed
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
            by: "outcome",
            [
                ("received", mqtt.receivedOnce),
                ("repeated", mqtt.repeated),
            ]
        )
        page.counter(
            "headwater_mqtt_exactly_once_releases_total",
            "Releases of QoS 2 publishes that were written down for sessions that are kept.",
            mqtt.releases
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
        page.counter("headwater_kafka_requests_total", "Requests.", kafka.requests)
        page.counter("headwater_kafka_fetches_total", "Fetch requests.", kafka.fetches)
        page.counter(
            "headwater_kafka_cold_fetches_total",
            "Fetches that a reader thread had to read from the disk.",
            kafka.coldFetches
        )
        page.counter(
            "headwater_kafka_overdue_fetches_total",
            "Fetches answered with no records because the disk took longer than they wait.",
            kafka.fetchesOverdue
        )
        page.counter(
            "headwater_kafka_deferred_fetches_total",
            "Fetches left to the loop's next iteration, so that others have their turn.",
            kafka.fetchesDeferred
        )
        page.counter(
            "headwater_kafka_fetched_bytes_total",
            "Record bytes in answers to Fetch.",
            kafka.bytesFetched
        )
        page.counter(
            "headwater_kafka_fetch_waits_total",
            "Fetches that waited, by what for.",
            by: "for",
            [
                ("records", kafka.longPolls),
                ("memory", kafka.memoryWaits),
            ]
        )
        page.counter(
            "headwater_kafka_refused_requests_total",
            "Requests refused, by reason.",
            by: "reason",
            [
                ("malformed", kafka.malformed),
                ("oversized", kafka.oversized),
                ("unknown API", kafka.unknownAPIs),
                ("unsupported version", kafka.unsupportedVersions),
                ("batch refused", kafka.batchesRefused),
                ("append failed", kafka.appendsFailed),
                ("log cannot be read", kafka.readsFailed),
            ]
        )
        page.counter(
            "headwater_kafka_cut_connections_total",
            "Connections cut because their peer took no answers, or asked for nothing.",
            by: "reason",
            [
                ("stalled", kafka.stalled),
                ("idle", kafka.idle),
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
            by: "outcome",
            [
                ("opened", kafka.fetchSessionsOpened),
                ("evicted", kafka.fetchSessionsEvicted),
                ("refused", kafka.fetchSessionsRefused),
            ]
        )
    }

    func kafkaLog(_ page: inout MetricsPage) {
        let kafka = vitals.kafka
        page.counter(
            "headwater_kafka_timed_out_lookups_total",
            "Lookups by time that the disk did not answer in time.",
            kafka.lookupsTimedOut
        )
        page.counter(
            "headwater_kafka_reader_jobs_total",
            "Jobs for the reader threads, by what became of them.",
            by: "outcome",
            [
                ("accepted", vitals.kafkaReaders.accepted),
                ("refused", vitals.kafkaReaders.refused),
                ("no thread", vitals.kafkaReaders.threadsFailed),
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
            kafka.producesDeferred
        )
        page.counter(
            "headwater_kafka_timed_out_produces_total",
            "Produce requests that the log did not answer for in the time they gave.",
            kafka.producesTimedOut
        )
        page.counter("headwater_kafka_produces_total", "Produce requests.", kafka.produces)
        page.counter(
            "headwater_kafka_produced_bytes_total",
            "Record bytes that were produced, as they came.",
            kafka.bytesProduced
        )
        page.counter(
            "headwater_kafka_produced_records_total",
            "Records that were produced.",
            kafka.recordsProduced
        )
        page.counter(
            "headwater_kafka_produce_waits_total",
            "Produce requests that waited for memory.",
            kafka.produceMemoryWaits
        )
        page.counter(
            "headwater_kafka_topic_changes_total",
            "Topics that clients made, deleted and changed.",
            by: "change",
            [
                ("created", kafka.topicsCreated),
                ("deleted", kafka.topicsDeleted),
                ("changed", kafka.topicsChanged),
            ]
        )
    }
}
