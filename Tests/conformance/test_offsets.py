"""Committed offsets, as programs that we did not write commit and read them."""

import shutil
import subprocess

import confluent_kafka
import kafka
import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from kafka.structs import OffsetAndMetadata
from kafka.structs import TopicPartition as Partition

from harness import eventually

TOPIC, PARTITIONS = "readings", 3


def administer(broker, call):
    """What an administrator's one call answers. The client must outlive it."""
    client = AdminClient({"bootstrap.servers": broker.kafka, "broker.address.family": "v4"})
    (future,) = call(client).values()
    return future.result(15)


def make_topic(broker, name=TOPIC, partitions=PARTITIONS):
    administer(broker, lambda client: client.create_topics([NewTopic(name, partitions, 1)]))


def fill(broker, count=30, topic=TOPIC, partitions=PARTITIONS):
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": broker.kafka, "broker.address.family": "v4"})
    for number in range(count):
        producer.produce(topic, b"%d" % number, partition=number % partitions)
    assert producer.flush(15) == 0


def consumer(broker, group="g", **settings):
    return confluent_kafka.Consumer({
        "bootstrap.servers": broker.kafka, "broker.address.family": "v4", "group.id": group,
        "enable.auto.commit": False, "auto.offset.reset": "earliest", **settings})


def committed(broker, group="g", topic=TOPIC):
    """What librdkafka's admin is told of a group: offsets by partition."""
    answer = administer(broker, lambda client: client.list_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(group)]))
    return {part.partition: part.offset for part in answer.topic_partitions
            if part.topic == topic and part.offset >= 0}


@pytest.fixture
def filled(broker):
    make_topic(broker)
    fill(broker)
    return broker


def test_a_commit_with_metadata_is_read_back_by_another_library(filled):
    reader = consumer(filled)
    part = TopicPartition(TOPIC, 1, 7, metadata="half way")
    assert [p.error for p in reader.commit(offsets=[part], asynchronous=False)] == [None]
    found = reader.committed([TopicPartition(TOPIC, 1), TopicPartition(TOPIC, 2)], timeout=10)
    assert [p.offset for p in found] == [7, confluent_kafka.OFFSET_INVALID]
    assert found[0].metadata.rstrip("\0") == "half way" and not found[1].metadata
    reader.close()
    other = kafka.KafkaConsumer(
        bootstrap_servers=filled.kafka, group_id="g", enable_auto_commit=False)
    offset = other.committed(Partition(TOPIC, 1), metadata=True)
    # confluent-kafka counts the end of its C string as part of it.
    assert (offset.offset, offset.metadata.rstrip("\0")) == (7, "half way")
    other.close()


def test_a_leader_epoch_comes_back_as_it_was_committed(filled):
    writer = kafka.KafkaConsumer(
        bootstrap_servers=filled.kafka, group_id="g", enable_auto_commit=False)
    writer.assign([Partition(TOPIC, 0)])
    writer.commit({Partition(TOPIC, 0): OffsetAndMetadata(4, "md", 0)})
    found = writer.committed(Partition(TOPIC, 0), metadata=True)
    assert (found.offset, found.metadata, found.leader_epoch) == (4, "md", 0)
    writer.close()


def test_a_consumer_outside_of_groups_goes_on_where_it_stopped(filled):
    for start in (0, 5):
        reader = consumer(filled)
        reader.assign([TopicPartition(TOPIC, 0, confluent_kafka.OFFSET_STORED)])
        messages = []
        while len(messages) < 5:
            message = reader.poll(10)
            assert message is not None and message.error() is None
            messages.append(message.offset())
        assert messages == list(range(start, start + 5))
        reader.commit(offsets=[TopicPartition(TOPIC, 0, start + 5)], asynchronous=False)
        reader.close()


def test_commits_that_nobody_waits_for_arrive_in_order(filled):
    answers = []
    reader = consumer(filled, on_commit=lambda error, parts: answers.append((error, parts)))
    reader.assign([TopicPartition(TOPIC, 0, 0)])
    for offset in range(1, 11):
        reader.commit(offsets=[TopicPartition(TOPIC, 0, offset)], asynchronous=True)

    def answered():
        reader.poll(0.01)
        return len(answers) >= 10

    eventually(answered, 15, "ten answers")
    assert all(error is None for error, _ in answers)
    assert committed(filled) == {0: 10}
    reader.close()


def test_members_of_a_group_go_on_where_the_last_ones_stopped(filled):
    def read(count):
        reader = consumer(filled, "team", **{"session.timeout.ms": 6000})
        reader.subscribe([TOPIC])
        seen = set()
        while len(seen) < count:
            message = reader.poll(20)
            assert message is not None and message.error() is None
            seen.add((message.partition(), message.offset()))
            reader.commit(message, asynchronous=False)
        reader.close()
        return seen

    first = read(12)
    assert filled.restart()
    second = read(18)
    assert not first & second and len(first | second) == 30
    assert committed(filled, "team") == {0: 10, 1: 10, 2: 10}


