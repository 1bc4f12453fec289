"""Kafka producers that we did not write: kcat (librdkafka 2.0), confluent-kafka, kafka-python."""

import subprocess
import time
import zlib

import confluent_kafka
import kafka
import pytest
from confluent_kafka import TopicPartition

import harness
import kafka_reading
import producing
import publishing
import raw_kafka

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def kcat_produce(broker, text, *arguments):
    run = subprocess.run(
        ["kcat", "-P", "-b", broker.kafka, *arguments], input=text, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, universal_newlines=True, timeout=30, check=False)
    assert run.returncode == 0, run.stderr


def read_partitions(broker, topic, count, partitions=(0,)):
    """`count` records of several partitions: (partition, record) in the order of arrival."""
    source = kafka_reading.consumer(broker)
    found = []
    try:
        source.assign([TopicPartition(topic, number, 0) for number in partitions])

        def enough():
            for message in source.consume(max(1, count - len(found)), timeout=0.2):
                found.append((message.partition(), kafka_reading.record_of(message)))
            return len(found) >= count

        harness.eventually(enough, 20, f"{count} records of {topic}")
        return found
    finally:
        source.close()


def stored_codecs(broker, topic, partition=0):
    folder = broker.partition(topic, partition)
    with open(f"{folder}/{'0' * 20}.log", "rb") as file:
        return {CODECS[header.codec] for header, _ in raw_kafka.batches(file.read())}


def numbers(count):
    return "".join(f"reading number {n}\n" for n in range(count))


# kcat

@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("acks", ["-1", "1", "0"])
def test_kcat_produces_with_every_codec(broker, codec, acks):
    kcat_produce(broker, numbers(500), "-t", "readings", "-z", codec, "-X", f"acks={acks}",
                 "-X", "linger.ms=50")
    values = [record.value for _, record in read_partitions(broker, "readings", 500)]
    assert values == numbers(500).encode().splitlines()
    assert stored_codecs(broker, "readings") == {codec}


def test_kcat_produces_keys_headers_and_null_values(broker):
    kcat_produce(broker, "a:one\nb:\n", "-t", "keyed", "-K:", "-Z", "-H", "unit=bar",
                 "-H", "site=north")
    (_, first), (_, second) = read_partitions(broker, "keyed", 2)
    assert (first.key, first.value) == (b"a", b"one")
    assert (second.key, second.value) == (b"b", None)
    assert first.headers == [("unit", b"bar"), ("site", b"north")]


def test_kcat_spreads_keys_over_partitions(make_broker):
    broker = make_broker("num.partitions=4").start()
    kcat_produce(broker, "".join(f"key{n % 20}:{n}\n" for n in range(400)), "-t", "spread", "-K:")
    found = read_partitions(broker, "spread", 400, range(4))
    assert len({partition for partition, _ in found}) > 1
    places = {}
    for partition, record in found:
        places.setdefault(record.key, []).append((partition, int(record.value)))
    for key, of_key in places.items():
        assert len({partition for partition, _ in of_key}) == 1, f"{key} lies in two partitions"
        assert [n for _, n in of_key] == sorted(n for _, n in of_key)


# confluent-kafka

def confluent(broker, **settings):
    return confluent_kafka.Producer({
        "bootstrap.servers": broker.kafka, "broker.address.family": "v4",
        "message.timeout.ms": 10000, **settings})


def deliver(producer, topic, values, **options):
    """Produces, waits, and returns the delivered messages; an error fails the test."""
    delivered = []

    def note(error, message):
        assert error is None, error
        delivered.append(message)

    for value in values:
        producer.produce(topic, value, callback=note, **options)
    assert producer.flush(20) == 0
    return delivered


@pytest.mark.parametrize("codec", CODECS)
def test_confluent_produces_and_is_told_the_offsets(broker, codec):
    values = [b"value %d" % n for n in range(300)]
    producer = confluent(broker, **{"compression.type": codec, "linger.ms": 20})
    told = [(m.offset(), m.value()) for m in deliver(producer, "c", values)]
    assert told == list(enumerate(values))
    records = [record for _, record in read_partitions(broker, "c", 300)]
    assert [(r.offset, r.value) for r in records] == told


