"""Kills the broker with SIGKILL at seeded moments, and proves that no acknowledged record is lost.

usage: kill9_ledger.py [--rounds N] [--seed S] [--connections N] [--directory DIR]

A publisher in a process of its own writes down every id whose PUBACK it got: the ledger. A reader
notes every batch that it saw. At the end the log must hold each id of the ledger, offsets without
a hole, every batch as it was seen, and a leader epoch that rose at each unclean start.
"""

import argparse
import collections
import hashlib
import os
import random
import select
import struct
import subprocess
import sys
import tempfile
import threading
import time

import harness
import kafka_reading
import raw_kafka
import raw_mqtt

WINDOW = 64  # messages in flight on each of the publisher's connections
Seen = collections.namedtuple("Seen", "base_offset last_offset leader_epoch sha")


# The publisher's process.

class PublisherConnection(threading.Thread):
    """Keeps a window of messages in flight; what was not acknowledged goes out again, as DUP."""

    def __init__(self, port, name, ledger):
        super().__init__(daemon=True)
        self.port, self.name, self.ledger = port, name, ledger
        self.sent = 0
        self.unacknowledged = collections.OrderedDict()  # packet id: payload

    def run(self):
        while True:
            try:
                with raw_mqtt.RawMQTT(self.port, seconds=10) as raw:
                    assert raw.open(self.name) == 0
                    self.publish_on(raw)
            except (AssertionError, OSError):
                select.select([], [], [], 0.02)  # The broker is down: try again.

    def publish_on(self, raw):
        for packet_id, payload in self.unacknowledged.items():
            data = bytearray(raw_mqtt.publish(f"ledger/{self.name}", payload, packet_id))
            data[0] |= 8
            raw.send(data)
        while True:
            burst = bytearray()
            while len(self.unacknowledged) < WINDOW:
                burst += self.next_message()
            raw.send(burst)
            self.take_acknowledgements(raw)

    def next_message(self):
        self.sent += 1
        packet_id = (self.sent - 1) % 65535 + 1
        payload = f"{self.name}-{self.sent} ".encode() + bytes([self.sent % 251]) * (self.sent % 200)
        self.unacknowledged[packet_id] = payload
        return raw_mqtt.publish(f"ledger/{self.name}", payload, packet_id)

    def take_acknowledgements(self, raw):
        """At least one; each that has come is in the ledger before the next message goes out."""
        lines = []
        found = raw.receive()
        while found:
            kind, _, body = found
            assert kind == raw_mqtt.PUBACK and (len(body) < 3 or body[2] in (0, 0x10))
            payload = self.unacknowledged.pop(struct.unpack(">H", body[:2])[0])
            lines.append(payload.split(b" ")[0] + b"\n")
            found = raw.take_packet()
        os.write(self.ledger, b"".join(lines))
        assert lines, "the broker closed the connection"


def publish(port, path, connections):
    ledger = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for number in range(connections):
        PublisherConnection(port, f"p{number}", ledger).start()
    sys.stdin.read()  # until whoever started us closes it, or ends


# The reader's thread.

class LiveReader(threading.Thread):
    """Follows the log as a Kafka client, and notes each batch that it saw."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port = port
        self.seen = []
        self.faults = []
        self.offset = 0
        self.ending = threading.Event()

    def run(self):
        while not self.ending.is_set():
            try:
                with raw_kafka.RawKafka(self.port, seconds=10) as kafka:
                    while not self.ending.is_set():
                        self.note(*kafka.fetch("mqtt", self.offset, max_wait_ms=100))
            except (AssertionError, OSError):
                self.ending.wait(0.02)  # The broker is down: try again.

    def note(self, error, high_watermark, records):
        if error or high_watermark < self.offset:
            self.faults.append(f"at offset {self.offset}, which was readable before: "
                               f"error {error}, high watermark {high_watermark}")
            self.offset = max(0, high_watermark)
        for header, data in raw_kafka.batches(records):
            self.seen.append(describe(header, data))
            self.offset = header.last_offset + 1


def describe(header, data):
    return Seen(header.base_offset, header.last_offset, header.leader_epoch,
                hashlib.sha256(data).hexdigest())


# The judgement.

def judge(ledger, payloads, seen, final):
    """Every fault, as a sentence. `payloads` are the log's records in order of their offsets."""
    faults = []
    stored = {payload.split(b" ")[0] for _, payload in payloads}
    lost = [entry for entry in ledger if entry not in stored]
    if lost:
        faults.append(f"{len(lost)} of {len(ledger)} acknowledged records are lost: {lost[:5]}")
    for expected, (offset, _) in enumerate(payloads):
        if offset != expected:
            faults.append(f"offset {offset} stands where {expected} belongs")
            break
    by_base = {batch.base_offset: batch for batch in final}
    changed = [batch for batch in seen if by_base.get(batch.base_offset) != batch]
    if changed:
        faults.append(f"{len(changed)} batches changed after a reader saw them: {changed[:3]}")
    epochs = [batch.leader_epoch for batch in final]
    if epochs != sorted(epochs):
        faults.append("a leader epoch is lower than the one before it")
    return faults