def test_kcat_goes_on_where_its_group_stopped(filled):
    kcat = shutil.which("kcat") or shutil.which("kafkacat")
    if not kcat:
        pytest.skip("no kcat here")
    command = [kcat, "-b", filled.kafka, "-X", "broker.address.family=v4", "-q", "-e",
               "-X", "auto.offset.reset=earliest", "-f", "%p/%o\n", "-G", "cats", TOPIC]
    first = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                           universal_newlines=True, check=False)
    assert len(set(first.stdout.split())) == 30, first.stderr
    assert committed(filled, "cats") == {0: 10, 1: 10, 2: 10}
    fill(filled, 3)
    again = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                           universal_newlines=True, check=False)
    assert sorted(again.stdout.split()) == ["0/10", "1/10", "2/10"], again.stderr


def test_an_administrator_moves_and_reads_offsets(filled):
    parts = [TopicPartition(TOPIC, number, 2 + number) for number in range(PARTITIONS)]
    request = ConsumerGroupTopicPartitions("moved", parts)
    administer(filled, lambda client: client.alter_consumer_group_offsets([request]))
    assert committed(filled, "moved") == {0: 2, 1: 3, 2: 4}


def test_an_administrator_deletes_offsets_and_groups(filled):
    reader = consumer(filled)
    parts = [TopicPartition(TOPIC, number, 5) for number in range(PARTITIONS)]
    reader.commit(offsets=parts, asynchronous=False)
    reader.close()
    client = kafka.KafkaAdminClient(bootstrap_servers=filled.kafka)
    client.delete_group_offsets("g", [Partition(TOPIC, 1)])
    assert committed(filled) == {0: 5, 2: 5}
    client.delete_groups(["g"])
    assert committed(filled) == {}
    client.close()
    assert filled.restart()
    assert committed(filled) == {}


def test_what_members_read_cannot_be_deleted(filled):
    reader = consumer(filled, **{"session.timeout.ms": 6000})
    reader.subscribe([TOPIC])
    assert reader.poll(20) is not None
    reader.commit(asynchronous=False)
    before = committed(filled)
    client = kafka.KafkaAdminClient(bootstrap_servers=filled.kafka)
    try:
        answer = str(client.delete_group_offsets("g", [Partition(TOPIC, 0)]))
    except kafka.errors.KafkaError as error:
        answer = str(error) + type(error).__name__
    assert "ubscribed" in answer or "86" in answer or "SUBSCRIBED" in answer
    assert committed(filled) == before
    client.close()
    reader.close()


def test_offsets_that_nobody_renews_are_forgotten(make_broker):
    broker = make_broker(
        "offsets.retention.minutes=3s", "offsets.retention.check.interval.ms=200ms").start()
    make_topic(broker)
    fill(broker)
    reader = consumer(broker, "team", **{"session.timeout.ms": 6000})
    reader.subscribe([TOPIC])
    assert reader.poll(20) is not None
    reader.commit(asynchronous=False)
    simple = consumer(broker, "alone")
    simple.commit(offsets=[TopicPartition(TOPIC, 0, 5)], asynchronous=False)
    assert committed(broker, "alone") == {0: 5}
    eventually(lambda: not committed(broker, "alone"), 20, "the end of a lone consumer's offsets")
    assert committed(broker, "team"), "those of a group with members stay"
    simple.close()
    reader.close()
    eventually(lambda: not committed(broker, "team"), 20, "the end of a left group's offsets")


def test_a_topic_takes_its_offsets_along(filled):
    reader = consumer(filled)
    reader.commit(offsets=[TopicPartition(TOPIC, 0, 5)], asynchronous=False)
    administer(filled, lambda client: client.delete_topics([TOPIC]))
    make_topic(filled)
    assert committed(filled) == {}
    found = reader.committed([TopicPartition(TOPIC, 0)], timeout=10)
    assert found[0].offset == confluent_kafka.OFFSET_INVALID
    reader.close()
    assert filled.restart()
    assert committed(filled) == {}


def test_metadata_over_the_limit_is_refused(make_broker):
    broker = make_broker("offset.metadata.max.bytes=20").start()
    make_topic(broker)
    reader = consumer(broker)
    with pytest.raises(confluent_kafka.KafkaException) as refused:
        part = TopicPartition(TOPIC, 0, 5, metadata="m" * 21)
        answers = reader.commit(offsets=[part], asynchronous=False)
        raise confluent_kafka.KafkaException(answers[0].error)
    assert refused.value.args[0].code() == confluent_kafka.KafkaError.OFFSET_METADATA_TOO_LARGE
    assert committed(broker) == {}
    reader.close()
