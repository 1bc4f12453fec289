"""The soak's publishers: each a process of its own that keeps a rate and counts what it was told.

usage: soak_publishers.py KIND PORT RATE KEYS REPORT    KIND: qos0, qos1, qos2 or kafka

Payloads are `{"key": K, "n": N}`: N counts on for each key. It publishes until its stdin closes,
waits for what is outstanding, and writes `{key: last acknowledged n}` to REPORT.
"""

import collections
import json
import select
import struct
import sys
import time

import raw_mqtt

TICK = 0.02  # seconds between two bursts
PUBREC, PUBREL, PUBCOMP = 5, 6, 7
CONNECTIONS = 8
IN_FLIGHT_MAX = 500  # on one connection; below the broker's Receive Maximum


def payload(key, number):
    return json.dumps({"key": key, "n": number, "t": round(time.time(), 3),
                       "value": number % 977 / 10, "unit": "degC"}).encode()


class Numbers:
    """Which message is next, key after key, and which ones were acknowledged."""

    def __init__(self, kind, keys):
        self.names = [f"{kind}-{index}" for index in range(keys)]
        self.sent = dict.fromkeys(self.names, 0)
        self.acknowledged = dict.fromkeys(self.names, 0)
        self.turn = 0

    def next(self):
        name = self.names[self.turn % len(self.names)]
        self.turn += 1
        self.sent[name] += 1
        return name, self.sent[name]

    def acknowledge(self, name, number):
        self.acknowledged[name] = max(self.acknowledged[name], number)


class MQTTConnection:
    """One connection with its window; a key always goes over the same one, so that it keeps its
    order."""

    def __init__(self, port, name, qos, numbers):
        self.raw = raw_mqtt.RawMQTT(port, seconds=60)
        assert self.raw.open(name) == 0
        self.qos, self.numbers = qos, numbers
        self.waiting = collections.OrderedDict()  # packet id: (key, n)
        self.packet_id = 0
        self.burst = bytearray()

    def publish(self, key, number):
        self.packet_id = self.packet_id % 65535 + 1
        packet_id = self.packet_id if self.qos else 0
        self.burst += raw_mqtt.publish(
            f"soak/qos{self.qos}/{key}", payload(key, number), packet_id, qos=self.qos)
        if self.qos:
            self.waiting[packet_id] = (key, number)
        else:
            self.numbers.acknowledge(key, number)

    def flush(self):
        self.raw.send(self.burst)
        self.burst.clear()

    def take_answers(self, seconds):
        """All that has come, waiting at most so long for the first."""
        if not select.select([self.raw.socket], [], [], seconds)[0]:
            return
        found = self.raw.receive()
        assert found, "the broker closed a publisher's connection"
        while found:
            self.take(*found)
            found = self.raw.take_packet()

    def take(self, kind, _, body):
        packet_id, = struct.unpack(">H", body[:2])
        reason = body[2] if len(body) > 2 else 0
        assert reason in (0, 0x10), f"packet type {kind} says {reason:#x}"
        if kind == PUBREC:
            self.raw.send(raw_mqtt.packet(PUBREL, struct.pack(">H", packet_id), flags=2))
        elif kind in (raw_mqtt.PUBACK, PUBCOMP):
            self.numbers.acknowledge(*self.waiting.pop(packet_id))
        else:
            raise AssertionError(f"packet type {kind} came to a publisher")


def publish_mqtt(kind, port, rate, numbers):
    qos = int(kind[-1])
    connections = [MQTTConnection(port, f"soak-{kind}-{index}", qos, numbers)
                   for index in range(CONNECTIONS)]

    def burst(count):
        for _ in range(count):
            key, number = numbers.next()
            connections[hash_of(key) % CONNECTIONS].publish(key, number)
        for connection in connections:
            connection.flush()
            connection.take_answers(0)
            while len(connection.waiting) > IN_FLIGHT_MAX:
                connection.take_answers(10)

    def drain():
        for connection in connections:
            deadline = time.monotonic() + 60
            while connection.waiting and time.monotonic() < deadline:
                connection.take_answers(1)
            assert not connection.waiting, f"{len(connection.waiting)} were never acknowledged"
            connection.raw.send(raw_mqtt.packet(raw_mqtt.DISCONNECT, b""))
            assert connection.raw.receive() is None
            connection.raw.close()

    keep_rate(rate, burst)
    drain()


def publish_kafka(port, rate, numbers):
    import confluent_kafka  # pylint: disable=import-outside-toplevel
    producer = confluent_kafka.Producer({
        "bootstrap.servers": f"127.0.0.1:{port}", "acks": "all", "linger.ms": 5,
        "compression.type": "zstd", "broker.address.family": "v4",
        "queue.buffering.max.messages": 1_000_000})

    def delivered(error, message):
        assert error is None, error
        record = json.loads(message.value())
        numbers.acknowledge(record["key"], record["n"])

    def burst(count):
        for _ in range(count):
            key, number = numbers.next()
            producer.produce("soak-kafka", payload(key, number), key, on_delivery=delivered)
        producer.poll(0)

    keep_rate(rate, burst)
    assert producer.flush(60) == 0, "Kafka records were never acknowledged"


def hash_of(key):
    return sum(key.encode())


def keep_rate(rate, burst):
    """Calls `burst(count)` each tick so that the sum follows the clock, until stdin closes."""
    started, sent = time.monotonic(), 0
    while not select.select([sys.stdin], [], [], TICK)[0]:
        due = int((time.monotonic() - started) * rate)
        burst(due - sent)
        sent = due


def main(kind, port, rate, keys, report):
    numbers = Numbers(kind, int(keys))
    if kind == "kafka":
        publish_kafka(int(port), int(rate), numbers)
    else:
        publish_mqtt(kind, int(port), int(rate), numbers)
    with open(report, "w", encoding="utf-8") as file:
        json.dump(numbers.acknowledged, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
