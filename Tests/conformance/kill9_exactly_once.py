"""Kills the broker with SIGKILL at seeded moments, and proves that every QoS 2 message is in the log
exactly once.

usage: kill9_exactly_once.py [--rounds N] [--seed S] [--connections N] [--directory DIR]

Publishers in a process of their own keep a few packet ids in use, over and over. After each
reconnect they say again what was not answered (MQTT 5, 4.4): PUBLISH with DUP, and PUBREL. Some send
the same payload every time, as a sensor does that says «on», so that only the protocol can tell a
repetition from the next message. At the end they finish what they have begun; then the log must hold
what they counted, message by message.
"""

import argparse
import collections
import json
import os
import random
import select
import struct
import subprocess
import sys
import tempfile
import threading

import harness
import kafka_reading
import kill9_ledger
import raw_mqtt

PUBREC, PUBREL, PUBCOMP = 5, 6, 7
PACKET_ID_NOT_FOUND = 0x92
IDS = 6  # packet ids that each connection uses again and again
EQUAL = b"on"


class Publisher(threading.Thread):
    """One client with a session that outlives its connections."""

    def __init__(self, port, number, seed, ledger, ending):
        super().__init__(daemon=True)
        self.port, self.ledger, self.ending = port, ledger, ending
        self.name = f"x{number}"
        self.version = 5 if number % 2 == 0 else 4
        self.sends_equal = number % 3 == 2
        self.rng = random.Random(f"{seed} {number}")
        self.sent = 0
        self.open = collections.OrderedDict()  # packet id: [payload, whether PUBREC came]
        self.has_receipt = False  # Whether the broker has ever promised us anything.
        self.faults = []
        self.finished = threading.Event()

    def run(self):
        while not self.finished.is_set():
            try:
                with raw_mqtt.RawMQTT(self.port, seconds=10) as raw:
                    self.connect(raw)
                    self.exchange(raw)
            except (AssertionError, OSError):
                select.select([], [], [], 0.02)  # The broker is down, or we hung up: try again.

    def connect(self, raw):
        expiry = b"\x11" + struct.pack(">I", 3600)
        raw.send(raw_mqtt.connect(self.name, self.version, clean=False, properties=expiry))
        answer = raw.receive()
        assert answer, "the broker closed the connection without a CONNACK"
        kind, _, body = answer
        assert kind == raw_mqtt.CONNACK and body[1] == 0
        if self.has_receipt and not body[0] & 1:
            self.faults.append(f"{self.name}: the session is gone though messages were taken")

    def exchange(self, raw):
        due = collections.deque()  # ids whose PUBREC is due on this connection, in order (4.6)
        burst = bytearray()
        for packet_id, (payload, is_received) in self.open.items():
            if is_received:
                burst += reply(PUBREL, packet_id, 2)
            else:
                burst += self.publish(packet_id, payload, again=True)
                due.append(packet_id)
        while not self.finished.is_set():
            free = [n for n in range(1, IDS + 1) if n not in self.open]
            while free and not self.ending.is_set():
                packet_id = free.pop(0)
                burst += self.publish(packet_id, self.next_payload(), again=False)
                due.append(packet_id)
            if not self.open:
                return self.finished.set()
            raw.send(burst)
            if self.rng.random() < 0.003:
                return None  # Hang up without a word, with answers under way.
            burst = self.take_answers(raw, due)
        return None

    def next_payload(self):
        self.sent += 1
        return EQUAL if self.sends_equal else f"{self.name}-{self.sent} x".encode()

    def publish(self, packet_id, payload, again):
        if not again:
            self.open[packet_id] = [payload, False]
        data = bytearray(raw_mqtt.publish(f"exactly/{self.name}", payload, packet_id,
                                          version=self.version, qos=2))
        data[0] |= 8 if again else 0
        return data

    def take_answers(self, raw, due):
        """At least one; returns the PUBRELs that are due for them."""
        burst = bytearray()
        done = []
        found = raw.receive()
        assert found, "the broker closed the connection"
        while found:
            kind, _, body = found
            packet_id, = struct.unpack(">H", body[:2])
            reason = body[2] if len(body) > 2 else 0
            if kind == PUBREC:
                if not due or due.popleft() != packet_id:
                    self.faults.append(f"{self.name}: PUBREC {packet_id} out of its turn")
                if reason:
                    self.faults.append(f"{self.name}: PUBREC {packet_id} says {reason:#x}")
                self.has_receipt = True
                self.open[packet_id][1] = True
                self.open.move_to_end(packet_id)  # PUBRELs go in the order of PUBRECs.
                burst += reply(PUBREL, packet_id, 2)
            elif kind == PUBCOMP:
                if reason not in (0, PACKET_ID_NOT_FOUND) or not self.open[packet_id][1]:
                    self.faults.append(f"{self.name}: PUBCOMP {packet_id} says {reason:#x}")
                done.append(self.open.pop(packet_id)[0].split(b" ")[0] + b"\n")
            else:
                self.faults.append(f"{self.name}: packet type {kind}")
            found = raw.take_packet()
        os.write(self.ledger, b"".join(done))
        return burst


