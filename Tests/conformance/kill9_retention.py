"""Kills the broker while MQTT at QoS 1 and 2 and Kafka producers fill a topic of several partitions
that retention keeps short, and while another topic comes and goes.

usage: kill9_retention.py [--rounds N] [--seed S] [--directory DIR]

What was acknowledged and has not expired is there, as promised to whoever published it; no log
start ever moves back; offsets run without a hole from there on. The publishers are those of the
other ledgers, each in a process of its own. Every payload begins `<name>-<number> `.
"""

import argparse
import collections
import hashlib
import json
import os
import random
import select
import subprocess
import sys
import tempfile
import threading
import time

import harness
import kafka_reading
import kill9_exactly_once
import kill9_ledger
import kill9_producer
import raw_kafka
from shifting_topic import ShiftingTopic

TOPIC, PARTITIONS, KEPT = "mixed", kill9_producer.PARTITIONS, 256 << 10
ROUTES = f"""\
routes:
  - filter: "#"
    topic: {TOPIC}
    partitions: {PARTITIONS}
    settings:
      segment.bytes: 65536
      retention.bytes: {KEPT}
      file.delete.delay.ms: 200
"""
SETTINGS = ["log.retention.check.interval.ms=100", "mqtt.packet.bytes.max=32KiB"]
PADDING = hashlib.shake_128(b"padding").hexdigest(16 << 10).encode()


class PaddedProducer(kill9_producer.LedgerProducer):
    """Its records fill segments, and do not become small."""

    topic = TOPIC

    def value(self):
        at = self.sent * 7 % (len(PADDING) - 400)
        return b"k%s-%d %s" % (self.acks.encode(), self.sent, PADDING[at:at + 400])

    def note(self, error, message):
        self.open -= 1
        if error is None and self.acks != "0":
            self.lines.append(b"%d %d %s\n" % (
                message.partition(), message.offset(), message.value().split(b" ")[0]))


class EdgeReader(kill9_ledger.LiveReader):
    """Follows one partition, jumps where retention overtakes it, and notes where the log starts."""

    def __init__(self, port, partition):
        super().__init__(port)
        self.partition = partition
        self.starts = [0]

    def run(self):
        while not self.ending.is_set():
            try:
                with raw_kafka.RawKafka(self.port, seconds=10) as kafka:
                    while not self.ending.is_set():
                        self.look(kafka)
            except (AssertionError, OSError):
                self.ending.wait(0.02)  # The broker is down: try again.

    def look(self, kafka):
        error, _, start = kafka.list_offset(TOPIC, -2, self.partition)
        if error:
            return  # The topic is not there yet.
        if start != self.starts[-1]:
            self.starts.append(start)
        self.offset = max(self.offset, start)
        found = kafka.fetch(TOPIC, self.offset, max_wait_ms=100, partition=self.partition)
        if found[0] != 1:
            return self.note(*found)
        start = kafka.list_offset(TOPIC, -2, self.partition)[2]
        if start <= self.offset:
            self.faults.append(f"{self.partition}: {self.offset} is out of range, from {start} on")


# The judgement.

def identity(value):
    """The name and the number that a payload begins with."""
    name, _, number = value.split(b" ")[0].rpartition(b"-")
    return name.decode(), int(number)


def judge(places, acknowledged, sent, logs):
    """Every fault, as a sentence.

    `places` has (partition, offset, id) of Kafka's acknowledgements, `acknowledged` the ids of
    MQTT's at QoS 1, `sent` how many each name published at QoS 2. `logs` has for each partition the
    (offset, value) of its records: from the log's start, for nothing else has expired.
    """
    faults = []
    present = collections.defaultdict(list)  # (name, partition): numbers in order
    for partition, records in logs.items():
        first = records[0][0] if records else 0
        if [offset for offset, _ in records] != list(range(first, first + len(records))):
            faults.append(f"partition {partition} has a hole in its offsets")
        for _, value in records:
            name, number = identity(value)
            present[name, partition].append(number)
        stored = dict(records)
        lost = [place for place in places if place[0] == partition and place[1] >= first
                and stored.get(place[1], b"").split(b" ")[0] != place[2]]
        if lost:
            faults.append(f"partition {partition} from {first} on: {len(lost)} records are not where "
                          f"their acknowledgements say: {lost[:3]}")
    for (name, partition), numbers in present.items():
        if name.startswith("k") and any(b <= a for a, b in zip(numbers, numbers[1:])):
            faults.append(f"partition {partition} has records of {name} twice or out of order")
    by_name = {name: numbers for (name, _), numbers in present.items()}
    for name, count in sent.items():
        numbers = by_name.get(name, [])
        if not numbers or numbers != list(range(numbers[0], count + 1)):
            faults.append(f"{name} sent {count} at QoS 2; the log has {numbers[:3]}...{numbers[-3:]}")
    return faults + judge_at_least_once(acknowledged, by_name)


