"""Bad bytes on both ports: refused for that client alone, logged once, and nobody is disturbed."""

import os
import random
import socket
import struct
import threading

import pytest

import harness
import kafka_reading
import publishing
import raw_kafka
import raw_mqtt


class GoodClient:
    """Publishes one message after the other in the background, and notes what is acknowledged."""

    def __init__(self, broker):
        self.broker = broker
        self.acknowledged = 0
        self.error = None
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        try:
            with raw_mqtt.RawMQTT(self.broker.mqtt_port, seconds=20) as raw:
                assert raw.open("good") == 0
                while not self.ending.is_set():
                    payload = str(self.acknowledged).encode()
                    raw.send(raw_mqtt.publish("good", payload, self.acknowledged % 65535 + 1))
                    publishing.take_acknowledgement(raw)
                    self.acknowledged += 1
        except (AssertionError, OSError) as error:
            self.error = error

    def __enter__(self):
        self.thread.start()
        harness.eventually(lambda: self.acknowledged or self.error, what="the first PUBACK")
        return self

    def __exit__(self, *_):
        before = self.acknowledged
        harness.eventually(lambda: self.acknowledged > before + 5 or self.error, 20,
                           "further PUBACKs for the good client")
        self.ending.set()
        self.thread.join(timeout=30)
        assert self.error is None, f"the good client was disturbed: {self.error}"
        values = [r.value for r in kafka_reading.read_all(self.broker) if r.key == b"good"]
        assert values == [str(n).encode() for n in range(self.acknowledged)]


def mqtt_attacks():
    connect = raw_mqtt.connect("bad")
    return {
        "no MQTT at all": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "a reserved packet type": b"\x00\x00",
        "a remaining length of five bytes": b"\x10\xff\xff\xff\xff\x01",
        "a publish before the connect": raw_mqtt.publish("t", b"x", 1),
        "a wrong protocol name": raw_mqtt.packet(
            1, raw_mqtt.text("MQTX") + bytes([5, 2, 0, 60, 0]) + raw_mqtt.text("x")),
        "reserved connect flags": raw_mqtt.packet(
            1, raw_mqtt.text("MQTT") + bytes([5, 3, 0, 60, 0]) + raw_mqtt.text("x")),
        "a second connect": connect + connect,
        "a topic with a wildcard": connect + raw_mqtt.publish("a/#", b"x", 1),
        "a topic that is not UTF-8": connect + raw_mqtt.publish(b"\xff\xfe", b"x", 1),
        "a packet id of 0": connect + raw_mqtt.packet(
            3, raw_mqtt.text("t") + b"\x00\x00\x00x", 2),
        "QoS 3": connect + raw_mqtt.packet(3, raw_mqtt.text("t") + b"\x00\x01\x00x", 6),
        "a subscribe without a filter": connect + raw_mqtt.packet(8, b"\x00\x01\x00", 2),
        "a property that does not belong": connect + raw_mqtt.publish(
            "t", b"x", 1, properties=b"\x11\x00\x00\x00\x01"),
        "properties longer than the packet": connect + raw_mqtt.packet(
            3, raw_mqtt.text("t") + b"\x00\x01\x7f", 2),
        "a topic longer than the packet": connect + raw_mqtt.packet(3, b"\xff\xfft", 0),
        "an oversized packet": connect + b"\x30" + raw_mqtt.remaining_length(268_435_455) + b"x",
        "a wrong reserved flag": connect + raw_mqtt.packet(8, b"\x00\x01\x00\x00\x01t\x00", 0),
    }


@pytest.mark.parametrize("name", sorted(mqtt_attacks()))
def test_bad_mqtt_closes_only_its_own_connection(broker, name):
    with GoodClient(broker):
        with raw_mqtt.RawMQTT(broker.mqtt_port, seconds=15) as raw:
            raw.send(mqtt_attacks()[name])
            packets = raw.receive_until_closed()  # ends only when the broker closes
            for kind, _, body in packets:
                assert kind in (raw_mqtt.CONNACK, raw_mqtt.DISCONNECT), packets
                if kind == raw_mqtt.DISCONNECT:
                    assert body and body[0] >= 0x80
    assert broker.log_lines("warning") or broker.log_lines("notice") or broker.log_lines("info")


def kafka_attacks():
    good = raw_kafka.request(raw_kafka.FETCH, 4, raw_kafka.fetch_body("mqtt", 0))
    return {
        "no Kafka at all": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "a negative length": struct.pack(">i", -5) + b"abc",
        "a length of 2 GiB": struct.pack(">i", 0x7FFFFFFF) + b"abc",
        "a frame shorter than its header": struct.pack(">i", 3) + b"\x00\x01\x00",
        "an unknown api": raw_kafka.request(999, 0, b""),
        "an unknown version": raw_kafka.request(raw_kafka.FETCH, 99, b""),
        "an array that is longer than the frame": raw_kafka.request(
            raw_kafka.FETCH, 4, struct.pack(">iiiibi", -1, 10, 1, 1, 0, 0x7FFFFFFF)),
        "a string that is longer than the frame": raw_kafka.request(
            raw_kafka.FETCH, 4, struct.pack(">iiiibih", -1, 10, 1, 1, 0, 1, 0x7FFF)),
        "a body that ends early": struct.pack(">i", len(good) - 4 - 6) + good[4:-6],
    }


@pytest.mark.parametrize("name", sorted(kafka_attacks()))
def test_bad_kafka_closes_only_its_own_connection(broker, name):
    with GoodClient(broker):
        kafka = raw_kafka.RawKafka(broker.kafka_port, seconds=15)
        try:
            kafka.socket.sendall(kafka_attacks()[name])
            while kafka.receive() is not None:
                pass
        finally:
            kafka.close()


