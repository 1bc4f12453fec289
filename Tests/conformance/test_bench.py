"""headwater-bench counts right: an honest broker passes, and one that lies is found out."""

import json
import os
import socket
import struct
import subprocess
import threading

import pytest

import harness

BENCH = os.environ.get(
    "HEADWATER_BENCH_BIN", os.path.join(os.path.dirname(harness.BINARY), "headwater-bench"))

pytestmark = pytest.mark.skipif(
    not os.path.exists(BENCH), reason=f"no {BENCH}: swift build --product headwater-bench")

CONNECT, PUBLISH, PUBREC, PUBREL, SUBSCRIBE, PINGREQ = 1, 3, 5, 6, 8, 12


def run_bench(*arguments, seconds=60):
    done = subprocess.run(
        [BENCH, *map(str, arguments), "--json"], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
        timeout=seconds, check=False, env=harness.clean_environment())
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def packets(connection):
    """Each whole packet that a client sends: its first byte and its body."""
    data = b""
    while True:
        start, length, shift = 1, 0, 0
        while len(data) > start:
            length |= (data[start] & 127) << shift
            shift += 7
            start += 1
            if data[start - 1] < 128:
                break
        else:
            start = None
        if start is not None and len(data) >= start + length and len(data) > 1:
            yield data[0], data[start:start + length]
            data = data[start + length:]
            continue
        more = connection.recv(1 << 16)
        if not more:
            return
        data += more


