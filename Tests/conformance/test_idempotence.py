"""Idempotent producers: the defaults of kafka-python and Java, and sequences byte by byte."""

import os
import random
import struct
import time

import confluent_kafka
import kafka
import pytest

import harness
import kafka_reading
import kill9_idempotent
import producing
import raw_kafka

OUT_OF_ORDER, INVALID_EPOCH, TRANSACTIONAL_ID_REFUSED = 45, 47, 53


def now():
    return int(time.time() * 1000)


def values(broker, topic, count):
    """Exactly so many records are there; their values."""
    found = kafka_reading.read_to_end(broker, topic)
    assert len(found) == count
    return [record.value for record in found]


def init_producer_id(client, transactional_id=None):
    """InitProducerId, version 1: (error, producer id, epoch)."""
    name = struct.pack(">h", -1) if transactional_id is None else raw_kafka.text(transactional_id)
    answer = client.call(raw_kafka.INIT_PRODUCER_ID, 1, name + struct.pack(">i", 60000))
    _, error, producer_id, epoch = answer.take("ihqh")
    return error, producer_id, epoch


class Producer:
    """One idempotent producer over a raw connection."""

    def __init__(self, client, topic="mqtt"):
        self.client, self.topic = client, topic
        error, self.id, self.epoch = init_producer_id(client)
        assert error == 0

    def send(self, sequence, count=1, epoch=None, acks=-1):
        numbers = [b"%d" % (sequence + n) for n in range(count)]
        producer = (self.id, self.epoch if epoch is None else epoch, sequence)
        data = producing.batch(numbers, now(), producer=producer)
        return producing.produce(self.client, self.topic, data, acks=acks)


# Byte by byte

def test_a_batch_that_is_sent_again_is_answered_with_its_first_offset(broker):
    with raw_kafka.RawKafka(broker.kafka_port) as client:
        producer = Producer(client)
        assert [producer.send(2 * n, 2) for n in range(7)] == [(0, 2 * n) for n in range(7)]
        # The last five are known again, whatever the acknowledgement that is asked for.
        for n in range(2, 7):
            assert producer.send(2 * n, 2, acks=random.choice((-1, 1))) == (0, 2 * n)
        assert producer.send(2, 2) == (OUT_OF_ORDER, -1)
        assert producer.send(14) == (0, 14)
    assert len(values(broker, "mqtt", 15)) == 15


def test_holes_old_epochs_and_new_ones(broker):
    with raw_kafka.RawKafka(broker.kafka_port) as client:
        producer = Producer(client)
        assert producer.send(0) == (0, 0)
        assert producer.send(2) == (OUT_OF_ORDER, -1)
        assert producer.send(1, epoch=1) == (OUT_OF_ORDER, -1)  # A new epoch begins at 0.
        assert producer.send(0, epoch=1) == (0, 1)
        assert producer.send(1, epoch=0) == (INVALID_EPOCH, -1)
        assert producer.send(1, epoch=1) == (0, 2)
        other = Producer(client)
        assert other.id != producer.id
        # What the broker does not know may begin anywhere (KIP-360).
        assert other.send(40) == (0, 3)
        assert other.send(42) == (OUT_OF_ORDER, -1)


@pytest.mark.parametrize("clean", [True, False])
def test_sequences_are_known_after_a_restart(make_broker, clean):
    broker = make_broker("log.segment.bytes=64KiB", "mqtt.packet.bytes.max=16KiB").start()
    with raw_kafka.RawKafka(broker.kafka_port) as client:
        producer = Producer(client)
        filler = producing.batch([b"x" * 30000], now())
        offset = 0
        for sequence in range(12):
            assert producer.send(sequence) == (0, offset)
            assert producing.produce(client, "mqtt", filler) == (0, offset + 1)
            offset += 2
    snapshots = [name for name in os.listdir(broker.partition()) if name.endswith(".snapshot")]
    assert snapshots
    if clean:
        assert broker.stop() == 0
        broker.start()
    else:
        broker.kill()
        broker.start()
    with raw_kafka.RawKafka(broker.kafka_port) as client:
        again = Producer(client)
        assert again.id > producer.id  # Never given twice.
        producer.client = client
        for sequence in range(7, 12):
            assert producer.send(sequence) == (0, 2 * sequence)
        assert producer.send(6) == (OUT_OF_ORDER, -1)
        assert producer.send(12) == (0, 24)


