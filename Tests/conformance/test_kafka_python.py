"""kafka-python, which shares no code with librdkafka."""

import kafka
import pytest
from kafka import TopicPartition

import harness
import publishing

PARTITION = TopicPartition("mqtt", 0)


@pytest.fixture
def source(broker):
    one = kafka.KafkaConsumer(
        bootstrap_servers=[broker.kafka], group_id=None, enable_auto_commit=False,
        auto_offset_reset="earliest", check_crcs=True)
    one.assign([PARTITION])
    yield one
    one.close()


def poll_records(source, count):
    records = []

    def enough():
        for batch in source.poll(timeout_ms=200).values():
            records.extend(batch)
        return len(records) >= count

    harness.eventually(enough, 20, f"{count} records")
    return records


def test_it_reads_keys_values_and_headers(broker, source):
    publishing.publish(broker, [("a/b", b"\x01\x02")],
                       properties=publishing.user_property("site", "north"))
    record = poll_records(source, 1)[0]
    assert (record.offset, record.key, record.value) == (0, b"a/b", b"\x01\x02")
    headers = [tuple(header) for header in record.headers]
    assert ("site", b"north") in headers and ("mqtt.qos", b"1") in headers


def test_beginning_and_end_offsets(broker, source):
    publishing.publish_numbers(broker, 30)
    assert source.beginning_offsets([PARTITION]) == {PARTITION: 0}
    assert source.end_offsets([PARTITION]) == {PARTITION: 30}


def test_it_seeks_to_the_beginning_and_the_end(broker, source):
    publishing.publish_numbers(broker, 20)
    assert [record.offset for record in poll_records(source, 20)] == list(range(20))
    source.seek_to_beginning(PARTITION)
    assert poll_records(source, 20)[0].offset == 0
    source.seek_to_end(PARTITION)
    assert source.position(PARTITION) == 20
    publishing.publish_numbers(broker, 1)
    assert poll_records(source, 1)[0].offset == 20


def test_offsets_for_times(broker, source):
    publishing.publish_numbers(broker, 4)
    times = [record.timestamp for record in poll_records(source, 4)]
    found = source.offsets_for_times({PARTITION: times[0]})[PARTITION]
    assert (found.offset, found.timestamp) == (0, times[0])


def test_it_knows_the_topics(source):
    assert "mqtt" in source.topics()
    assert source.partitions_for_topic("mqtt") == {0}
