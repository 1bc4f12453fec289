"""Kafka producers against a broker that is killed: what was acknowledged is there, once, in order.

usage: kill9_producer.py [--rounds N] [--seed S] [--directory DIR]

A child process produces with confluent-kafka to several partitions, one producer for each of
acks=-1, acks=1 and acks=0, and never sends a record twice. It writes each acknowledgement down: the
ledger. So every record in the log that stands there twice, or behind a later one of its producer,
is the broker's doing.
"""

import argparse
import collections
import os
import random
import select
import subprocess
import sys
import tempfile
import time

import confluent_kafka
from confluent_kafka import TopicPartition

import harness
import kafka_reading

TOPIC, PARTITIONS = "ledger", 3
ACKS = ("-1", "1", "0")
WINDOW = 300  # records of one producer that are not answered for


# The producers' process.

class LedgerProducer:
    topic = TOPIC

    def __init__(self, bootstrap, acks, ledger):
        self.acks, self.ledger = acks, ledger
        self.sent = self.open = 0
        self.lines = []
        self.producer = confluent_kafka.Producer({
            "bootstrap.servers": bootstrap, "broker.address.family": "v4", "acks": acks,
            # Never twice: what is not acknowledged is given up.
            "message.send.max.retries": 0, "message.timeout.ms": 2000, "linger.ms": 1,
            "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 100,
            "topic.metadata.refresh.sparse": True, "log_level": 0})

    def step(self):
        while self.open < WINDOW:
            self.open += 1
            self.sent += 1
            self.producer.produce(
                self.topic, self.value(), partition=self.sent % PARTITIONS, callback=self.note)
        self.producer.poll(0.005)
        if self.lines:
            os.write(self.ledger, b"".join(self.lines))
            self.lines.clear()

    def value(self):
        return b"%s %d" % (self.acks.encode(), self.sent)

    def note(self, error, message):
        self.open -= 1
        if error is None and self.acks != "0":
            self.lines.append(b"%d %d %s\n" % (
                message.partition(), message.offset(), message.value()))


def produce(bootstrap, path, kind=LedgerProducer):
    ledger = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    producers = [kind(bootstrap, acks, ledger) for acks in ACKS]
    while not select.select([sys.stdin], [], [], 0)[0]:
        for one in producers:
            one.step()


# The judgement.

def judge(ledger, logs):
    """Every fault, as a sentence. `ledger` has (partition, offset, value); `logs` has for each
    partition the (offset, value) of its records."""
    faults = []
    places = {(partition, offset): value
              for partition, records in logs.items() for offset, value in records}
    lost = [entry for entry in ledger if places.get(entry[:2]) != entry[2]]
    if lost:
        faults.append(f"{len(lost)} of {len(ledger)} acknowledged records are not where their "
                      f"acknowledgements say: {lost[:5]}")
    for partition, records in logs.items():
        if [offset for offset, _ in records] != list(range(len(records))):
            faults.append(f"partition {partition} has a hole in its offsets")
        last = collections.defaultdict(int)
        for offset, value in records:
            acks, number = value.split(b" ")
            if int(number) <= last[acks]:
                faults.append(f"partition {partition} has {value} at {offset}, after or beside "
                              f"number {last[acks]} of the same producer")
                break
            last[acks] = int(number)
    return faults


# The run.

class Run:
    def __init__(self, directory, rounds, seed):
        self.rng = random.Random(seed)
        self.rounds, self.seed = rounds, seed
        self.broker = harness.Broker(directory, f"num.partitions={PARTITIONS}")
        self.ledger_path = os.path.join(str(directory), "ledger")
        self.child = None

    def execute(self):
        """Returns (faults, a summary)."""
        self.broker.start()
        self.child = subprocess.Popen(  # pylint: disable=consider-using-with
            [sys.executable, os.path.abspath(__file__), "--produce", self.broker.kafka,
             "--ledger", self.ledger_path], stdin=subprocess.PIPE)
        try:
            for _ in range(self.rounds):
                self.wait_for_growth()
                self.broker.kill()
                self.broker.start()
            self.wait_for_growth()
        finally:
            self.child.kill()
            self.child.wait(timeout=10)
            self.child.stdin.close()
        ledger, logs = self.ledger(), self.logs()
        faults = judge(ledger, logs)
        by_acks = collections.Counter(value.split(b" ")[0].decode() for _, _, value in ledger)
        if set(by_acks) != {"-1", "1"} or not all(logs.values()):
            faults.append(f"acknowledged: {dict(by_acks)}; this run proves nothing")
        summary = (f"{dict(by_acks)} acknowledged, {sum(len(one) for one in logs.values())} stored "
                   f"in {PARTITIONS} partitions, {self.rounds} kills, seed {self.seed}")
        return faults, summary

    def wait_for_growth(self):
        before = self.ledger_bytes()
        grown = before + self.rng.randrange(500, 100_000)
        moment = time.monotonic() + self.rng.uniform(0.1, 1)
        harness.eventually(
            lambda: self.ledger_bytes() >= grown
            or (self.ledger_bytes() > before and time.monotonic() > moment),
            30, "a further acknowledgement")

    def ledger_bytes(self):
        try:
            return os.path.getsize(self.ledger_path)
        except FileNotFoundError:
            return 0

    def ledger(self):
        with open(self.ledger_path, "rb") as file:
            lines = [line.split(b" ", 2) for line in file.read().splitlines()]
        return [(int(partition), int(offset), value) for partition, offset, value in lines]

    def logs(self):
        source = kafka_reading.consumer(self.broker)
        try:
            return {number: self.records(source, number) for number in range(PARTITIONS)}
        finally:
            source.close()

    @staticmethod
    def records(source, number):
        partition = TopicPartition(TOPIC, number, 0)
        _, end = source.get_watermark_offsets(partition, timeout=10)
        source.assign([partition])
        found = kafka_reading.poll_records(source, end, 60) if end else []
        return [(record.offset, record.value) for record in found]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--directory")
    parser.add_argument("--produce", metavar="HOST:PORT", help=argparse.SUPPRESS)
    parser.add_argument("--ledger", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.produce:
        produce(options.produce, options.ledger)
        return 0
    directory = options.directory or tempfile.mkdtemp(prefix="headwater-kill9-")
    run = Run(directory, options.rounds, options.seed)
    faults, summary = run.execute()
    run.broker.stop()
    print(summary)
    for fault in faults:
        print(f"FAULT: {fault} (seed {options.seed}, data in {directory})")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