def judge_at_least_once(acknowledged, by_name):
    faults = []
    wanted = collections.defaultdict(list)
    for entry in acknowledged:
        name, number = identity(entry)
        wanted[name].append(number)
    for name, numbers in wanted.items():
        stored = by_name.get(name, [])
        first = min(stored, default=0)
        lost = [number for number in numbers if number >= first and number not in set(stored)]
        if lost:
            faults.append(f"{len(lost)} of {name} are lost, from {first} on: {lost[:3]}")
        highest = first - 1
        for number in stored:
            if number > highest + 1:
                faults.append(f"{name}: {number} overtook {highest + 1}")
                break
            highest = max(highest, number)
    return faults


def judge_views(starts, seen, final):
    """What a reader of one partition saw, against its batches at the end."""
    faults = []
    if starts != sorted(starts):
        faults.append(f"the log start moved back: {starts[-5:]}")
    first = final[0].base_offset if final else starts[-1]
    by_base = {batch.base_offset: batch for batch in final}
    changed = [batch for batch in seen
               if batch.base_offset >= first and by_base.get(batch.base_offset) != batch]
    if changed:
        faults.append(f"{len(changed)} batches changed after a reader saw them: {changed[:3]}")
    epochs = [batch.leader_epoch for batch in final]
    if epochs != sorted(epochs):
        faults.append("a leader epoch is lower than the one before it")
    return faults


# The run.