@pytest.mark.parametrize("face", ["mqtt", "kafka"])
def test_noise_from_a_seed_disturbs_nobody(broker, face):
    seed = int(os.environ.get("HEADWATER_SEED", "20261"))
    rng = random.Random(seed)
    port = broker.mqtt_port if face == "mqtt" else broker.kafka_port
    prefix = raw_mqtt.connect("noise") if face == "mqtt" else b""
    with GoodClient(broker):
        for _ in range(200):
            with socket.create_connection((harness.LOOPBACK, port), timeout=10) as noisy:
                body = rng.getrandbits(8 * 64).to_bytes(64, "big")
                if face == "kafka":
                    body = struct.pack(">ihh", 60, rng.randrange(75), rng.randrange(18)) + body[:56]
                try:
                    noisy.sendall(prefix + body)
                except OSError:
                    pass
    assert broker.runs, f"seed {seed} ended the broker"


def test_packets_cut_at_every_byte_disturb_nobody(broker):
    whole = raw_mqtt.connect("cut") + raw_mqtt.publish("t", b"payload", 1)
    with GoodClient(broker):
        for length in range(len(whole)):
            with socket.create_connection((harness.LOOPBACK, broker.mqtt_port)) as cut:
                cut.sendall(whole[:length])
        request = raw_kafka.request(raw_kafka.FETCH, 4, raw_kafka.fetch_body("mqtt", 0))
        for length in range(len(request)):
            with socket.create_connection((harness.LOOPBACK, broker.kafka_port)) as cut:
                cut.sendall(request[:length])
    assert all(r.key == b"good" for r in kafka_reading.read_all(broker))


def test_a_connect_that_never_comes_is_given_up(make_broker):
    broker = make_broker("mqtt.connect.timeout=1s").start()
    with GoodClient(broker):
        with raw_mqtt.RawMQTT(broker.mqtt_port, seconds=20) as silent:
            silent.send(raw_mqtt.connect("slow")[:5])
            assert silent.receive_until_closed() == []


def test_a_packet_that_never_ends_is_given_up(make_broker):
    broker = make_broker("mqtt.packet.timeout=1s").start()
    with GoodClient(broker):
        with raw_mqtt.RawMQTT(broker.mqtt_port, seconds=20) as slow:
            assert slow.open("slow") == 0
            slow.send(raw_mqtt.publish("t", b"0123456789", 1)[:9])
            assert all(kind == raw_mqtt.DISCONNECT for kind, _, _ in slow.receive_until_closed())


def test_a_flood_of_connections_stops_at_the_limit(make_broker):
    broker = make_broker("mqtt.connections.max=50").start()
    with GoodClient(broker):
        flood = []
        refused = 0
        try:
            for number in range(120):
                raw = raw_mqtt.RawMQTT(broker.mqtt_port, seconds=15)
                flood.append(raw)
                try:
                    raw.send(raw_mqtt.connect(f"flood-{number}"))
                    answer = raw.receive()
                except OSError:
                    answer = None
                refused += answer is None or answer[2][1] != 0
            assert refused == 120 - 49, f"{refused} of 120 refused"
        finally:
            for raw in flood:
                raw.close()
        # Once the flood has gone there is room again.
        harness.eventually(lambda: can_connect(broker), what="room for a new connection")
    said = [line for line in broker.log().splitlines() if "limit" in line or "connections" in line]
    assert 1 <= len(said) <= 3, f"the limit is logged once, not {len(said)} times: {said[:5]}"


def can_connect(broker):
    try:
        with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
            return raw.open("afterwards") == 0
    except (AssertionError, OSError):
        return False


def test_the_same_fault_many_times_is_logged_once(broker):
    for _ in range(100):
        with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
            raw.send(b"\x00\x00")
            raw.receive_until_closed()
    with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
        assert raw.open("fine") == 0
    assert len(broker.log().splitlines()) < 20, broker.log()


def test_a_subscriber_that_does_not_read_holds_nobody_up(broker):
    stuck = raw_mqtt.RawMQTT(broker.mqtt_port)
    assert stuck.open("stuck") == 0
    stuck.send(raw_mqtt.packet(8, b"\x00\x01\x00" + raw_mqtt.text("#") + b"\x00", 2))
    assert stuck.receive()[0] == raw_mqtt.SUBACK
    publishing.publish(broker, [("bulk", os.urandom(16 * 1024)) for _ in range(3000)], window=100)
    assert len(kafka_reading.read_all(broker)) == 3000
    stuck.close()


def test_more_in_flight_than_allowed_is_refused_or_held_back(broker):
    """Past Receive Maximum (MQTT 5, 3.3.4) comes DISCONNECT 0x93; until then all is acknowledged."""
    with raw_mqtt.RawMQTT(broker.mqtt_port, seconds=30) as raw:
        assert raw.open("eager") == 0
        count = 20_000
        sender = threading.Thread(target=send_quietly, args=(raw, b"".join(
            raw_mqtt.publish("eager", b"x", n % 65535 + 1) for n in range(count))))
        sender.start()
        acknowledged = 0
        while acknowledged < count:
            found = raw.receive()
            if found is None or found[0] == raw_mqtt.DISCONNECT:
                assert found is None or found[2][0] in (0x93, 0x97)
                break
            acknowledged += 1
        raw.close()
        sender.join(timeout=30)
    assert len(kafka_reading.read_all(broker)) >= acknowledged


def send_quietly(raw, data):
    try:
        raw.send(data)
    except OSError:
        pass
