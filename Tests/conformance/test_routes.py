"""Routes: MQTT in by filter, Kafka out by topic, key, partition, header and setting."""

import json
import subprocess

import pytest
from confluent_kafka.admin import AdminClient
from kafka.partitioner.default import murmur2

import harness
import kafka_reading
import publishing
import raw_mqtt
from test_kcat import kcat

ROUTES = """\
routes:
  - filter: plant/+/temperature
    topic: temperatures
    key: level 2
    partitions: 4
    headers: {site: north, line: "{2}", who: "{client}"}
    settings:
      retention.ms: 3600000
  - filter: sensors/#
    topic: sensors.{2}
    key: json:device.id
    partitions: 3
    durability: written
  - filter: plain/#
    topic: plain
    key: none
"""


@pytest.fixture
def routed(make_broker, tmp_path):
    """Starts a broker with these routes."""
    def start(text, *settings):
        path = tmp_path / "routes.yaml"
        path.write_text(text)
        return make_broker(*settings, options=["--config", str(path)]).start()
    return start


def read(broker, topic, count):
    """All records of a topic, as kcat shows them, once there are so many."""
    def look():
        lines = kcat(broker, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-J").splitlines()
        return lines if len(lines) >= count else None
    records = [json.loads(line) for line in harness.eventually(look, what=f"{count} in {topic}")]
    for record in records:
        record["headers"] = dict(zip(record["headers"][::2], record["headers"][1::2]))
    return records


def partition(key, count):
    return (murmur2(key.encode()) & 0x7FFFFFFF) % count


def mosquitto_pub(broker, topic, message, client):
    return subprocess.run(
        ["mosquitto_pub", "-p", str(broker.mqtt_port), "-q", "1", "-i", client, "-t", topic,
         "-m", message], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, universal_newlines=True, timeout=20, check=False)


def test_each_route_gives_topic_key_partition_and_headers(routed):
    broker = routed(ROUTES)
    lines = [f"line{number}" for number in range(1, 7)]
    for line in lines:
        run = mosquitto_pub(broker, f"plant/{line}/temperature", "21", f"client-{line}")
        assert run.returncode == 0, run.stdout
    records = read(broker, "temperatures", len(lines))
    assert sorted(record["key"] for record in records) == lines
    for record in records:
        key = record["key"]
        assert record["partition"] == partition(key, 4)
        assert record["headers"] == {
            "mqtt.qos": "1", "site": "north", "line": key, "who": f"client-{key}"}
    assert len({record["partition"] for record in records}) > 1


def test_topics_are_made_from_levels_and_keys_from_payloads(routed):
    broker = routed(ROUTES)
    publishing.publish(broker, [
        ("sensors/living_room/t", b'{"v": [1, {"id": 0}], "device": {"id": "d-1"}}'),
        ("sensors/living_room/t", b"no json"), ("sensors/v1.2", b'{"device": {"id": 7}}'),
        ("sensors/\u00e9", b"{}")])
    by_value = {record["payload"]: record for record in read(broker, "sensors.living_room", 2)}
    assert by_value["no json"]["key"] in (None, "")
    keyed = next(r for r in by_value.values() if r["key"])
    assert (keyed["key"], keyed["partition"]) == ("d-1", partition("d-1", 3))
    assert [(r["key"], r["partition"]) for r in read(broker, "sensors.v1..2e2", 1)] == [
        ("7", partition("7", 3))]
    assert len(read(broker, "sensors...c3..a9", 1)) == 1
    assert "topic created by a route" in broker.log()


def test_a_topic_has_what_its_route_says(routed):
    broker = routed(ROUTES)
    listed = json.loads(kcat(broker, "-L", "-J"))
    counts = {topic["topic"]: len(topic["partitions"]) for topic in listed["topics"]}
    assert counts["temperatures"] == 4 and counts["plain"] == 1
    # What is made of levels is made with the first message, and outlives a restart.
    publishing.publish(broker, [("sensors/a", b"x")])
    broker.restart()
    publishing.publish(broker, [("sensors/a", b"y")])
    assert [r["payload"] for r in sorted(read(broker, "sensors.a", 2), key=lambda r: r["ts"])
            ] == ["x", "y"]


@pytest.mark.parametrize("topic", ["elsewhere", "$SYS/x", "sensors"])
def test_what_no_route_takes_is_refused_or_dropped(routed, topic):
    broker = routed(ROUTES)
    with raw_mqtt.RawMQTT(broker.mqtt_port, seconds=20) as raw:
        assert raw.open("one") == 0
        raw.send(raw_mqtt.publish(topic, b"dropped", None))
        raw.send(raw_mqtt.publish("plain/x", b"kept", 1))
        publishing.take_acknowledgement(raw)
        raw.send(raw_mqtt.publish(topic, b"refused", 2))
        kind, _, body = raw.receive()
        assert (kind, body[0]) == (raw_mqtt.DISCONNECT, 0x90)
    assert [r["payload"] for r in read(broker, "plain", 1)] == ["kept"]


def test_the_budget_of_topics(routed):
    broker = routed(ROUTES, "route.topics.max=2")
    publishing.publish(broker, [("sensors/a", b"1"), ("sensors/b", b"2"), ("sensors/a", b"3")])
    for start in range(2):
        with raw_mqtt.RawMQTT(broker.mqtt_port, seconds=20) as raw:
            assert raw.open(f"one{start}") == 0
            raw.send(raw_mqtt.publish("sensors/c", b"dropped", None))
            raw.send(raw_mqtt.publish("sensors/c", b"refused", 1))
            kind, _, body = raw.receive()
            assert (kind, body[0]) == (raw_mqtt.DISCONNECT, 0x97)
        assert len(broker.log_lines("routes may create no more topics")) == 1
        publishing.publish(broker, [("sensors/b", b"4"), ("plain/x", b"5")])
        broker.restart()
    listed = json.loads(kcat(broker, "-L", "-J"))
    assert "sensors.c" not in {topic["topic"] for topic in listed["topics"]}


def test_a_topic_deleted_while_devices_publish_is_made_again(routed):
    broker = routed(ROUTES)
    publishing.publish(broker, [("sensors/a", b"0")])
    admin = AdminClient({"bootstrap.servers": broker.kafka})
    acknowledged = []
    for number in range(1, 60):
        if number % 20 == 0:
            admin.delete_topics(["sensors.a"])["sensors.a"].result(timeout=20)
            acknowledged = []
        payload = str(number).encode()
        # Who published while the topic went is disconnected, and publishes again.
        for _ in range(5):
            try:
                publishing.publish(broker, [("sensors/a", payload)])
                acknowledged.append(payload.decode())
                break
            except (AssertionError, OSError):
                continue
        else:
            raise AssertionError(f"{number} is refused again and again:\n{broker.log()}")
    stored = {record["payload"] for record in read(broker, "sensors.a", 1)}
    assert set(acknowledged) <= stored
    assert len(acknowledged) == 20


def test_live_delivery_of_a_synced_route_arrives(routed):
    broker = routed(ROUTES + "    live: synced\n")
    command = ["mosquitto_sub", "-p", str(broker.mqtt_port), "-t", "plain/#", "-v"]
    with harness.reading(command) as reader:
        def hears():
            publishing.publish(broker, [("plain/x", b"hello")])
            return reader.lines
        harness.eventually(hears, what="a subscription that is in force")
        assert reader.lines[0] == "plain/x hello"


def check(tmp_path, text):
    path = tmp_path / "h.yaml"
    path.write_text(text)
    return path, harness.run_headwater("config", "check", str(path))


def test_a_right_file_is_ok(tmp_path):
    _, run = check(tmp_path, ROUTES)
    assert (run.returncode, run.stdout.strip(), run.stderr) == (0, "ok", "")


@pytest.mark.parametrize("old,new,place,words", [
    ("topic: plain", "topci: plain", "15:5", "no key 'routes.topci'; did you mean 'routes.topic'?"),
    ("retention.ms", "retention.m", "8:7", "did you mean 'routes.settings.retention.ms'?"),
    ("3600000", "1h", "8:7", "'1h' is no value for 'routes.settings.retention.ms'"),
    ("level 2", "level 4", "4:5", "'routes.key' asks for level 4"),
    ("sensors.{2}", "sensors.{2}{3}", "10:5", "is no value for 'routes.topic'"),
    ("topic: temperatures", "topic: __temperatures", "3:5", "'routes.topic'"),
    ("key: none", "key: [none]", "16:5", "'routes.key' takes one value, not a list"),
    ("    topic: plain\n", "", "14:5", "'routes.topic' is missing"),
    ("  - filter: plain/#", "  - word\n  - filter: plain/#", "14:5", "is a map"),
    ("routes:", "route:", "1:1", "no key 'route'; did you mean 'routes'?"),
])
def test_a_mistake_is_named_with_its_place(tmp_path, old, new, place, words):
    assert old in ROUTES
    path, run = check(tmp_path, ROUTES.replace(old, new))
    assert run.returncode == harness.EXIT_CONFIGURATION
    assert f"headwater: {path}:{place}: " in run.stderr and words in run.stderr, run.stderr


def test_routes_are_for_a_file(make_broker):
    broker = make_broker("routes=x")
    broker.launch()
    assert broker.process.wait(timeout=20) == harness.EXIT_CONFIGURATION
    assert "'routes' takes a list of maps, in a file" in broker.log()


def test_what_routes_store_is_what_a_kafka_client_reads(routed):
    broker = routed(ROUTES)
    publishing.publish(broker, [("plain/x", str(n).encode()) for n in range(200)])
    records = kafka_reading.read_all(broker, topic="plain")
    assert [record.value.decode() for record in records] == [str(n) for n in range(200)]
