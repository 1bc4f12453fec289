"""Fetch sessions and leader epochs: the exact rules over a socket, and clients that rely on them."""

import uuid

import confluent_kafka
import kafka
import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from kafka import TopicPartition

import admin
import harness
import kafka_reading
import producing
import raw_fetch
import raw_kafka

VERSIONS = (11, 13)


def make_topic(broker, name, partitions=1):
    """Its id as the 16 bytes of the wire."""
    client = AdminClient({"bootstrap.servers": broker.kafka})
    client.create_topics([NewTopic(name, partitions, 1)])[name].result(20)
    found = client.describe_topics(confluent_kafka.TopicCollection([name]))[name].result(20)
    high = found.topic_id.get_most_significant_bits() & (1 << 64) - 1
    low = found.topic_id.get_least_significant_bits() & (1 << 64) - 1
    return uuid.UUID(int=high << 64 | low).bytes


def delete_topic(broker, name):
    client = AdminClient({"bootstrap.servers": broker.kafka})
    client.delete_topics([name])[name].result(20)


def store(broker, topic, values=(b"one",), partition=0):
    batch = producing.batch(values, 1_700_000_000_000)
    with raw_kafka.RawKafka(broker.kafka_port) as client:
        error, offset = producing.produce(client, topic, batch, partition)
    assert error == 0
    return offset


class Session:
    """One client's session over one connection."""

    def __init__(self, broker, version, topic, partitions):
        self.version = version
        self.kafka = raw_kafka.RawKafka(broker.kafka_port)
        self.topic = topic
        self.opened = self.fetch(0, 0, {topic: {number: 0 for number in partitions}})
        self.id = self.opened.session
        self.epoch = 0

    def fetch(self, *arguments, **options):
        return raw_fetch.fetch(self.kafka, self.version, *arguments, **options)

    def next(self, wanted=None, **options):
        self.epoch += 1
        return self.fetch(self.id, self.epoch, wanted or {}, **options)


@pytest.fixture(params=VERSIONS)
def session(broker, request):
    """Three partitions, of which a client has a session."""
    topic = make_topic(broker, "readings", 3)
    one = Session(broker, request.param, "readings" if request.param < 13 else topic, range(3))
    assert one.opened.error == 0 and one.id > 0
    yield one
    one.kafka.close()


def numbers(answer):
    return [number for _, number in answer.partitions]


def test_only_what_is_new_comes(broker, session):
    assert numbers(session.opened) == [0, 1, 2]
    assert numbers(session.next()) == []
    store(broker, "readings", partition=1)
    answer = session.next()
    assert answer.session == session.id and numbers(answer) == [1]
    assert answer.partitions[session.topic, 1].high_watermark == 1
    # Its offset is what it was, so the records come again; then it moves on.
    assert numbers(session.next()) == [1]
    assert numbers(session.next({session.topic: {1: 1}})) == []
    assert numbers(session.next()) == []


def test_it_waits_for_any_of_its_partitions(broker, session):
    raw_fetch.send(session.kafka, session.version, session.id, 1, {}, wait=30_000)
    store(broker, "readings", partition=2)
    answer = raw_fetch.receive(session.kafka, session.version)
    assert numbers(answer) == [2] and answer.partitions[session.topic, 2].records


def test_partitions_leave_and_come(broker, session):
    store(broker, "readings", partition=0)
    store(broker, "readings", partition=1)
    assert numbers(session.next(forgotten={session.topic: [0]})) == [1]
    assert numbers(session.next({session.topic: {1: 1}})) == []
    assert numbers(session.next({session.topic: {0: 0}})) == [0]


def test_epochs_and_numbers_that_are_not_the_sessions(session):
    stranger = session.id % 1_000_000 + 1
    assert session.fetch(stranger, 1, {}).error == raw_fetch.SESSION_NOT_FOUND
    for epoch in (2, 77, -7):
        answer = session.fetch(session.id, epoch, {})
        assert answer.error == raw_fetch.INVALID_SESSION_EPOCH
        assert answer.session == 0 and not answer.partitions
    other = 24 - session.version
    answer = raw_fetch.fetch(session.kafka, other, session.id, 1, {})
    assert answer.error == raw_fetch.SESSION_TOPIC_ID_ERROR
    assert session.next().error == 0
    assert session.fetch(session.id, 1, {}).error == raw_fetch.INVALID_SESSION_EPOCH
    assert session.fetch(session.id, -1, {session.topic: {0: 0}}).session == 0
    assert session.fetch(session.id, 2, {}).error == raw_fetch.SESSION_NOT_FOUND


