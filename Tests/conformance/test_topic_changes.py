"""Topics that go and come back under publishers and readers; how many there may be, over restarts."""

import threading

import confluent_kafka
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewTopic

import harness
import kafka_reading
import producing
import publishing
import raw_kafka
import raw_mqtt
from test_topics import admin, deleted, made, names

UNKNOWN_TOPIC = 3
ROUTES = """\
routes:
  - filter: sensors/#
    topic: sensors.{2}
    partitions: 3
  - filter: plain/#
    topic: plain
    partitions: 2
"""


@pytest.fixture
def routed(make_broker, tmp_path):
    def start(*settings):
        path = tmp_path / "routes.yaml"
        path.write_text(ROUTES)
        return make_broker(*settings, options=["--config", str(path)]).start()
    return start


class Device(threading.Thread):
    """Publishes numbers one after the other, each until it is acknowledged."""

    def __init__(self, broker):
        super().__init__(daemon=True)
        self.broker, self.ending = broker, threading.Event()
        self.acknowledged, self.refused = 0, 0

    def run(self):
        while not self.ending.is_set():
            try:
                with raw_mqtt.RawMQTT(self.broker.mqtt_port) as raw:
                    assert raw.open("device") == 0
                    while not self.ending.is_set():
                        number = self.acknowledged + 1
                        raw.send(raw_mqtt.publish("sensors/a", b"%d" % number, 1))
                        publishing.take_acknowledgement(raw)
                        self.acknowledged = number
            except (AssertionError, OSError):
                self.refused += 1
                self.ending.wait(0.01)


def numbers(broker, topic, partitions):
    """All that the topic holds now, by partition; None when it is gone or comes meanwhile."""
    return [int(record.value) for partition in range(partitions)
            for record in kafka_reading.read_to_end(broker, topic, partition)]


def test_a_topic_deleted_under_publishers_and_consumers_comes_back(routed):
    broker = routed()
    device = Device(broker)
    device.start()
    harness.eventually(lambda: device.acknowledged > 50, what="a device that publishes")
    source = kafka_reading.consumer(broker, **{
        "topic.metadata.refresh.interval.ms": 100, "reconnect.backoff.max.ms": 100,
        "topic.metadata.propagation.max.ms": 100})
    source.assign([TopicPartition("sensors.a", partition, 0) for partition in range(3)])
    heard = set()

    def hears(least):
        for message in source.consume(1000, timeout=0.1):
            if message.error() is None:
                heard.add(int(message.value()))
        return heard and max(heard) >= least

    try:
        for _ in range(4):
            harness.eventually(lambda: hears(device.acknowledged), 30, "the consumer at the end")
            assert deleted(broker, "sensors.a") is None
            before = device.acknowledged + 1  # What was on its way may have gone with the topic.
            harness.eventually(lambda: device.acknowledged > before + 50, what="the device back")
            # The consumer is not told: it finds out, and goes on in the new topic.
            harness.eventually(lambda: hears(before + 50), 30, "the consumer in the new topic")
        device.ending.set()
        device.join(timeout=20)
        stored = numbers(broker, "sensors.a", 3)
        assert set(range(before + 1, device.acknowledged + 1)) <= set(stored)
        assert min(stored) >= before - 1, "something of the deleted topic is in the new one"
        assert device.refused <= 4 * 5
        broker.kill()
        broker.start()
        assert numbers(broker, "sensors.a", 3) == stored
    finally:
        device.ending.set()
        source.close()


def test_a_fetch_that_waits_while_its_topic_goes_is_answered(broker):
    assert made(broker, NewTopic("going", 1, 1)) is None
    with raw_kafka.RawKafka(broker.kafka_port) as kafka:
        kafka.socket.sendall(raw_kafka.request(
            raw_kafka.FETCH, 4, raw_kafka.fetch_body("going", 0, max_wait_ms=1000)))
        assert deleted(broker, "going") is None
        answer = raw_kafka.Cursor(kafka.receive())
        answer.at = 4 + 4 + 4 + 2 + len("going") + 4 + 4
        assert answer.take("h") == UNKNOWN_TOPIC