def test_one_record_a_request_keeps_its_order(broker):
    producer = confluent(broker, **{"linger.ms": 0, "batch.num.messages": 1,
                                    "max.in.flight.requests.per.connection": 1000})
    values = [b"%d" % n for n in range(2000)]
    told = [(m.offset(), m.value()) for m in deliver(producer, "one", values)]
    assert told == list(enumerate(values))


def test_an_oversize_message_is_refused_and_the_producer_goes_on(make_broker):
    broker = make_broker("message.max.bytes=20000").start()
    producer = confluent(broker)
    errors = []
    producer.produce("big", b"x" * 30000, callback=lambda error, _: errors.append(error))
    assert producer.flush(20) == 0
    assert [error.code() for error in errors] == [confluent_kafka.KafkaError.MSG_SIZE_TOO_LARGE]
    assert [m.offset() for m in deliver(producer, "big", [b"small"])] == [0]


def test_a_message_larger_than_any_request_is_refused_like_a_large_one(broker):
    producer = confluent(broker, **{"message.max.bytes": 50_000_000})
    errors = []
    for size in (3_000_000, 20_000_000):
        producer.produce("huge", b"x" * size, callback=lambda error, _: errors.append(error))
        assert producer.flush(30) == 0
    assert [error.code() for error in errors] == [confluent_kafka.KafkaError.MSG_SIZE_TOO_LARGE] * 2
    assert [m.offset() for m in deliver(producer, "huge", [b"small"])] == [0]
    python = kafka.KafkaProducer(bootstrap_servers=[broker.kafka], max_request_size=50_000_000,
                                 enable_idempotence=False)
    try:
        with pytest.raises(kafka.errors.MessageSizeTooLargeError, match="socket.request.max.bytes"):
            python.send("huge", b"x" * 3_000_000).get(timeout=20)
        assert python.send("huge", b"small").get(timeout=20).offset == 1
    finally:
        python.close()


def test_confluent_cannot_write_where_only_the_broker_writes(broker):
    producer = confluent(broker, **{"message.timeout.ms": 3000})
    errors = []
    producer.produce("__gaps", b"x", callback=lambda error, _: errors.append(error))
    assert producer.flush(20) == 0
    assert errors[0] is not None


# kafka-python

@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
@pytest.mark.parametrize("acks", ["all", 1])
def test_kafka_python_produces_with_every_codec(broker, codec, acks):
    producer = kafka.KafkaProducer(
        bootstrap_servers=[broker.kafka], compression_type=codec, acks=acks, linger_ms=20,
        enable_idempotence=False)
    try:
        sent = [producer.send("k", b"value %d" % n, key=b"key", headers=[("a", b"b")])
                for n in range(200)]
        assert [one.get(timeout=10).offset for one in sent] == list(range(200))
    finally:
        producer.close()
    records = [record for _, record in read_partitions(broker, "k", 200)]
    assert [r.value for r in records] == [b"value %d" % n for n in range(200)]
    assert {(r.key, tuple(r.headers)) for r in records} == {(b"key", (("a", b"b"),))}
    assert stored_codecs(broker, "k") == {codec or "none"}


# Byte by byte

def now():
    return int(time.time() * 1000)


def test_what_is_stored_is_what_was_sent_but_for_offset_and_epoch(broker):
    sent = [producing.batch([b"one", b"two" * 100], now()), producing.batch([b"three"], now())]
    with raw_kafka.RawKafka(broker.kafka_port) as client:
        for expected, data in zip((0, 2), sent):
            assert producing.produce(client, "mqtt", data) == (0, expected)
    stored = [data for _, data in raw_kafka.batches(broker.log_bytes())]
    for (base, data), mine in zip(((0, stored[0]), (2, stored[1])), sent):
        assert data[:8] == base.to_bytes(8, "big")
        assert data[8:12] + data[16:] == mine[8:12] + mine[16:]