class FakeBroker:
    """An MQTT 3.1.1 broker without a log. `lie` takes the answers to a message, a list of packets
    for the publisher and one for each subscriber, with the message's number, and changes them."""

    def __init__(self, lie=None):
        self.lie = lie or (lambda number, answers, deliveries: None)
        self.count = 0
        self.subscribers = []
        self.lock = threading.Lock()
        self.listener = socket.create_server((harness.LOOPBACK, 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def mqtt(self):
        return f"{harness.LOOPBACK}:{self.port}"

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            for first, body in packets(connection):
                self.take(connection, first, body)
        except OSError:
            pass

    def take(self, connection, first, body):
        kind = first >> 4
        if kind == CONNECT:
            connection.sendall(b"\x20\x02\x00\x00")
        elif kind == SUBSCRIBE:
            with self.lock:
                self.subscribers.append(connection)
            connection.sendall(b"\x90\x03" + body[:2] + b"\x00")
        elif kind == PINGREQ:
            connection.sendall(b"\xd0\x00")
        elif kind == PUBREL:
            connection.sendall(b"\x70\x02" + body[:2])
        elif kind == PUBLISH:
            self.publish(connection, first >> 1 & 3, body)

    def publish(self, connection, qos, body):
        topic_end = 2 + struct.unpack(">H", body[:2])[0]
        identifier = body[topic_end:topic_end + 2] if qos else b""
        payload = body[topic_end + len(identifier):]
        plain = body[:topic_end] + payload
        assert len(plain) > 127, "the length takes two bytes"
        length = bytes([len(plain) & 127 | 128, len(plain) >> 7])
        answers = [{1: b"\x40\x02", 2: b"\x50\x02"}[qos] + identifier] if qos else []
        deliveries = [b"\x30" + length + plain]
        with self.lock:
            number = self.count
            self.count += 1
            self.lie(number, answers, deliveries)
            for subscriber in self.subscribers:
                subscriber.sendall(b"".join(deliveries))
        connection.sendall(b"".join(answers))

    def close(self):
        self.listener.close()


@pytest.fixture
def fake():
    brokers = []

    def make(lie=None):
        brokers.append(FakeBroker(lie))
        return brokers[-1]

    yield make
    for broker in brokers:
        broker.close()


class Swap:
    """Holds one answer back and sends it behind the next one."""

    def __init__(self, at, index):
        self.at, self.index, self.held = at, index, []

    def __call__(self, number, *answers):
        chosen = answers[self.index]
        if number == self.at:
            self.held = list(chosen)
            chosen.clear()
        elif number == self.at + 1:
            chosen.extend(self.held)


def on(at, index, change):
    """Changes the answers to one message alone."""
    def lie(number, *answers):
        if number == at:
            change(answers[index])
    return lie


def spoil(deliveries):
    deliveries[0] = deliveries[0][:-4] + b"!!!!"


LOAD = ["--messages", 400, "--window", 16, "--payload", 200, "--patience", 1]


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_an_honest_broker_passes(fake, qos):
    code, found = run_bench("mqtt", "--mqtt", fake().mqtt, *LOAD, "--qos", qos,
                            "--connections", 4, "--subscribers", 2)
    assert code == 0 and found["faults"] == []
    counts = found["counts"]
    assert counts["sent"] == 400 and counts["delivered"] == 800 and counts["lost"] == 0
    assert counts["acknowledged"] == (400 if qos else 0)


ACKNOWLEDGEMENT_LIES = {
    "dropped": (on(100, 0, list.clear), "nothing came any more"),
    "sent twice": (on(100, 0, lambda a: a.append(a[0])), "acknowledgements of nothing"),
    "of an identifier that nobody used": (
        on(100, 0, lambda a: a.append(a[0][:2] + b"\xff\xf0")), "acknowledgements of nothing"),
    "out of order": (Swap(100, 0), "acknowledgements out of order"),
    "of the wrong kind": (
        on(100, 0, lambda a: a.append(b"\x70\x02" + a[0][2:])), "acknowledgements of nothing"),
    "with bytes that are no packet": (
        on(100, 0, lambda a: a.append(b"\xff\xff\xff\xff\xff\xff")), "connections lost"),
}


@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("lie", ACKNOWLEDGEMENT_LIES)
def test_an_acknowledgement_is_found_out_that_is(fake, lie, qos):
    change, fault = ACKNOWLEDGEMENT_LIES[lie]
    code, found = run_bench("mqtt", "--mqtt", fake(change).mqtt, *LOAD, "--qos", qos)
    assert code == 1, found
    assert any(fault in each for each in found["faults"]), found["faults"]


DELIVERY_LIES = {
    "twice": (on(100, 1, lambda d: d.append(d[0])), "deliveries twice"),
    "out of order": (Swap(100, 1), "deliveries out of order"),
    "changed": (on(100, 1, spoil), "not what was sent"),
}


@pytest.mark.parametrize("lie", DELIVERY_LIES)
def test_a_delivery_is_found_out_that_comes(fake, lie):
    change, fault = DELIVERY_LIES[lie]
    code, found = run_bench("mqtt", "--mqtt", fake(change).mqtt, *LOAD, "--subscribers", 1)
    assert code == 1, found
    assert any(fault in each for each in found["faults"]), found["faults"]


def test_a_delivery_that_never_comes_is_counted(fake):
    """At QoS 0 a broker may drop it: the run is right, and says how many."""
    broker = fake(on(100, 1, list.clear))
    code, found = run_bench("mqtt", "--mqtt", broker.mqtt, *LOAD, "--subscribers", 1)
    assert code == 0 and found["counts"]["lost"] == 1


def test_a_schedule_counts_from_when_a_message_was_due(fake):
    """A broker that answers nothing until a second message comes makes the first one late, and no
    message behind it early."""
    held = []

    def stall(number, answers, _deliveries):
        held.extend(answers)
        answers.clear()
        if number >= 60:
            answers.extend(held)
            held.clear()

    code, found = run_bench("mqtt", "--mqtt", fake(stall).mqtt, "--rate", 100, "--messages", 100,
                            "--payload", 200, "--window", 200)
    assert code == 0, found
    # The first message waited for the 61st, 600 ms behind it.
    assert found["acknowledgement"]["max"] > 550_000
    assert found["acknowledgement"]["p50"] > 90_000


def test_our_broker_passes_and_is_measured(broker):
    process = ["--broker-pid", broker.pid]
    for qos in (0, 1):
        code, found = run_bench("mqtt", "--mqtt", broker.mqtt, "--messages", 5_000, "--qos", qos,
                                "--connections", 5, "--subscribers", 1, "--version", 5, *process)
        assert code == 0, found["faults"]
        assert found["counts"]["sent"] == 5_000
        assert found["memory"]["published"]["residentBytes"] > 1 << 20
    code, found = run_bench("idle", "--mqtt", broker.mqtt, "--connections", 50, "--seconds", 0.2)
    assert code == 0 and found["stillOpen"] == 50


def test_what_is_produced_is_stored_and_fetched(broker):
    topic = ["--kafka", broker.kafka, "--topic", "load"]
    for load in (["--codec", "zstd"], ["--records", 1], ["--acks", 0], ["--acks", 1]):
        code, found = run_bench("kafka-produce", *topic, "--requests", 8, "--payload", 100, *load)
        assert code == 0, found["faults"]
    code, found = run_bench("kafka-fetch", *topic, "--payload", 100, "--connections", 2)
    assert code == 0, found["faults"]
    assert found["records"] == 2 * (3 * 8 * 1_000 + 8)
    code, found = run_bench("kafka-fetch", *topic, "--payload", 101)
    assert code == 1, "records of another size are not the ones that were sent"


def test_microbenchmarks_check_their_answers(tmp_path):
    code, found = run_bench("micro", "--seconds", "0.001", "--folder", tmp_path)
    assert code == 0
    names = {each["name"] for each in found}
    assert {"record-format/validate/20x200B-zstd", "commit-log/read/1MiB"} <= names
    assert os.listdir(tmp_path) == []
