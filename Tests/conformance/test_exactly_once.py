"""QoS 2 from clients: paho and mosquitto, reconnects, restarts, kill -9, and bytes by hand."""

import os
import random
import struct
import subprocess

import paho.mqtt.client as paho
import pytest

import harness
import kafka_reading
import kill9_exactly_once
import raw_mqtt
from kill9_exactly_once import PUBCOMP, PUBREC, PUBREL, reply

EXPIRY = b"\x11" + struct.pack(">I", 600)


def test_every_message_is_stored_exactly_once_over_kill_9(tmp_path, request):
    rounds = int(os.environ.get("HEADWATER_KILL_ROUNDS", "15"))
    seed = int(os.environ.get("HEADWATER_SEED", random.SystemRandom().randrange(1 << 32)))
    run = kill9_exactly_once.Run(tmp_path, rounds, seed, connections=6)
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


@pytest.mark.parametrize("records", [
    [("t/a", b"a-1 x"), ("t/a", b"a-1 x"), ("t/a", b"a-2 x")],
    [("t/a", b"a-1 x")],
    [("t/a", b"a-2 x"), ("t/a", b"a-1 x")],
    [("t/a", b"a-1 x"), ("t/a", b"a-2 x"), ("t/b", b"on")],
])
def test_the_judge_finds_what_is_twice_lost_swapped_or_nobodys(records):
    assert kill9_exactly_once.judge({"a": 2}, [], records)
    assert not kill9_exactly_once.judge({"a": 2}, [], [("t/a", b"a-1 x"), ("t/a", b"a-2 x")])


def test_the_judge_counts_equal_messages():
    assert not kill9_exactly_once.judge({"a": 2}, ["a"], [("t/a", b"on"), ("t/a", b"on")])
    assert kill9_exactly_once.judge({"a": 2}, ["a"], [("t/a", b"on")])
    assert kill9_exactly_once.judge({"a": 2}, ["a"], [("t/a", b"on")] * 3)


def open_session(raw, client="c", clean=False):
    """Connects with a session that outlives the connection; returns session present."""
    raw.send(raw_mqtt.connect(client, 5, clean=clean, properties=EXPIRY))
    kind, _, body = raw.receive()
    assert (kind, body[1]) == (raw_mqtt.CONNACK, 0)
    return body[0]


def publish(packet_id, payload=b"x", again=False):
    data = bytearray(raw_mqtt.publish("t", payload, packet_id, qos=2))
    data[0] |= 8 if again else 0
    return bytes(data)


def answers(raw, *wanted):
    """The next packets are these pairs of type and packet id."""
    for kind, packet_id in wanted:
        found = raw.receive()
        assert found and found[0] == kind, f"expected type {kind}, got {found}"
        assert struct.unpack(">H", found[2][:2]) == (packet_id,)


def stored(broker):
    return [record.value for record in kafka_reading.read_all(broker)]


def test_the_connack_of_5_allows_qos_2(broker):
    with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
        raw.send(raw_mqtt.connect("c"))
        properties = raw.receive()[2][3:]
        assert b"\x24" not in properties[:1]  # Maximum QoS is absent: 2 is allowed (3.2.2.3.4).


@pytest.mark.parametrize("ending", ["kill", "stop"])
def test_a_receipt_survives(broker, ending):
    with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
        assert open_session(raw) == 0
        raw.send(publish(1, b"first") + publish(2, b"second"))
        answers(raw, (PUBREC, 1), (PUBREC, 2))
        raw.send(reply(PUBREL, 1, 2))
        answers(raw, (PUBCOMP, 1))
        getattr(broker, ending)()
    broker.start()
    with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
        assert open_session(raw) == 1, "the session is present"
        # 2 is a repetition; 1 was released, so it is the same payload once more, as a new message.
        raw.send(publish(2, b"second", again=True) + publish(1, b"first"))
        answers(raw, (PUBREC, 2), (PUBREC, 1))
        raw.send(reply(PUBREL, 2, 2) + reply(PUBREL, 1, 2) + reply(PUBREL, 9, 2))
        seen = {struct.unpack(">H", found[2][:2])[0]: found[2][2:]
                for found in (raw.receive() for _ in range(3))}
        assert seen == {2: b"", 1: b"", 9: b"\x92"}
    assert stored(broker) == [b"first", b"second", b"first"]


