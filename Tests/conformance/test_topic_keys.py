"""Kafka's topic keys, each seen at work: told at a creation or changed while the topic is there."""

import os
import time

import confluent_kafka
import pytest
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource,
                                   NewPartitions, NewTopic)

import harness
import publishing

TOPIC = "keys"
LOG = "00000000000000000000.log"


class Topic:
    """One topic, its administrator and its producer."""

    def __init__(self, broker, partitions=1, **settings):
        self.broker = broker
        self.options = {"bootstrap.servers": broker.kafka, "broker.address.family": "v4"}
        self.admin = AdminClient(self.options)
        self.producer = confluent_kafka.Producer(self.options)
        config = {name.replace("_", "."): value for name, value in settings.items()}
        self.admin.create_topics([NewTopic(TOPIC, partitions, 1, config=config)])[TOPIC].result(15)

    def alter(self, **changes):
        resource = ConfigResource(ConfigResource.Type.TOPIC, TOPIC, incremental_configs=[
            ConfigEntry(name.replace("_", "."), value,
                        incremental_operation=AlterConfigOpType.DELETE if value is None
                        else AlterConfigOpType.SET)
            for name, value in changes.items()])
        self.admin.incremental_alter_configs([resource])[resource].result(15)

    def produce(self, value=b"x" * 1000, count=1, partition=0, timestamp=0):
        """Errors of the last one, or None."""
        errors = []
        for _ in range(count):
            self.producer.produce(TOPIC, value, partition=partition, timestamp=timestamp,
                                  on_delivery=lambda error, _: errors.append(error))
            self.producer.flush(15)
        return errors[-1].name() if errors[-1] else None

    def folder(self, partition=0):
        return self.broker.partition(TOPIC, partition)

    def files(self, suffix, partition=0):
        return sorted(name for name in os.listdir(self.folder(partition)) if name.endswith(suffix))

    def read(self, partition=0):
        consumer = confluent_kafka.Consumer({
            "bootstrap.servers": self.broker.kafka, "broker.address.family": "v4",
            "group.id": "none", "enable.auto.commit": False, "auto.offset.reset": "earliest"})
        place = confluent_kafka.TopicPartition(TOPIC, partition)
        start, end = consumer.get_watermark_offsets(place, timeout=10)
        consumer.assign([confluent_kafka.TopicPartition(TOPIC, partition, start)])
        found = []
        while len(found) < end - start:
            message = consumer.poll(10)
            assert message is not None and not message.error()
            found.append(message)
        consumer.close()
        return start, end, found


def refusal(call):
    with pytest.raises(confluent_kafka.KafkaException) as caught:
        call()
    return caught.value.args[0].name(), caught.value.args[0].str()


def test_segment_bytes_changes_live(broker):
    topic = Topic(broker)
    topic.produce(count=20, value=os.urandom(5000))
    assert len(topic.files(".log")) == 1
    topic.alter(segment_bytes="65536")
    topic.produce(count=20, value=os.urandom(5000))
    assert len(topic.files(".log")) >= 2
    topic.alter(segment_bytes=None)
    before = len(topic.files(".log"))
    topic.produce(count=20, value=os.urandom(5000))
    assert len(topic.files(".log")) == before


def test_segment_ms_seals_by_time(broker):
    topic = Topic(broker, segment_ms="1")

    def has_rolled():
        assert topic.produce() is None
        return len(topic.files(".log")) >= 3

    harness.eventually(has_rolled, what="segments that are old at once")


def test_segment_index_bytes_seals_a_full_index(broker):
    topic = Topic(broker, index_interval_bytes="0", segment_index_bytes="96")
    topic.produce(count=30)
    assert len(topic.files(".log")) >= 3


def test_index_interval_bytes(broker):
    topic = Topic(broker, index_interval_bytes="0")
    topic.produce(count=10)
    broker.stop()
    assert os.path.getsize(os.path.join(topic.folder(), LOG.replace(".log", ".index"))) == 9 * 8


def test_preallocate_keeps_room(broker):
    topic = Topic(broker, preallocate="true", segment_bytes="1048576")
    status = os.stat(os.path.join(topic.folder(), LOG))
    if status.st_blocks == 0:
        pytest.skip("this file system keeps no room")
    assert status.st_size == 0 and status.st_blocks * 512 >= 1048576


def test_retention_bytes_changes_live(make_broker):
    broker = make_broker("log.retention.check.interval.ms=100").start()
    topic = Topic(broker, segment_bytes="65536", file_delete_delay_ms="0")
    topic.produce(count=40, value=os.urandom(5000))
    assert topic.read()[0] == 0
    topic.alter(retention_bytes="70000")
    harness.eventually(lambda: topic.read()[0] > 0, what="records that are deleted by size")
    harness.eventually(lambda: not topic.files(".deleted"), what="files that are removed")


def test_retention_ms_and_file_delete_delay_ms(make_broker):
    broker = make_broker("log.retention.check.interval.ms=100").start()
    topic = Topic(broker, file_delete_delay_ms="600000")
    topic.produce(count=3)
    topic.alter(retention_ms="1")
    harness.eventually(lambda: topic.read()[:2] == (3, 3), what="records that are deleted by age")
    assert topic.files(".deleted")


def test_max_message_bytes_changes_live(broker):
    topic = Topic(broker)
    assert topic.produce(os.urandom(5000)) is None
    topic.alter(max_message_bytes="2000")
    assert topic.produce(os.urandom(5000)) == "MSG_SIZE_TOO_LARGE"
    topic.alter(max_message_bytes=None)
    assert topic.produce(os.urandom(5000)) is None