def test_a_silent_producer_is_forgotten(make_broker):
    broker = make_broker(
        "producer.id.expiration.ms=100ms", "producer.id.expiration.check.interval.ms=20ms").start()
    with raw_kafka.RawKafka(broker.kafka_port) as client:
        producer = Producer(client)
        assert producer.send(0) == (0, 0)
        # Only of one that is not known a hole is taken.
        harness.eventually(lambda: producer.send(7)[0] == 0, 10, "the producer's expiry")


def test_transactions_are_refused_and_say_so(broker):
    with raw_kafka.RawKafka(broker.kafka_port) as client:
        assert init_producer_id(client, "orders") == (TRANSACTIONAL_ID_REFUSED, -1, -1)
        assert init_producer_id(client, "") == (42, -1, -1)
    assert broker.log_lines("asked for transactions")


# Clients

@pytest.mark.parametrize("codec", [None, "zstd"])
def test_kafka_python_produces_with_its_defaults(broker, codec):
    producer = kafka.KafkaProducer(
        bootstrap_servers=[broker.kafka], compression_type=codec, linger_ms=5)
    try:
        sent = [producer.send("k", b"value %d" % n) for n in range(500)]
        assert [one.get(timeout=10).offset for one in sent] == list(range(500))
    finally:
        producer.close()
    assert values(broker, "k", 500) == [b"value %d" % n for n in range(500)]


def test_confluent_produces_idempotently_to_many_partitions(make_broker):
    broker = make_broker("num.partitions=8").start()
    producer = confluent_kafka.Producer({
        "bootstrap.servers": broker.kafka, "enable.idempotence": True, "linger.ms": 2})
    errors, offsets = [], {}

    def note(error, message):
        if error is not None:
            errors.append(error)
        else:
            offsets.setdefault(message.partition(), []).append(message.offset())

    for n in range(4000):
        producer.produce("many", b"%d" % n, partition=n % 8, callback=note)
    assert producer.flush(30) == 0
    assert not errors
    assert {number: found == list(range(500)) for number, found in offsets.items()} \
        == {number: True for number in range(8)}


def test_two_idempotent_producers_share_a_partition(broker):
    producers = [confluent_kafka.Producer({
        "bootstrap.servers": broker.kafka, "enable.idempotence": True, "linger.ms": 0})
        for _ in range(2)]
    for n in range(1000):
        producers[n % 2].produce("shared", b"%d" % n)
        producers[n % 2].poll(0)
    assert [one.flush(30) for one in producers] == [0, 0]
    numbers = [int(value) for value in values(broker, "shared", 1000)]
    assert [n for n in numbers if n % 2] == list(range(1, 1000, 2))
    assert [n for n in numbers if not n % 2] == list(range(0, 1000, 2))


def test_what_idempotent_producers_sent_is_there_once_after_kills(tmp_path, request):
    rounds = int(os.environ.get("HEADWATER_KILL_ROUNDS", "10"))
    seed = int(os.environ.get("HEADWATER_SEED", random.SystemRandom().randrange(1 << 32)))
    run = kill9_idempotent.Run(tmp_path, rounds, seed)
    request.node.brokers = [run.broker]
    try:
        faults, summary = run.execute()
        print(summary)
        assert not faults, f"seed {seed}: " + "; ".join(faults)
        assert run.broker.stop() == 0
        harness.check_log_files(run.broker.data)
    finally:
        if run.broker.runs:
            run.broker.kill()


LEDGER = [(0, 0, b"1 3"), (1, 0, b"1 4"), (1, 1, b"2 4")]
LOGS = {0: [(0, b"1 3")], 1: [(0, b"1 4"), (1, b"2 4")]}


def test_the_judge_accepts_a_whole_log():
    assert not kill9_idempotent.judge(LEDGER, LOGS)


@pytest.mark.parametrize("logs", [
    {0: [(0, b"1 3"), (1, b"1 3")], 1: LOGS[1]},  # Doubled.
    {0: LOGS[0], 1: [(0, b"1 4")]},  # Lost.
    {0: LOGS[0], 1: LOGS[1] + [(2, b"2 5")]},  # Nobody was told.
])
def test_the_judge_finds_what_is_doubled_lost_or_untold(logs):
    assert kill9_idempotent.judge(LEDGER, logs)