def test_it_outlives_its_connection_and_not_the_broker(broker, session):
    session.kafka.close()
    session.kafka = raw_kafka.RawKafka(broker.kafka_port)
    store(broker, "readings")
    assert numbers(session.next()) == [0]
    session.kafka.close()
    broker.restart()
    session.kafka = raw_kafka.RawKafka(broker.kafka_port)
    assert session.next().error == raw_fetch.SESSION_NOT_FOUND


def test_a_topic_that_is_deleted_ends_the_wait(broker, session):
    raw_fetch.send(session.kafka, session.version, session.id, 1, {}, wait=60_000)
    delete_topic(broker, "readings")
    answer = raw_fetch.receive(session.kafka, session.version)
    expected = raw_fetch.UNKNOWN_TOPIC if session.version < 13 else raw_fetch.UNKNOWN_TOPIC_ID
    assert [found.error for found in answer.partitions.values()] == [expected] * 3


def test_a_full_cache_leaves_full_fetches(make_broker):
    broker = make_broker("max.incremental.fetch.session.cache.slots=2").start()
    make_topic(broker, "readings")
    sessions = [Session(broker, 11, "readings", [0]) for _ in range(4)]
    assert [bool(one.id) for one in sessions] == [True, True, False, False]
    assert all(numbers(one.opened) == [0] for one in sessions)
    found = admin.metrics(broker)
    assert found["headwater_kafka_fetch_sessions"] == 2
    assert found['headwater_kafka_fetch_session_requests_total{outcome="refused"}'] == 2
    for one in sessions:
        one.kafka.close()


# kafka-python, whose consumers have sessions


def kafka_python(broker, topic, partitions, **settings):
    source = kafka.KafkaConsumer(
        bootstrap_servers=[broker.kafka], group_id=None, enable_auto_commit=False,
        auto_offset_reset="earliest", check_crcs=True, **settings)
    source.assign([TopicPartition(topic, number) for number in partitions])
    return source


def poll(source, count):
    """`count` further records: {partition: [offset]}."""
    found = {}

    def enough():
        for partition, records in source.poll(timeout_ms=200).items():
            found.setdefault(partition.partition, []).extend(one.offset for one in records)
        return sum(map(len, found.values())) >= count

    harness.eventually(enough, 30, f"{count} records")
    return found


def test_kafka_python_reads_forty_partitions_in_one_session(broker):
    make_topic(broker, "many", 40)
    source = kafka_python(broker, "many", range(40))
    for turn in range(3):
        for number in range(40):
            store(broker, "many", [b"x"] * 5, number)
        expected = list(range(5 * turn, 5 * turn + 5))
        assert poll(source, 200) == {number: expected for number in range(40)}
    found = admin.metrics(broker)
    assert found["headwater_kafka_fetch_sessions"] == 1
    assert found["headwater_kafka_fetch_session_partitions"] == 40
    source.assign([TopicPartition("many", number) for number in (1, 2)])
    source.seek(TopicPartition("many", 1), 3)
    source.seek(TopicPartition("many", 2), 15)
    store(broker, "many", partition=2)
    assert poll(source, 13) == {1: list(range(3, 15)), 2: [15]}
    source.close()


def test_kafka_python_goes_on_when_the_broker_has_forgotten_its_session(broker):
    make_topic(broker, "many", 4)
    source = kafka_python(broker, "many", range(4))
    for start in (0, 1):
        for number in range(4):
            store(broker, "many", partition=number)
        assert poll(source, 4) == {number: [start] for number in range(4)}
        broker.restart()
    source.close()


# Leader epochs