def test_message_timestamp_type_changes_live(broker):
    topic = Topic(broker)
    old = int(time.time() * 1000) - 1000
    topic.produce(timestamp=old)
    topic.alter(message_timestamp_type="LogAppendTime")
    topic.produce(timestamp=old)
    kinds = [message.timestamp() for message in topic.read()[2]]
    assert kinds[0] == (confluent_kafka.TIMESTAMP_CREATE_TIME, old)
    assert kinds[1][0] == confluent_kafka.TIMESTAMP_LOG_APPEND_TIME and kinds[1][1] > old


def test_message_timestamp_bounds(broker):
    topic = Topic(broker)
    now = int(time.time() * 1000)
    assert topic.produce(timestamp=now - 600_000) is None
    topic.alter(message_timestamp_before_max_ms="60000")
    assert topic.produce(timestamp=now - 600_000) == "INVALID_TIMESTAMP"
    assert topic.produce(timestamp=now + 600_000) is None
    topic.alter(message_timestamp_after_max_ms="60000")
    assert topic.produce(timestamp=now + 600_000) == "INVALID_TIMESTAMP"


@pytest.mark.parametrize("setting, value", [
    ("min.insync.replicas", "2"), ("unclean.leader.election.enable", "true"),
    ("remote.storage.enable", "true"), ("local.retention.ms", "1000"),
    ("local.retention.bytes", "1000"), ("leader.replication.throttled.replicas", "*"),
    ("follower.replication.throttled.replicas", "*"), ("remote.log.copy.disable", "true"),
    ("remote.log.delete.on.disable", "true"), ("message.format.version", "2.8"),
    ("message.downconversion.enable", "true"), ("segment.bytes", "lots"),
])
def test_what_means_nothing_here_is_refused(broker, setting, value):
    topic = Topic(broker)
    name, sentence = refusal(lambda: topic.alter(**{setting.replace(".", "_"): value}))
    assert name == "INVALID_CONFIG" and setting in sentence


def test_partitions_are_added_and_outlive_a_kill(broker):
    topic = Topic(broker)
    topic.produce(b"first")
    topic.admin.create_partitions([NewPartitions(TOPIC, 3)])[TOPIC].result(15)
    topic.producer = confluent_kafka.Producer(topic.options)  # One that knows of them.
    topic.produce(b"later", partition=2)
    assert refusal(lambda: topic.admin.create_partitions(
        [NewPartitions(TOPIC, 2)])[TOPIC].result(15))[0] == "INVALID_PARTITIONS"
    broker.kill()
    broker.start()
    assert [len(topic.read(number)[2]) for number in range(3)] == [1, 0, 1]


def test_records_are_deleted_and_stay_so(broker):
    topic = Topic(broker)
    topic.produce(count=10)
    place = confluent_kafka.TopicPartition(TOPIC, 0, 4)
    done = topic.admin.delete_records([place])[place].result(15)
    assert done.low_watermark == 4
    broker.kill()
    broker.start()
    start, end, found = topic.read()
    assert (start, end) == (4, 10) and [message.offset() for message in found][0] == 4
    topic.admin = AdminClient(topic.options)  # One whose connection was not cut.
    place = confluent_kafka.TopicPartition(TOPIC, 0, 11)
    assert refusal(lambda: topic.admin.delete_records([place])[place].result(15))[0] \
        == "OFFSET_OUT_OF_RANGE"
    topic.alter(cleanup_policy="compact")
    place = confluent_kafka.TopicPartition(TOPIC, 0, 6)
    assert refusal(lambda: topic.admin.delete_records([place])[place].result(15))[0] \
        == "POLICY_VIOLATION"


def test_the_command_alters_describes_and_deletes(broker):
    topic = Topic(broker)
    topic.produce(count=5)
    at = ("--kafka", broker.kafka)
    run = harness.run_headwater
    assert run("topics", "alter", TOPIC, "--set", "retention.ms=5000", "--partitions", "2",
               *at).returncode == 0
    described = run("topics", "describe", TOPIC, *at).stdout
    assert "BYTES" in described and "5000" in described
    assert run("topics", "alter", TOPIC, "--reset", "retention.ms", *at).returncode == 0
    assert "5000 " not in run("topics", "describe", TOPIC, *at).stdout
    refused = run("topics", "alter", TOPIC, "--set", "min.insync.replicas=2", *at)
    assert refused.returncode == 65 and "min.insync.replicas" in refused.stderr
    gone = run("topics", "delete-records", TOPIC, "--partition", "0", "--before", "3", "--yes", *at)
    assert gone.returncode == 0 and f"{TOPIC}-0 begins at offset 3" in gone.stdout
    assert topic.read()[0] == 3


def test_devices_meet_new_settings_and_new_partitions(broker):
    publishing.publish_numbers(broker, 20)  # Makes the topic, and its route remembers it.
    options = {"bootstrap.servers": broker.kafka, "broker.address.family": "v4"}
    administrator = AdminClient(options)
    administrator.create_partitions([NewPartitions("mqtt", 4)])["mqtt"].result(15)
    resource = ConfigResource(ConfigResource.Type.TOPIC, "mqtt", incremental_configs=[
        ConfigEntry("segment.bytes", "65536", incremental_operation=AlterConfigOpType.SET),
        ConfigEntry("durability", "written", incremental_operation=AlterConfigOpType.SET)])
    administrator.incremental_alter_configs([resource])[resource].result(15)
    publishing.publish(broker, [(f"device/{number % 50}", os.urandom(9000))
                                for number in range(400)])
    consumer = confluent_kafka.Consumer({**options, "group.id": "none"})
    ends = [consumer.get_watermark_offsets(confluent_kafka.TopicPartition("mqtt", number),
                                           timeout=10)[1] for number in range(4)]
    consumer.close()
    assert sum(ends) == 420 and min(ends) > 0
    assert max(broker.segment_sizes("mqtt", 1)) <= 65536
