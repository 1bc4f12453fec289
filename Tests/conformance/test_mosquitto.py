"""Eclipse mosquitto's own clients: publish, subscribe, wildcards, both protocol versions."""

import subprocess

import pytest

import harness
import kafka_reading

VERSIONS = ["mqttv311", "mqttv5"]


def publish(broker, topic, message, qos=1, version="mqttv5", more=()):
    run = subprocess.run(
        ["mosquitto_pub", "-h", harness.LOOPBACK, "-p", str(broker.mqtt_port), "-V", version,
         "-q", str(qos), "-t", topic, "-m", message, *more],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, timeout=20,
        check=False)
    assert run.returncode == 0, run.stdout


def subscribing(broker, *topics, count, version="mqttv5", qos=0):
    command = ["mosquitto_sub", "-h", harness.LOOPBACK, "-p", str(broker.mqtt_port), "-V", version,
               "-q", str(qos), "-C", str(count), "-F", "%t %p", "-d"]
    for topic in topics:
        command += ["-t", topic]
    return harness.reading(["stdbuf", "-oL", *command])


def wait_for_subscription(reader):
    harness.eventually(
        lambda: any("SUBACK" in line or "Subscribed" in line for line in reader.lines),
        what="mosquitto_sub's subscription")


def messages(reader):
    """What was received, without the client's own protocol trace."""
    return [line for line in reader.lines
            if not line.startswith(("Client ", "Subscribed ", "Connection "))]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_publish_becomes_a_record(broker, version, qos):
    publish(broker, "plant/boiler/temperature", "71.5", qos, version)
    records = kafka_reading.wait_for_records(broker, 1)
    assert records[0].key == b"plant/boiler/temperature"
    assert records[0].value == b"71.5"
    assert ("mqtt.qos", str(qos).encode()) in records[0].headers


@pytest.mark.parametrize("version", VERSIONS)
def test_a_subscriber_sees_messages_live(broker, version):
    with subscribing(broker, "plant/#", count=3, version=version) as reader:
        wait_for_subscription(reader)
        for number in range(3):
            publish(broker, f"plant/{number}", f"value {number}", version=version)
        harness.eventually(lambda: len(messages(reader)) >= 3, what="three live messages")
        assert messages(reader) == [f"plant/{n} value {n}" for n in range(3)]


def test_wildcards_choose_what_they_say(broker):
    with subscribing(broker, "a/+/c", count=2) as plus, subscribing(broker, "a/b/#", count=3) as rest:
        wait_for_subscription(plus)
        wait_for_subscription(rest)
        for topic in ["a/b/c", "a/x/c", "a/b", "a/b/c/d", "b/b/c", "a/x/d"]:
            publish(broker, topic, "m")
        harness.eventually(lambda: len(messages(plus)) >= 2, what="the '+' subscriber's messages")
        harness.eventually(lambda: len(messages(rest)) >= 3, what="the '#' subscriber's messages")
        assert sorted(messages(plus)) == ["a/b/c m", "a/x/c m"]
        assert sorted(messages(rest)) == ["a/b m", "a/b/c m", "a/b/c/d m"]


def test_a_subscription_at_qos_1_is_granted_and_served(broker):
    with subscribing(broker, "t", count=1, qos=1) as reader:
        wait_for_subscription(reader)
        publish(broker, "t", "once")
        harness.eventually(lambda: messages(reader) == ["t once"], what="the message")


def test_many_lines_from_one_publisher_arrive_complete_and_in_order(broker):
    lines = "".join(f"{number}\n" for number in range(2000))
    run = subprocess.run(
        ["mosquitto_pub", "-h", harness.LOOPBACK, "-p", str(broker.mqtt_port), "-q", "1",
         "-t", "many", "-l"], input=lines, universal_newlines=True, timeout=60, check=False)
    assert run.returncode == 0
    records = kafka_reading.wait_for_records(broker, 2000)
    assert [record.value for record in records] == [str(n).encode() for n in range(2000)]