def test_epochs_end_where_an_unclean_stop_began_the_next(broker):
    make_topic(broker, "readings")
    for _ in range(3):
        store(broker, "readings")
    broker.kill()
    broker.start()
    store(broker, "readings")
    with raw_kafka.RawKafka(broker.kafka_port) as client:
        assert raw_fetch.epoch_end(client, "readings", 0) == (0, 0, 3)
        assert raw_fetch.epoch_end(client, "readings", 1, believing=1) == (0, 1, 4)
        assert raw_fetch.epoch_end(client, "readings", 2) == (0, -1, -1)
        fenced = raw_fetch.epoch_end(client, "readings", 0, believing=0)
        assert fenced[0] == raw_fetch.FENCED_EPOCH
        unknown = raw_fetch.epoch_end(client, "readings", 0, believing=5)
        assert unknown[0] == raw_fetch.UNKNOWN_EPOCH
        assert raw_fetch.epoch_end(client, "nowhere", 0)[0] == raw_fetch.UNKNOWN_TOPIC


def test_confluent_goes_on_after_kill_9_without_a_reset(broker):
    """librdkafka asks OffsetForLeaderEpoch when the epoch has risen; it must not lose its place."""
    make_topic(broker, "readings")
    source = kafka_reading.consumer(
        broker, **{"auto.offset.reset": "error", "reconnect.backoff.max.ms": 200})
    source.assign([confluent_kafka.TopicPartition("readings", 0, 0)])
    offsets = []
    for turn in range(3):
        for _ in range(5):
            store(broker, "readings")

        def enough(wanted=5 * turn + 5):
            for message in source.consume(5, timeout=0.2):
                error = message.error()
                if error is None:
                    offsets.append((message.offset(), message.leader_epoch()))
                else:
                    assert error.retriable() or error.code() < -1, error
            return len(offsets) >= wanted

        harness.eventually(enough, 40, f"records up to turn {turn}")
        broker.kill()
        broker.start()
    assert offsets == [(number, number // 5) for number in range(15)]
    source.close()


# What a Java 4.3 consumer sends for an empty topic, and what Kafka 4.3 answers, byte by byte, with
# names for the topic's id, the session's number and the correlation ids.
JAVA_EXCHANGES = (
    ("00010012 CCCCCCCC 0010636f6e736f6c652d636f6e73756d6572 00 000001f4 00000001 03200000 00"
     "00000000 00000000 02 TTTT 02 00000000 00000000 0000000000000000 ffffffff ffffffffffffffff"
     "00100000 00 00 01 01 00",
     "CCCCCCCC 00 00000000 0000 SSSSSSSS 02 TTTT 02 00000000 0000 0000000000000000"
     "0000000000000000 0000000000000000 00 ffffffff 01 00 00 00"),
    ("00010012 CCCCCCCC 0010636f6e736f6c652d636f6e73756d6572 00 000001f4 00000001 03200000 00"
     "SSSSSSSS 00000001 01 01 01 00",
     "CCCCCCCC 00 00000000 0000 SSSSSSSS 01 00"),
    ("00010012 CCCCCCCC 0010636f6e736f6c652d636f6e73756d6572 00 000001f4 00000001 03200000 00"
     "SSSSSSSS 00000002 01 01 01 00",
     "CCCCCCCC 00 00000000 0000 SSSSSSSS 01 00"),
)


def test_javas_frames_get_the_bytes_that_kafka_answers(broker):
    topic = make_topic(broker, "empty").hex()
    session = "00000000"
    with raw_kafka.RawKafka(broker.kafka_port) as client:
        for number, (asked, answered) in enumerate(JAVA_EXCHANGES, 12):
            def form(text, number=number):
                text = text.replace(" ", "").replace("CCCCCCCC", f"{number:08x}")
                return bytes.fromhex(text.replace("TTTT", topic).replace("SSSSSSSS", session))

            frame = form(asked)
            client.socket.sendall(len(frame).to_bytes(4, "big") + frame)
            answer = client.receive()
            if number == 12:
                session = answer[11:15].hex()
                assert session != "00000000"
            assert answer.hex() == form(answered).hex()
