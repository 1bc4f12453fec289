"""What every client reads: each codec, nulls and headers, records larger than any limit, places that
are sought by offset and by time. aiokafka takes part where it is installed."""

import asyncio
import json
import subprocess

import confluent_kafka
import kafka
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

import harness
import kafka_reading

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
TIME = 1_700_000_000_000


def by_confluent(broker, topic, count, start=0, limit=1 << 20):
    source = kafka_reading.consumer(
        broker, **{"max.partition.fetch.bytes": limit, "fetch.max.bytes": max(limit, 1 << 20)})
    try:
        source.assign([confluent_kafka.TopicPartition(topic, 0, start)])
        return [(one.offset, one.timestamp, one.key, one.value, one.headers)
                for one in kafka_reading.poll_records(source, count, 30)]
    finally:
        source.close()


def by_kafka_python(broker, topic, count, start=0, limit=1 << 20):
    source = kafka.KafkaConsumer(
        bootstrap_servers=[broker.kafka], group_id=None, enable_auto_commit=False,
        check_crcs=True, max_partition_fetch_bytes=limit, fetch_max_bytes=limit)
    partition = kafka.TopicPartition(topic, 0)
    source.assign([partition])
    source.seek(partition, start)
    found = []

    def enough():
        for records in source.poll(timeout_ms=200).values():
            found.extend((one.offset, one.timestamp, one.key, one.value, list(one.headers))
                         for one in records)
        return len(found) >= count

    try:
        harness.eventually(enough, 30, f"{count} records")
        return found
    finally:
        source.close()


def by_aiokafka(broker, topic, count, start=0, limit=1 << 20):
    aiokafka = pytest.importorskip("aiokafka")

    async def read():
        source = aiokafka.AIOKafkaConsumer(
            bootstrap_servers=broker.kafka, enable_auto_commit=False, check_crcs=True,
            max_partition_fetch_bytes=limit, fetch_max_bytes=limit)
        await source.start()
        try:
            partition = aiokafka.TopicPartition(topic, 0)
            source.assign([partition])
            source.seek(partition, start)
            found = []
            while len(found) < count:
                one = await asyncio.wait_for(source.getone(), 30)
                found.append((one.offset, one.timestamp, one.key, one.value, list(one.headers)))
            return found
        finally:
            await source.stop()

    return asyncio.run(read())


def by_kcat(broker, topic, count, start=0, limit=1 << 20):
    """Texts only: kcat writes JSON, in which null is null."""
    run = subprocess.run(
        ["kcat", "-C", "-b", broker.kafka, "-t", topic, "-p", "0", "-o", str(start), "-c",
         str(count), "-e", "-q", "-J", "-X", f"max.partition.fetch.bytes={limit}"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
    assert run.returncode == 0, run.stderr

    def data(text):
        return None if text is None else text.encode()

    found = []
    for line in run.stdout.splitlines():
        one = json.loads(line)
        flat = one.get("headers", [])
        headers = [(name, data(value)) for name, value in zip(flat[::2], flat[1::2])]
        found.append((one["offset"], one["ts"], data(one["key"]), data(one["payload"]), headers))
    return found


CLIENTS = {"confluent": by_confluent, "kafka-python": by_kafka_python, "aiokafka": by_aiokafka,
           "kcat": by_kcat}


@pytest.fixture(params=CLIENTS)
def reader(request):
    return CLIENTS[request.param]


def make_topic(broker, name, **config):
    client = AdminClient({"bootstrap.servers": broker.kafka})
    client.create_topics([NewTopic(name, 1, 1, config=config)])[name].result(20)


def send(broker, topic, records, **settings):
    """Records of (key, value, headers, timestamp)."""
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.kafka, **settings})
    for key, value, headers, timestamp in records:
        producer.produce(topic, value, key, 0, timestamp=timestamp, headers=headers)
    assert producer.flush(30) == 0


def test_every_codec_is_read(broker, reader):
    make_topic(broker, "codecs")
    for codec in CODECS:
        producer = kafka.KafkaProducer(
            bootstrap_servers=[broker.kafka], linger_ms=20,
            compression_type=None if codec == "none" else codec)
        for number in range(50):
            producer.send("codecs", f"{codec} {number}".encode(), partition=0)
        producer.flush(20)
        producer.close()
    expected = [f"{codec} {number}".encode() for codec in CODECS for number in range(50)]
    found = reader(broker, "codecs", 250)
    assert [one[0] for one in found] == list(range(250))
    assert [one[3] for one in found] == expected
    middle = reader(broker, "codecs", 143, start=107)
    assert [one[3] for one in middle] == expected[107:], "from within a batch"


def test_nulls_and_headers_are_kept(broker, reader):
    make_topic(broker, "shapes")
    records = [
        (None, b"only a value", [], TIME), (b"only a key", None, [], TIME + 1),
        (None, None, [("h", b"1"), ("h", b"2"), ("nothing", None), ("", b"")], TIME + 2),
        (b"", b"", [("unit", "°C".encode())], TIME + 3)]
    send(broker, "shapes", records)
    expected = [(offset, timestamp, key, value, headers)
                for offset, (key, value, headers, timestamp) in enumerate(records)]
    found = reader(broker, "shapes", 4)
    assert [tuple(one[:4]) + (list(map(tuple, one[4])),) for one in found] == expected


def test_records_larger_than_every_limit_still_come(make_broker, reader):
    broker = make_broker("log.segment.bytes=1MiB").start()
    make_topic(broker, "large")
    values = [bytes([97 + number]) * size
              for number, size in enumerate((10, 300_000, 1, 900_000, 2_000, 500_000))]
    for value in values:
        send(broker, "large", [(None, value, [], TIME)], **{"message.max.bytes": 2_000_000})
    found = reader(broker, "large", len(values), limit=1_024)
    assert [one[3] for one in found] == values


def test_places_are_sought_by_offset_and_by_time(broker):
    make_topic(broker, "times")
    times = [TIME + 1_000 * number for number in range(100)]
    for start in range(0, 100, 10):
        send(broker, "times", [(None, b"%d" % number, [], times[number])
                               for number in range(start, start + 10)])
    wanted = {TIME: 0, TIME + 1: 1, TIME + 41_500: 42, times[99]: 99, times[99] + 1: None}
    source = kafka_reading.consumer(broker)
    python = kafka.KafkaConsumer(bootstrap_servers=[broker.kafka], group_id=None)
    for moment, offset in wanted.items():
        place = source.offsets_for_times(
            [confluent_kafka.TopicPartition("times", 0, moment)], timeout=10)[0]
        assert place.error is None
        assert place.offset == (confluent_kafka.OFFSET_END if offset is None else offset)
        partition = kafka.TopicPartition("times", 0)
        found = python.offsets_for_times({partition: moment})[partition]
        assert (found and found.offset) == offset
        if offset is not None:
            assert found.timestamp == times[offset]
            source.assign([place])
            assert kafka_reading.poll_records(source, 1)[0].offset == offset
    python.close()
    source.close()