def test_faulty_batches_are_refused_and_leave_no_trace(broker):
    good = producing.batch([b"x"], now())
    cases = [
        ("mqtt", good[:-1] + b"?", producing.CORRUPT_MESSAGE),
        ("mqtt", good + good, producing.INVALID_RECORD),
        ("mqtt", good[:30], producing.INVALID_RECORD),
        ("mqtt", b"", producing.INVALID_RECORD),
        ("mqtt", producing.batch([b"x"], now(), base_offset=5), producing.INVALID_RECORD),
        ("mqtt", producing.batch([b"x"], now(), magic=1), producing.INVALID_RECORD),
        ("mqtt", producing.batch([b"x"], now(), attributes=32), producing.INVALID_RECORD),
        ("mqtt", producing.batch([b"x"], now(), producer=(7, 0, -1)), producing.INVALID_RECORD),
        ("mqtt", producing.batch([b"x"], now(), producer=(7, 0, 0), attributes=16),
         producing.UNSUPPORTED_FOR_MESSAGE_FORMAT),
        ("mqtt", producing.batch([b"x" * (1 << 20)], now()), producing.MESSAGE_TOO_LARGE),
        ("nowhere", good, producing.UNKNOWN_TOPIC),
    ]
    with raw_kafka.RawKafka(broker.kafka_port) as client:
        for topic, records, expected in cases:
            assert producing.produce(client, topic, records) == (expected, -1), expected
        assert producing.produce(client, "mqtt", good, acks=3) == (
            producing.INVALID_REQUIRED_ACKS, -1)
        assert producing.produce(client, "mqtt", good) == (0, 0)
    assert broker.log_lines("warning", "a producer's batch was refused")


def test_a_zip_bomb_is_refused_with_bounded_memory(broker):
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = bomb.compress(bytes(300 << 20)) + bomb.flush()
    data = bytearray(producing.batch([b"x"], now(), attributes=1))[:61] + packed
    data[8:12] = (len(data) - 12).to_bytes(4, "big")
    # Bit by bit in Python, the checksum of this much takes a while: it is 300 KB.
    data[17:21] = producing.crc32c(data[21:]).to_bytes(4, "big")
    with raw_kafka.RawKafka(broker.kafka_port) as client:
        error, _ = producing.produce(client, "mqtt", bytes(data))
    assert error == producing.MESSAGE_TOO_LARGE


def test_mqtt_and_kafka_records_lie_side_by_side(broker):
    producer = confluent(broker)
    for number in range(20):
        publishing.publish(broker, [("a", b"mqtt %d" % number)])
        deliver(producer, "mqtt", [b"kafka %d" % number])
    values = [record.value for record in kafka_reading.wait_for_records(broker, 40)]
    assert values == [b"%s %d" % (kind, n) for n in range(20) for kind in (b"mqtt", b"kafka")]


def test_produced_records_survive_a_restart_and_a_kill(broker):
    producer = confluent(broker, **{"acks": "1"})
    deliver(producer, "kept", [b"%d" % n for n in range(100)])
    broker.kill()
    broker.start()
    deliver(producer, "kept", [b"%d" % n for n in range(100, 200)])
    broker.restart()
    records = [record for _, record in read_partitions(broker, "kept", 200)]
    assert [(r.offset, r.value) for r in records] == [(n, b"%d" % n) for n in range(200)]


def test_a_silent_client_is_cut_off(make_broker):
    broker = make_broker("kafka.handshake.timeout=200ms", "connections.max.idle.ms=1s").start()
    with raw_kafka.RawKafka(broker.kafka_port) as silent:
        assert silent.receive() is None
    with raw_kafka.RawKafka(broker.kafka_port) as idle:
        idle.metadata()
        assert idle.receive() is None
