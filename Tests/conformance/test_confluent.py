"""confluent-kafka, which is today's librdkafka: manual assignment, seeks, offsets by time."""

import threading

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient

import harness
import kafka_reading
import publishing

PARTITION = ("mqtt", 0)


@pytest.fixture
def source(broker):
    one = kafka_reading.consumer(broker)
    yield one
    one.close()


def at(offset):
    return confluent_kafka.TopicPartition(*PARTITION, offset)


def test_metadata_names_broker_and_topic(broker, source):
    listed = source.list_topics(timeout=10)
    assert [(b.host, b.port) for b in listed.brokers.values()] == [
        (harness.LOOPBACK, broker.kafka_port)]
    assert listed.cluster_id and listed.controller_id in listed.brokers
    topic = listed.topics["mqtt"]
    assert topic.error is None
    assert [(p.id, p.leader in listed.brokers) for p in topic.partitions.values()] == [(0, True)]


def test_an_unknown_topic_is_an_error_and_creates_nothing(source):
    assert source.list_topics("nowhere", timeout=10).topics["nowhere"].error is not None
    assert "nowhere" not in source.list_topics(timeout=10).topics


def test_watermarks_follow_the_log(broker, source):
    assert source.get_watermark_offsets(at(0), timeout=10) == (0, 0)
    publishing.publish_numbers(broker, 12)
    assert source.get_watermark_offsets(at(0), timeout=10) == (0, 12)


def test_an_assignment_reads_every_record_in_order(broker, source):
    publishing.publish_numbers(broker, 5000, window=500)
    source.assign([at(0)])
    records = kafka_reading.poll_records(source, 5000)
    assert [record.offset for record in records] == list(range(5000))
    assert [record.value for record in records] == [str(n).encode() for n in range(5000)]


def test_a_seek_goes_back_and_forth(broker, source):
    publishing.publish_numbers(broker, 50)
    source.assign([at(40)])
    assert kafka_reading.poll_records(source, 1)[0].offset == 40
    source.seek(at(3))
    assert kafka_reading.poll_records(source, 1)[0].offset == 3
    source.seek(at(49))
    assert kafka_reading.poll_records(source, 1)[0].offset == 49


def test_offsets_for_times_finds_the_first_record_not_older(broker, source):
    publishing.publish_numbers(broker, 5)
    last = kafka_reading.wait_for_records(broker, 5)[-1].timestamp
    harness.eventually(lambda: publishing.now_ms() > last, what="the next millisecond")
    publishing.publish_numbers(broker, 5)
    later = kafka_reading.wait_for_records(broker, 10)[5].timestamp
    found = source.offsets_for_times([at(later)], timeout=10)[0].offset
    assert found == 5
    assert source.offsets_for_times([at(0)], timeout=10)[0].offset == 0
    future = source.offsets_for_times([at(later + 3_600_000)], timeout=10)[0]
    assert future.offset == confluent_kafka.OFFSET_END


def test_a_reader_at_the_end_wakes_when_a_record_comes(broker):
    """A long poll is answered by the record, not by its timeout."""
    source = kafka_reading.consumer(broker, **{"fetch.wait.max.ms": 20_000})
    try:
        source.assign([at(0)])
        assert source.poll(0.5) is None
        writer = threading.Thread(target=publishing.publish_numbers, args=(broker, 1))
        writer.start()
        assert kafka_reading.poll_records(source, 1, seconds=8)[0].value == b"0"
        writer.join()
    finally:
        source.close()


def test_an_offset_past_the_end_resets_as_the_reader_asked(broker, source):
    publishing.publish_numbers(broker, 3)
    source.assign([at(1000)])
    assert kafka_reading.poll_records(source, 3)[0].offset == 0


def test_the_cluster_description_is_stable_over_a_restart(broker):
    def identity():
        listed = AdminClient({"bootstrap.servers": broker.kafka}).list_topics(timeout=10)
        return listed.cluster_id, sorted(listed.brokers)

    before = identity()
    broker.restart()
    assert identity() == before