def test_partitions_are_as_many_as_were_asked_for_over_restarts(routed):
    broker = routed("num.partitions=4")
    assert made(broker, NewTopic("five", 5, 1)) is None
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.kafka})
    producer.produce("first-use", b"x")
    assert producer.flush(20) == 0
    publishing.publish(broker, [("sensors/a", b"x"), ("plain/x", b"x")])
    wanted = {"five": 5, "first-use": 4, "sensors.a": 3, "plain": 2}

    def counts():
        topics = admin(broker).list_topics(timeout=10).topics
        return {name: len(topics[name].partitions) for name in wanted}
    assert counts() == wanted
    for partition in range(5):
        producer.produce("five", b"%d" % partition, partition=partition)
    assert producer.flush(20) == 0
    broker.restart()
    assert counts() == wanted
    broker.kill()
    broker.start()
    assert counts() == wanted
    for partition in range(5):
        [record] = kafka_reading.read_to_end(broker, "five", partition)
        assert record.value == b"%d" % partition
    with raw_kafka.RawKafka(broker.kafka_port) as kafka:
        assert kafka.fetch("five", 0, partition=5)[0] == UNKNOWN_TOPIC
        assert kafka.fetch("five", 0, partition=-1)[0] == UNKNOWN_TOPIC
        batch = producing.batch([b"x"], publishing.now_ms())
        assert producing.produce(kafka, "five", batch, partition=5)[0] == UNKNOWN_TOPIC


def test_the_bound_of_all_partitions_holds_over_restarts(make_broker):
    broker = make_broker("partitions.max=6").start()  # One is `mqtt`.
    assert made(broker, NewTopic("three", 3, 1)) is None
    assert made(broker, NewTopic("more", 3, 1)) == "POLICY_VIOLATION"
    broker.restart()
    assert made(broker, NewTopic("more", 3, 1)) == "POLICY_VIOLATION"
    assert made(broker, NewTopic("two", 2, 1)) is None
    assert deleted(broker, "three") is None
    broker.kill()
    broker.start()
    assert made(broker, NewTopic("more", 3, 1)) is None
    assert made(broker, NewTopic("one", 1, 1)) == "POLICY_VIOLATION"
    assert names(broker) >= {"mqtt", "two", "more"}


def refused(broker, topic):
    """The reason code with which a publisher is sent away; None for one that is acknowledged."""
    with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
        assert raw.open("one") == 0
        raw.send(raw_mqtt.publish(topic, b"x", 1))
        kind, _, body = raw.receive()
        if kind == raw_mqtt.PUBACK:
            return None
        assert kind == raw_mqtt.DISCONNECT
        return body[0]


QUOTA_EXCEEDED = 0x97


def test_the_budget_of_routes_over_deletions_restarts_and_a_lower_limit(routed):
    broker = routed("route.topics.max=2")
    assert [refused(broker, f"sensors/{name}") for name in "abc"] == [None, None, QUOTA_EXCEEDED]
    assert deleted(broker, "sensors.a") is None
    assert [refused(broker, f"sensors/{name}") for name in "cab"] == [None, QUOTA_EXCEEDED, None]
    broker.kill()
    broker.start()
    assert [refused(broker, f"sensors/{name}") for name in "dcb"] == [QUOTA_EXCEEDED, None, None]
    broker.settings = ["route.topics.max=1"]
    broker.restart()
    assert [refused(broker, f"sensors/{name}") for name in "dcb"] == [QUOTA_EXCEEDED, None, None]
    assert deleted(broker, "sensors.b") is None
    assert [refused(broker, f"sensors/{name}") for name in "bc"] == [QUOTA_EXCEEDED, None]
    assert refused(broker, "plain/x") is None
    assert {name for name in names(broker) if name.startswith("sensors")} == {"sensors.c"}