def test_receipts_survive_one_restart_after_the_other(broker):
    with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
        open_session(raw)
        raw.send(publish(7, b"once"))
        answers(raw, (PUBREC, 7))
    for ending in ("kill", "stop", "kill", "kill", "stop"):
        getattr(broker, ending)()
        broker.start()
        with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
            assert open_session(raw) == 1
            raw.send(publish(7, b"once", again=True))
            answers(raw, (PUBREC, 7))
    assert stored(broker) == [b"once"]


def test_subscriptions_survive_with_their_session(broker):
    with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
        open_session(raw)
        raw.send(raw_mqtt.packet(
            raw_mqtt.SUBSCRIBE, b"\x00\x01\x00" + raw_mqtt.text("away/#") + b"\x01", 2))
        assert raw.receive()[0] == raw_mqtt.SUBACK
        raw.send(publish(1))
        answers(raw, (PUBREC, 1))  # The same commit made the subscription durable.
    broker.kill()
    broker.start()
    with raw_mqtt.RawMQTT(broker.mqtt_port) as raw, raw_mqtt.RawMQTT(broker.mqtt_port) as other:
        assert open_session(raw) == 1
        other.open("other")
        other.send(raw_mqtt.publish("away/1", b"hello"))
        kind, _, body = raw.receive()
        assert kind == raw_mqtt.PUBLISH and body.endswith(b"hello")


def test_a_clean_start_ends_the_session_for_good(broker):
    with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
        open_session(raw)
        raw.send(publish(1, b"old"))
        answers(raw, (PUBREC, 1))
    with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
        assert open_session(raw, clean=True) == 0
        raw.send(publish(2, b"new"))
        answers(raw, (PUBREC, 2))
    broker.kill()
    broker.start()
    with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
        assert open_session(raw) == 1
        raw.send(publish(1, b"another", again=True) + publish(2, b"new", again=True))
        answers(raw, (PUBREC, 1), (PUBREC, 2))
    assert stored(broker) == [b"old", b"new", b"another"]


def test_a_take_over_stores_nothing_twice(broker):
    payloads = [str(number).encode() for number in range(200)]
    with raw_mqtt.RawMQTT(broker.mqtt_port) as first:
        open_session(first)
        first.send(b"".join(publish(n + 1, payload) for n, payload in enumerate(payloads)))
        with raw_mqtt.RawMQTT(broker.mqtt_port) as second:
            assert open_session(second) == 1
            second.send(b"".join(
                publish(n + 1, payload, again=True) for n, payload in enumerate(payloads)))
            answers(second, *((PUBREC, n + 1) for n in range(200)))
    assert stored(broker) == payloads


@pytest.mark.parametrize("version", [paho.MQTTv311, paho.MQTTv5])
def test_paho_publishes_exactly_once_over_kill_9(broker, version):
    """paho keeps what is not complete, and says it again by itself."""
    options = {"clean_session": False} if version == paho.MQTTv311 else {}
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="paho", protocol=version,
                         **options)
    client.reconnect_delay_set(min_delay=1, max_delay=1)
    client.max_inflight_messages_set(20)
    more = {}
    if version == paho.MQTTv5:
        properties = paho.Properties(paho.PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 600
        more = {"clean_start": False, "properties": properties}
    client.connect(harness.LOOPBACK, broker.mqtt_port, keepalive=30, **more)
    client.loop_start()
    try:
        sent = []
        for number in range(300):
            sent.append(client.publish("t", str(number), qos=2))
            if number in (100, 200):
                harness.eventually(lambda: sum(s.is_published() for s in sent) > 10,
                                   what="some messages to be complete")
                broker.kill()
                broker.start()
        for message in sent:
            message.wait_for_publish(timeout=30)
        assert all(message.is_published() for message in sent)
    finally:
        client.disconnect()
        client.loop_stop()
    assert stored(broker) == [str(number).encode() for number in range(300)]


@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
def test_mosquitto_pub_sends_many(broker, version):
    lines = "".join(f"{number}\n" for number in range(500))
    run = subprocess.run(
        ["mosquitto_pub", "-h", harness.LOOPBACK, "-p", str(broker.mqtt_port), "-V", version, "-q",
         "2", "-t", "t", "-l", "-i", "many"],
        input=lines, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True,
        timeout=60, check=False)
    assert run.returncode == 0, run.stdout
    assert stored(broker) == [str(number).encode() for number in range(500)]