# The run.

class Run:
    def __init__(self, directory, rounds, seed, connections):
        self.rng = random.Random(seed)
        self.rounds, self.seed, self.connections = rounds, seed, connections
        self.broker = harness.Broker(directory)
        self.ledger_path = os.path.join(str(directory), "ledger")
        self.publisher = None

    def execute(self):
        """Returns (faults, a summary)."""
        self.broker.start()
        reader = LiveReader(self.broker.kafka_port)
        reader.start()
        self.start_publisher()
        try:
            for number in range(self.rounds):
                self.wait_for_growth()
                self.broker.kill()
                if number % 3 == 2:
                    self.kill_while_starting()
                self.broker.start()
            self.wait_for_growth()
        finally:
            self.stop_publisher()
        ledger = self.ledger()
        high_watermark = self.high_watermark()
        harness.eventually(lambda: reader.offset >= high_watermark or reader.faults, 30,
                           "the reader at the end of the log")
        reader.ending.set()
        reader.join(timeout=20)
        return self.judge(ledger, reader)

    def judge(self, ledger, reader):
        records = kafka_reading.read_all(self.broker, seconds=120)
        data, _ = raw_kafka.fetch_all(self.broker.kafka_port)
        final = [describe(header, batch) for header, batch in raw_kafka.batches(data)]
        faults = reader.faults + judge(
            ledger, [(r.offset, r.value) for r in records], reader.seen, final)
        epochs = {batch.leader_epoch for batch in final}
        if len(epochs) < self.rounds + 1:
            faults.append(f"{self.rounds} kills made only {len(epochs)} leader epochs")
        if not ledger or not reader.seen:
            faults.append("nothing was acknowledged, or nothing seen: this run proves nothing")
        summary = (f"{len(ledger)} acknowledged, {len(records)} stored, {len(reader.seen)} batches "
                   f"seen live, {self.rounds} kills, {len(epochs)} epochs, seed {self.seed}")
        return faults, summary

    def start_publisher(self):
        self.publisher = subprocess.Popen(  # pylint: disable=consider-using-with
            [sys.executable, os.path.abspath(__file__), "--publish", str(self.broker.mqtt_port),
             "--ledger", self.ledger_path, "--connections", str(self.connections)],
            stdin=subprocess.PIPE)

    def stop_publisher(self):
        self.publisher.kill()
        self.publisher.wait(timeout=10)
        self.publisher.stdin.close()

    def wait_for_growth(self):
        """Until so many acknowledgements more, or so much time more, as the seed says."""
        grown = self.ledger_bytes() + self.rng.randrange(200, 60_000)
        moment = time.monotonic() + self.rng.uniform(0.2, 1.5)
        least = self.ledger_bytes() + 1
        harness.eventually(
            lambda: self.ledger_bytes() >= grown
            or (self.ledger_bytes() >= least and time.monotonic() > moment),
            30, "a further acknowledgement")

    def kill_while_starting(self):
        self.broker.launch()
        select.select([], [], [], self.rng.uniform(0, 0.2))
        self.broker.kill()

    def ledger_bytes(self):
        try:
            return os.path.getsize(self.ledger_path)
        except FileNotFoundError:
            return 0

    def ledger(self):
        with open(self.ledger_path, "rb") as file:
            return file.read().split()

    def high_watermark(self):
        with raw_kafka.RawKafka(self.broker.kafka_port) as kafka:
            return kafka.list_offset("mqtt", -1)[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--directory")
    parser.add_argument("--publish", type=int, metavar="PORT", help=argparse.SUPPRESS)
    parser.add_argument("--ledger", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.publish:
        publish(options.publish, options.ledger, options.connections)
        return 0
    directory = options.directory or tempfile.mkdtemp(prefix="headwater-kill9-")
    run = Run(directory, options.rounds, options.seed, options.connections)
    faults, summary = run.execute()
    run.broker.stop()
    print(summary)
    for fault in faults:
        print(f"FAULT: {fault} (seed {options.seed}, data in {directory})")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