class Run(kill9_ledger.Run):
    def __init__(self, directory, rounds, seed):
        super().__init__(directory, rounds, seed, connections=2)
        routes = os.path.join(str(directory), "routes.yaml")
        with open(routes, "w", encoding="utf-8") as file:
            file.write(ROUTES)
        self.broker = harness.Broker(directory, *SETTINGS, options=["--config", routes])
        self.children = {}
        self.sent = {}
        self.shifting = ShiftingTopic(self.broker, self.rng)
        self.faults = []

    def path(self, kind):
        return f"{self.ledger_path}-{kind}" if kind != "qos1" else self.ledger_path

    def start_children(self):
        mqtt = ["--publish", str(self.broker.mqtt_port), "--connections", "2", "--ledger"]
        for kind, script, arguments in [
                ("qos1", kill9_ledger, [*mqtt, self.path("qos1")]),
                ("qos2", kill9_exactly_once,
                 [*mqtt, self.path("qos2"), "--seed", str(self.seed)]),
                ("kafka", sys.modules[__name__],
                 ["--produce", self.broker.kafka, "--ledger", self.path("kafka")])]:
            self.children[kind] = subprocess.Popen(  # pylint: disable=consider-using-with
                [sys.executable, os.path.abspath(script.__file__), *arguments],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, universal_newlines=True)

    def stop_children(self, in_order):
        """Kafka's first, and what it had on its way: so that the last words of the others do not
        expire. QoS 2 ends what it has begun."""
        if in_order:
            self.end("kafka")
            enough = os.path.getsize(self.path("qos2")) + 2000
            harness.eventually(lambda: os.path.getsize(self.path("qos2")) > enough, 60,
                               "some hundred further acknowledgements at QoS 2")
            self.end("qos1")
            output, _ = self.children["qos2"].communicate(timeout=90)
            result = json.loads(output)
            self.faults += result["faults"]
            self.sent = result["sent"]
        for kind, child in self.children.items():
            if child.poll() is None:
                self.end(kind)

    def end(self, kind):
        child = self.children[kind]
        child.kill()
        child.wait(timeout=10)
        child.stdin.close()
        child.stdout.close()

    def execute(self):
        self.broker.start()
        readers = [EdgeReader(self.broker.kafka_port, number) for number in range(PARTITIONS)]
        for reader in readers:
            reader.start()
        self.start_children()
        in_order = False
        try:
            for number in range(self.rounds):
                self.wait_for_growth()
                change = threading.Thread(target=self.shifting.change)
                change.start()
                select.select([], [], [], self.rng.uniform(0, 0.15) if number % 2 else 0.4)
                self.broker.kill()
                if number % 3 == 2:
                    self.kill_while_starting()
                change.join(timeout=60)
                self.broker.start()
                self.shifting.check()
            self.wait_for_growth()
            in_order = True
        finally:
            self.stop_children(in_order)
        harness.eventually(self.has_settled, 20, "logs that are short enough")
        logs, faults = {}, self.faults + self.shifting.faults
        for reader in readers:
            logs[reader.partition] = self.read(reader, faults)
        faults += judge(self.places(), self.ledger(), self.sent, logs)
        return faults, self.summarize(logs, readers, faults)

    def has_settled(self):
        for number in range(PARTITIONS):
            sizes = self.broker.segment_sizes(TOPIC, number)
            if sum(sizes) - sizes[0] >= KEPT:
                return False
        return True

    def read(self, reader, faults):
        """One partition's records at the end, with what its reader found judged."""
        number = reader.partition
        start, end = kafka_reading.watermarks(self.broker, TOPIC, number)
        harness.eventually(lambda: reader.offset >= end, 30, "the reader at the end of the log")
        reader.ending.set()
        reader.join(timeout=20)
        records = kafka_reading.read_to_end(self.broker, TOPIC, number)
        faults += reader.faults
        if not records or records[0].offset != start or records[-1].offset != end - 1:
            faults.append(f"partition {number} reads from {records[:1]} to {records[-1:]}, "
                          f"and says {start} to {end}")
        if start and sum(self.broker.segment_sizes(TOPIC, number)) < KEPT:
            faults.append(f"retention took more of partition {number} than it was told to")
        faults += judge_views([*reader.starts, start], reader.seen, self.batches(number, start, end))
        return [(record.offset, record.value) for record in records]

    def batches(self, partition, offset, end):
        found = []
        with raw_kafka.RawKafka(self.broker.kafka_port) as kafka:
            while offset < end:
                error, _, data = kafka.fetch(TOPIC, offset, partition=partition)
                assert error == 0, f"error {error} at {offset}"
                found += [kill9_ledger.describe(*pair) for pair in raw_kafka.batches(data)]
                offset = found[-1].last_offset + 1
        return found

    def places(self):
        with open(self.path("kafka"), "rb") as file:
            lines = [line.split(b" ") for line in file.read().splitlines()]
        return [(int(partition), int(offset), entry) for partition, offset, entry in lines]

    def summarize(self, logs, readers, faults):
        starts = {reader.partition: reader.starts[-1] for reader in readers}
        seen = sum(len(reader.seen) for reader in readers)
        counts = {"qos1": len(self.ledger()), "qos2": sum(self.sent.values()),
                  "kafka": len(self.places())}
        if not all(counts.values()) or not all(starts.values()) or not seen:
            faults.append(f"acknowledged {counts}, starts {starts}: this run proves nothing")
        return (f"{counts} acknowledged, {sum(len(one) for one in logs.values())} kept from {starts} "
                f"on, {seen} batches seen live, {self.rounds} kills, {self.shifting.changes} changes "
                f"of a topic, seed {self.seed}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--directory")
    parser.add_argument("--produce", metavar="HOST:PORT", help=argparse.SUPPRESS)
    parser.add_argument("--ledger", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.produce:
        kill9_producer.produce(options.produce, options.ledger, PaddedProducer)
        return 0
    directory = options.directory or tempfile.mkdtemp(prefix="headwater-kill9-")
    run = Run(directory, options.rounds, options.seed)
    began = time.monotonic()
    faults, summary = run.execute()
    run.broker.stop()
    print(f"{summary}, {time.monotonic() - began:.0f} s")
    for fault in faults:
        print(f"FAULT: {fault} (seed {options.seed}, data in {directory})")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
