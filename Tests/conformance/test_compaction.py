"""Compacted topics, and topics that store with a codec of their own, with clients that we did not
write."""

import random
import subprocess

import confluent_kafka
import kafka
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

import admin
import harness
import kafka_reading

QUICK = ["log.cleaner.backoff.ms=50", "log.cleaner.io.max.bytes.per.second=64MiB"]
COMPACT = {"cleanup.policy": "compact", "segment.bytes": "65536",
           "min.cleanable.dirty.ratio": "0.01"}
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
TYPES = ["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"]
NUMBERS = {0: "uncompressed", 1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd"}


def make_topic(broker, name, config):
    client = AdminClient({"bootstrap.servers": broker.kafka})
    client.create_topics([NewTopic(name, 1, 1, config=config)])[name].result(10)


def write(broker, topic, records, **settings):
    """Produces (key, value) pairs, and waits until all are acknowledged. A list of the offsets."""
    producer = confluent_kafka.Producer({
        "bootstrap.servers": broker.kafka, "linger.ms": 5, "batch.num.messages": 50, **settings})
    offsets = []

    def acknowledged(error, message):
        assert error is None, error
        offsets.append(message.offset())

    for key, value in records:
        producer.produce(topic, value, key=key, on_delivery=acknowledged)
        producer.poll(0)
    assert producer.flush(20) == 0
    return offsets


def rounds(count, keys=20, size=1_000):
    for number in range(count):
        for key in range(keys):
            yield f"k{key}".encode(), f"{number}:".encode() + b"x" * size


def read(broker, topic):
    return kafka_reading.read_to_end(broker, topic)


def cleaner(broker, name):
    return sum(value for key, value in admin.metrics(broker).items() if key.startswith(name))


def start(make_broker, *settings):
    broker = make_broker(*settings)
    broker.allows_gaps = True  # A cleaning leaves them.
    return broker.start()


def wait_for_removed(broker, count):
    harness.eventually(
        lambda: cleaner(broker, "headwater_cleaner_removed_records_total") >= count, 30,
        f"{count} records removed")


def test_keys_written_over_leave_their_last_value(make_broker):
    broker = start(make_broker, *QUICK)
    make_topic(broker, "state", COMPACT)
    write(broker, "state", rounds(20))
    wait_for_removed(broker, 200)
    last = {}
    offsets = []
    for record in read(broker, "state"):
        last[record.key] = record.value
        offsets.append(record.offset)
    assert offsets == sorted(offsets) and len(offsets) < 250
    assert {value.split(b":")[0] for value in last.values()} == {b"19"} and len(last) == 20
    assert kafka_reading.watermarks(broker, "state") == (0, 400)


def test_tombstones_vanish_after_their_retention(make_broker):
    broker = start(make_broker, *QUICK)
    make_topic(broker, "state", {**COMPACT, "delete.retention.ms": "300"})
    write(broker, "state", [(b"gone", b"1"), (b"stays", b"1"), (b"gone", None)])
    written = 0

    def is_gone():
        nonlocal written
        write(broker, "state", rounds(4))
        written += 4
        return b"gone" not in {record.key for record in read(broker, "state")}

    harness.eventually(is_gone, 30, "the tombstone's end")
    assert b"stays" in {record.key for record in read(broker, "state")}


def test_a_record_without_key_is_refused(make_broker):
    broker = start(make_broker)
    make_topic(broker, "state", COMPACT)
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.kafka})
    errors = []
    producer.produce("state", b"value", on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(10) == 0
    assert errors[0].name() == "INVALID_RECORD"
    one = kafka.KafkaProducer(bootstrap_servers=broker.kafka, retries=0)
    with pytest.raises(kafka.errors.KafkaError) as refused:
        one.send("state", b"value").get(10)
    assert "InvalidRecord" in repr(refused.value)
    one.close()


def test_compact_and_delete_do_both(make_broker):
    broker = start(make_broker, *QUICK, "log.retention.check.interval.ms=200")
    make_topic(broker, "both", {
        **COMPACT, "cleanup.policy": "compact,delete", "retention.bytes": "200000"})
    write(broker, "both", rounds(10))
    write(broker, "both", ((f"u{number}".encode(), b"y" * 1_000) for number in range(600)))
    harness.eventually(lambda: kafka_reading.watermarks(broker, "both")[0] > 0, 30, "retention")
    harness.eventually(lambda: cleaner(broker, "headwater_cleaner_duration_seconds_count") > 0,
                       30, "a cleaning")


def test_a_clean_log_is_left_alone_until_its_ratio(make_broker):
    broker = start(make_broker, *QUICK)
    make_topic(broker, "state", {**COMPACT, "min.cleanable.dirty.ratio": "1.0"})
    write(broker, "state", rounds(20))
    make_topic(broker, "other", COMPACT)
    write(broker, "other", rounds(20))
    wait_for_removed(broker, 200)
    assert len(read(broker, "state")) == 400


def test_max_lag_cleans_what_the_ratio_would_not(make_broker):
    broker = start(make_broker, *QUICK)
    make_topic(broker, "state", {
        **COMPACT, "min.cleanable.dirty.ratio": "1.0", "max.compaction.lag.ms": "400"})

    def is_cleaned():
        write(broker, "state", rounds(1, keys=2, size=10))
        return cleaner(broker, "headwater_cleaner_removed_records_total") > 0

    harness.eventually(is_cleaned, 30, "the cleaning that max.compaction.lag.ms asks for")


def test_min_lag_keeps_what_is_young(make_broker):
    broker = start(make_broker, *QUICK)
    make_topic(broker, "young", {**COMPACT, "min.compaction.lag.ms": "3600000"})
    make_topic(broker, "other", COMPACT)
    write(broker, "young", rounds(20))
    write(broker, "other", rounds(20))
    wait_for_removed(broker, 200)
    assert len(read(broker, "young")) == 400


def test_kill_in_the_middle_loses_no_last_value(make_broker):
    broker = start(make_broker, *QUICK)
    make_topic(broker, "state", COMPACT)
    expected = {}
    for life in range(5):
        records = []
        for number in range(random.randrange(200, 500)):
            key = f"k{random.randrange(30)}".encode()
            records.append((key, f"{life}-{number}:".encode() + b"z" * 800))
        write(broker, "state", records)
        expected.update(records)
        broker.kill()
        broker.start()
        last = {record.key: record.value for record in read(broker, "state")}
        assert last == expected


def test_a_consumer_reads_across_while_the_log_is_cleaned(make_broker):
    broker = start(make_broker, *QUICK)
    make_topic(broker, "state", COMPACT)
    write(broker, "state", rounds(10))
    source = kafka_reading.consumer(broker)
    source.assign([confluent_kafka.TopicPartition("state", 0, 0)])
    seen = {}
    last = -1
    for number in range(5):
        write(broker, "state", rounds(10))
        end = kafka_reading.watermarks(broker, "state")[1]
        while last < end - 1:
            message = source.poll(10)
            assert message is not None and message.error() is None, number
            assert message.offset() > last
            last = message.offset()
            seen[message.key()] = message.value()
    source.close()
    assert len(seen) == 20 and {value.split(b":")[0] for value in seen.values()} == {b"9"}


def codecs_of(broker, topic):
    data = broker.log_bytes(topic)
    found = set()
    position = 0
    while position + 61 <= len(data):
        found.add(NUMBERS[data[position + 22] & 7])
        position += 12 + int.from_bytes(data[position + 8:position + 12], "big")
    return found


@pytest.mark.parametrize("kind", TYPES)
def test_every_codec_is_stored_as_the_topic_says(make_broker, kind):
    broker = start(make_broker)
    sent = []
    for codec in CODECS:
        topic = f"t-{codec}"
        make_topic(broker, topic, {"compression.type": kind})
        values = [f"{codec} {number} ".encode() * 20 for number in range(30)]
        write(broker, topic, ((b"k", value) for value in values), **{"compression.type": codec})
        one = kafka.KafkaProducer(
            bootstrap_servers=broker.kafka, linger_ms=50,
            compression_type=None if codec == "none" else codec)
        for value in values:
            one.send(topic, value, key=b"k")
        one.flush(10)
        one.close()
        sent = values + values
        own = "uncompressed" if codec == "none" else codec
        assert codecs_of(broker, topic) == {own if kind == "producer" else kind}
        assert [record.value for record in read(broker, topic)] == sent
        consumer = kafka.KafkaConsumer(
            bootstrap_servers=broker.kafka, group_id=None, auto_offset_reset="earliest",
            consumer_timeout_ms=5_000, check_crcs=True)
        consumer.assign([kafka.TopicPartition(topic, 0)])
        found = []
        for record in consumer:
            found.append(record.value)
            if len(found) == len(sent):
                break
        consumer.close()
        assert found == sent
        listing = subprocess.run(
            ["kcat", "-C", "-b", broker.kafka, "-t", topic, "-e", "-q", "-f", "%s\n"],
            stdout=subprocess.PIPE, timeout=20, check=True).stdout
        assert listing.splitlines() == sent
