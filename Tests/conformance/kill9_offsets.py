"""Groups and their offsets against a broker that is killed: what was acknowledged is there.

usage: kill9_offsets.py [--rounds N] [--seed S] [--directory DIR]

A child process commits: consumers outside of groups, each to a group of its own, and members of one
group. It writes each commit down before it is sent, and each acknowledgement when it comes: the
ledger. After each kill every partition's offset must be the last one acknowledged, or one that was
sent later, and the group's generation must not have gone back.
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
import time

import confluent_kafka
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

import harness

TOPIC, PARTITIONS = "ledger", 4
LONE, TEAM, MEMBERS = 6, "team", 2


# The committers' process.

class Ledger:
    def __init__(self, file):
        self.file = file
        self.lock = threading.Lock()

    def note(self, *words):
        with self.lock:
            os.write(self.file, (" ".join(map(str, words)) + "\n").encode())


def settings(bootstrap, group):
    return {
        "bootstrap.servers": bootstrap, "broker.address.family": "v4", "group.id": group,
        "enable.auto.commit": False, "auto.offset.reset": "earliest", "log_level": 0,
        "session.timeout.ms": 1500, "heartbeat.interval.ms": 200, "socket.timeout.ms": 3000,
        "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 100}


def commit(consumer, ledger, group, partition, offset):
    ledger.note("sent", group, partition, offset)
    try:
        answers = consumer.commit(
            offsets=[TopicPartition(TOPIC, partition, offset)], asynchronous=False)
    except confluent_kafka.KafkaException:
        return
    if all(answer.error is None for answer in answers):
        ledger.note("kept", group, partition, offset)


def run_alone(bootstrap, ledger, name, first):
    consumer = confluent_kafka.Consumer(settings(bootstrap, name))
    offset = first
    while True:
        for partition in range(PARTITIONS):
            commit(consumer, ledger, name, partition, offset)
        offset += 1


def run_member(bootstrap, ledger, first):
    """Commits for what it has been given; a partition that moves takes its numbers from a clock
    that all members share, so a later commit is a larger one."""
    consumer = confluent_kafka.Consumer(settings(bootstrap, TEAM))
    consumer.subscribe([TOPIC])
    while True:
        consumer.poll(0.01)
        for part in consumer.assignment():
            commit(consumer, ledger, TEAM, part.partition, first + time.monotonic_ns() // 1000)


def run_committers(bootstrap, path, first):
    ledger = Ledger(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND))
    for number in range(LONE):
        threading.Thread(target=run_alone, daemon=True,
                         args=(bootstrap, ledger, f"alone{number}", first)).start()
    for _ in range(MEMBERS):
        threading.Thread(target=run_member, daemon=True, args=(bootstrap, ledger, 0)).start()
    sys.stdin.read()
    os._exit(0)


# The judge.

def read_ledger(text):
    """(kept, sent): by group and partition, the last acknowledged, and all that was sent in its
    order. A last line that a kill cut short is left out."""
    kept, sent = {}, collections.defaultdict(list)
    for line in text.split("\n")[:-1]:
        word, group, partition, offset = line.split()
        place = (group, int(partition))
        if word == "sent":
            sent[place].append(int(offset))
        else:
            kept[place] = max(int(offset), kept.get(place, -1))
    return kept, sent


def judge(kept, sent, found):
    """Faults in what the broker tells, `found`, against the ledger."""
    faults = []
    for place in sorted(set(sent) | set(found)):
        value, least = found.get(place, -1), kept.get(place, -1)
        if value < least:
            faults.append(f"{place}: {least} was acknowledged, {value} is there")
        elif value != -1 and value not in sent.get(place, ()):
            faults.append(f"{place}: {value} is there and was never sent")
    return faults


class Run:
    def __init__(self, directory, rounds, seed):
        self.rounds, self.random = rounds, random.Random(seed)
        self.directory = str(directory)
        # Members that die with their process are not to hold up the next ones for long.
        self.broker = harness.Broker(
            os.path.join(self.directory, "broker"), "group.min.session.timeout.ms=500ms")
        self.ledger = os.path.join(self.directory, "ledger.txt")
        self.generations = []

    def execute(self):
        faults = []
        self.broker.start()
        self.administer(
            lambda client: client.create_topics([NewTopic(TOPIC, PARTITIONS, 1)]))
        for number in range(1, self.rounds + 1):
            # Numbers of a life are above all that were sent before.
            child = self.start_committers(number * 10_000_000)
            try:
                before = os.path.getsize(self.ledger) if os.path.exists(self.ledger) else 0
                wanted = self.random.randrange(4_000, 40_000)
                harness.eventually(
                    lambda: os.path.exists(self.ledger)
                    and os.path.getsize(self.ledger) > before + wanted, 60, "some commits")
                if number % 3:
                    harness.eventually(
                        lambda: f"kept {TEAM}" in harness.read_text(self.ledger)[before:],
                        60, "commits of members")
                select.select([], [], [], self.random.random() * 0.5)
                self.broker.kill()
            finally:
                child.kill()
                child.wait(10)
            self.broker.start()
            faults += self.check(f"round {number}")
            if faults:
                break
        kept, sent = read_ledger(harness.read_text(self.ledger))
        commits = sum(map(len, sent.values()))
        summary = (f"{self.rounds} kills, {commits} commits to {len(sent)} places, "
                   f"{len(kept)} acknowledged; generations {self.generations}")
        return faults, summary

    def start_committers(self, first):
        return subprocess.Popen(  # pylint: disable=consider-using-with
            [sys.executable, __file__, "--commit", self.broker.kafka, self.ledger, str(first)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def administer(self, call):
        client = AdminClient({"bootstrap.servers": self.broker.kafka,
                              "broker.address.family": "v4", "log_level": 0})
        (future,) = call(client).values()
        return future.result(15)

    def check(self, when):
        kept, sent = read_ledger(harness.read_text(self.ledger))
        found = {}
        for group in sorted({group for group, _ in sent}):
            wanted = [ConsumerGroupTopicPartitions(group)]
            answer = self.administer(
                lambda client, wanted=wanted: client.list_consumer_group_offsets(wanted))
            for part in answer.topic_partitions:
                if part.offset >= 0:
                    found[(group, part.partition)] = part.offset
        faults = judge(kept, sent, found)
        generation = last_generation(self.broker)
        if self.generations and generation < self.generations[-1]:
            faults.append(f"generation {generation} after {self.generations[-1]}")
        self.generations.append(generation)
        return [f"{when}: {fault}" for fault in faults]


def last_generation(broker):
    """Of the team, as the newest of its records in `__consumer_offsets` has it."""
    command = [sys.executable, os.path.join(harness.HERE, "read_log.py"), broker.data,
               "--partition", "__consumer_offsets-0", "--json-records", "--allow-gaps",
               "--allow-torn-tail"]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120,
                         universal_newlines=True, check=False)
    newest = -1
    for line in run.stdout.splitlines():
        record = json.loads(line)
        key = bytes.fromhex(record["key"])
        if key[:2] == b"\0\2" and key[4:].decode() == TEAM and record["value"]:
            value = bytes.fromhex(record["value"])
            type_bytes = struct.unpack_from(">h", value, 2)[0]
            newest = struct.unpack_from(">i", value, 4 + type_bytes)[0]
    return newest


def main():
    if sys.argv[1:2] == ["--commit"]:
        return run_committers(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--directory")
    given = parser.parse_args()
    directory = given.directory or tempfile.mkdtemp(prefix="kill9-offsets-")
    run = Run(directory, given.rounds, given.seed)
    try:
        faults, summary = run.execute()
    finally:
        if run.broker.runs:
            run.broker.kill()
    print(f"seed {given.seed}: {summary}")
    for fault in faults:
        print("FAULT", fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
