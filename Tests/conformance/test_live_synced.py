"""`live: synced`: a subscriber hears of a message only once it is stored. `live: early`: at once."""

import os
import random
import struct
import threading

import pytest

import admin
import harness
import kafka_reading
import publishing
import raw_kafka
import raw_mqtt
import thread_stop

ROUTES = """\
routes:
  - filter: synced/#
    topic: synced
    live: synced
  - filter: early/#
    topic: early
"""


@pytest.fixture
def routed(make_broker, tmp_path):
    def start(*settings):
        path = tmp_path / "routes.yaml"
        path.write_text(ROUTES)
        return make_broker(*settings, options=["--config", str(path)]).start()
    return start


class Subscriber(threading.Thread):
    """Notes the numbers that it hears on `<filter>`, and acknowledges. `on_number` sees each."""

    def __init__(self, broker, topic_filter, qos, on_number=lambda number: None):
        super().__init__(daemon=True)
        self.numbers, self.on_number = [], on_number
        self.failure = None
        self.raw = raw_mqtt.RawMQTT(broker.mqtt_port, seconds=60)
        assert self.raw.open(f"sub-{topic_filter}-{qos}") == 0
        self.raw.send(raw_mqtt.packet(
            raw_mqtt.SUBSCRIBE, struct.pack(">Hb", 1, 0) + raw_mqtt.text(topic_filter)
            + bytes([qos]), 2))
        assert self.raw.receive()[0] == raw_mqtt.SUBACK
        self.start()

    def run(self):
        try:
            while self.take(self.raw.receive()):
                pass
        except (AssertionError, OSError, ValueError) as error:
            self.failure = error

    def take(self, found):
        if found is None:
            return False
        kind, flags, body = found
        assert kind == raw_mqtt.PUBLISH
        at = 2 + struct.unpack_from(">H", body)[0]
        if flags & 6:
            self.raw.send(raw_mqtt.packet(raw_mqtt.PUBACK, body[at:at + 2]))
            at += 2
        number = int(body[at + 1:].split(b" ")[0])  # Behind the properties' length, 0.
        self.on_number(number)
        self.numbers.append(number)
        return True

    def wait_for(self, count, seconds=30):
        harness.eventually(lambda: self.failure or len(self.numbers) >= count, seconds,
                           f"{count} messages, of which came {len(self.numbers)}")
        assert self.failure is None, self.failure


def publish(broker, topic, count, qos, size=0):
    if qos:
        return publishing.publish_numbers(broker, count, topic)
    with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
        assert raw.open("publisher") == 0
        for number in range(count):
            raw.send(raw_mqtt.publish(topic, b"%d " % number + b"x" * size))
        raw.send(raw_mqtt.packet(raw_mqtt.PINGREQ, b""))
        assert raw.receive()[0] == raw_mqtt.PINGRESP
    return None


@pytest.mark.parametrize("published, subscribed", [(0, 0), (1, 0), (1, 1)])
def test_a_synced_message_is_readable_before_it_is_heard(routed, published, subscribed):
    broker = routed("commit.interval=1min")  # So that each sync is one that somebody waits for.
    with raw_kafka.RawKafka(broker.kafka_port) as kafka:
        early = []

        def look(number):
            if kafka.list_offset("synced", -1)[2] <= number:
                early.append(number)

        subscriber = Subscriber(broker, "synced/#", subscribed, look)
        publish(broker, "synced/x", 500, published)
        subscriber.wait_for(500)
    assert subscriber.numbers == list(range(500)) and not early


def test_an_early_message_is_heard_without_the_disk(routed):
    broker = routed("commit.interval=1min")
    subscriber = Subscriber(broker, "early/#", 0)
    publish(broker, "early/x", 5, 0)
    subscriber.wait_for(5)
    assert kafka_reading.watermarks(broker, "early") == (0, 0)
    publish(broker, "early/x", 1, 1)
    assert kafka_reading.watermarks(broker, "early") == (0, 6)


def undelivered(broker):
    samples = admin.metrics(broker)
    return sum(samples[f'headwater_mqtt_undelivered_total{{reason="{reason}"}}']
               for reason in ("slow at QoS 0", "queue full"))


def test_what_waits_for_a_slow_disk_is_bounded_and_what_is_dropped_is_counted(routed):
    broker = routed("memory.ceiling=32MiB", "health.loop.timeout=1min")
    synced = Subscriber(broker, "synced/#", 0)
    early = Subscriber(broker, "early/#", 0)
    count = 4000
    with thread_stop.stopped(broker.pid, "headwater-storage"):
        publish(broker, "synced/x", count, 0, size=1000)
        publish(broker, "early/x", 5, 0)
        early.wait_for(5)
        assert not synced.numbers
        samples = admin.metrics(broker)
        pool = 'headwater_memory_pool_{}_bytes{{pool="mqtt.deliveries"}}'
        capacity = samples[pool.format("capacity")]
        assert capacity == 2 << 20 and capacity * 0.9 < samples[pool.format("used")] <= capacity
        held = count - undelivered(broker)
        assert 1000 < held < 2100  # As many as the pool has room for, at 1,000 bytes and more.
    harness.eventually(lambda: len(synced.numbers) + undelivered(broker) == count,
                       what="every message heard, or counted as dropped")
    # The oldest ones were held, and come in order.
    assert synced.numbers == sorted(synced.numbers) and set(synced.numbers) <= set(range(2100))
    harness.eventually(lambda: admin.metrics(broker)[pool.format("used")] < 400_000,
                       what="the memory given back")
    assert len(kafka_reading.read_to_end(broker, "synced")) == count
    before = len(synced.numbers)
    publish(broker, "synced/x", 10, 0)
    synced.wait_for(before + 10)


def test_what_a_synced_subscriber_heard_outlives_kill_9(routed):
    seed = int(os.environ.get("HEADWATER_SEED", random.SystemRandom().randrange(1 << 32)))
    rng = random.Random(seed)
    broker = routed()
    heard, sent = set(), 0
    for _ in range(4):
        subscriber = Subscriber(broker, "synced/#", 0)
        enough = rng.randrange(1, 2000)
        with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
            assert raw.open("publisher") == 0
            raw.socket.setblocking(True)
            while len(subscriber.numbers) < enough and subscriber.failure is None:
                raw.send(b"".join(raw_mqtt.publish("synced/x", b"%d " % number)
                                  for number in range(sent, sent + 20)))
                sent += 20
            broker.kill()
        subscriber.join(timeout=20)
        heard.update(subscriber.numbers)
        broker.start()
    stored = [int(record.value) for record in kafka_reading.read_to_end(broker, "synced")]
    assert len(stored) == len(set(stored)) and len(heard) > 10, f"seed {seed}"
    assert heard <= set(stored), f"seed {seed}: {sorted(heard - set(stored))[:5]} are lost"