def reply(kind, packet_id, flags=0):
    return raw_mqtt.packet(kind, struct.pack(">H", packet_id), flags)


def publish(port, path, connections, seed):
    """The publishers' process: runs until its stdin closes, then finishes what is under way."""
    ledger = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    ending = threading.Event()
    publishers = [Publisher(port, number, seed, ledger, ending) for number in range(connections)]
    for publisher in publishers:
        publisher.start()
    sys.stdin.read()
    ending.set()
    for publisher in publishers:
        if not publisher.finished.wait(timeout=60):
            publisher.faults.append(f"{publisher.name}: {len(publisher.open)} never ended")
    print(json.dumps({
        "faults": [fault for p in publishers for fault in p.faults],
        "sent": {p.name: p.sent for p in publishers},
        "equal": [p.name for p in publishers if p.sends_equal]}))


def judge(sent, equal, records):
    """Every fault, as a sentence. `records` are (topic, payload) in the order of the log."""
    faults = []
    stored = collections.defaultdict(list)
    for topic, payload in records:
        stored[topic.split("/")[-1]].append(payload)
    for name, count in sent.items():
        found = stored.pop(name, [])
        wanted = [EQUAL if name in equal else f"{name}-{n} x".encode() for n in range(1, count + 1)]
        if found == wanted:
            continue
        counts = collections.Counter(found)
        twice = [payload for payload, times in counts.items() if times > 1 and name not in equal]
        lost = [payload for payload in wanted if payload not in counts]
        faults.append(f"{name} published {count} messages, and the log has {len(found)}; twice "
                      f"{twice[:3]}, lost {lost[:3]}, or in another order")
    if stored:
        faults.append(f"nobody published {dict(list(stored.items())[:3])}")
    return faults


class Run(kill9_ledger.Run):
    """The rounds are the other ledger's; who publishes, and what must hold, is not."""

    result = None

    def start_publisher(self):
        self.publisher = subprocess.Popen(  # pylint: disable=consider-using-with
            [sys.executable, os.path.abspath(__file__), "--publish", str(self.broker.mqtt_port),
             "--ledger", self.ledger_path, "--connections", str(self.connections),
             "--seed", str(self.seed)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, universal_newlines=True)

    def stop_publisher(self):
        try:
            output, _ = self.publisher.communicate(timeout=90)
            self.result = json.loads(output)
        except (subprocess.TimeoutExpired, ValueError) as error:
            self.publisher.kill()
            self.result = {"faults": [f"the publishers did not end: {error}"], "sent": {},
                           "equal": []}

    def judge(self, ledger, reader):
        faults, summary = super().judge([], reader)
        faults = [fault for fault in faults if not fault.startswith("nothing was")]
        records = [(r.key.decode(), r.value)
                   for r in kafka_reading.read_all(self.broker, seconds=120)]
        faults += self.result["faults"]
        faults += judge(self.result["sent"], self.result["equal"], records)
        if not ledger or not self.result["sent"]:
            faults.append("nothing was completed: this run proves nothing")
        total = sum(self.result["sent"].values())
        return faults, f"{total} at QoS 2, each once; {summary}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--connections", type=int, default=6)
    parser.add_argument("--directory")
    parser.add_argument("--publish", type=int, metavar="PORT", help=argparse.SUPPRESS)
    parser.add_argument("--ledger", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.publish:
        publish(options.publish, options.ledger, options.connections, options.seed)
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
