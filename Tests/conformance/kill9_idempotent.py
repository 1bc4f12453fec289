"""Idempotent producers against a broker that is killed: everything they sent is there, once, in order.

usage: kill9_idempotent.py [--rounds N] [--seed S] [--directory DIR]

A child process produces with confluent-kafka and enable.idempotence, which sends again whatever is
not acknowledged, for as long as it takes. It writes each acknowledgement down: the ledger. When it is
told to end it flushes; so the log has to hold exactly what the ledger has, number after number.
"""

import collections
import os
import select
import signal
import subprocess
import sys

import confluent_kafka

import harness
import kill9_producer

PRODUCERS = 3


class RetryingProducer(kill9_producer.LedgerProducer):
    """Numbers its records for each partition, and never gives one up."""

    def __init__(self, bootstrap, name, ledger):  # pylint: disable=super-init-not-called
        self.name, self.ledger = name, ledger
        self.sent = self.open = 0
        self.lines, self.failures = [], []
        self.producer = confluent_kafka.Producer({
            "bootstrap.servers": bootstrap, "broker.address.family": "v4",
            "enable.idempotence": True, "message.timeout.ms": 120000, "linger.ms": 1,
            "batch.num.messages": 20, "retry.backoff.ms": 20, "retry.backoff.max.ms": 100,
            "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 100,
            "socket.timeout.ms": 5000, "error_cb": self.failed, "log_level": 0})

    def failed(self, error):
        if error.fatal():
            self.failures.append(f"producer {self.name}: {error}")

    def value(self):
        return b"%s %d" % (self.name.encode(), self.sent)

    def note(self, error, message):
        self.open -= 1
        if error is not None:
            self.failures.append(f"producer {self.name}: {message.value()}: {error}")
            return
        self.lines.append(b"%d %d %s\n" % (
            message.partition(), message.offset(), message.value()))

    def end(self):
        left = self.producer.flush(60)
        os.write(self.ledger, b"".join(self.lines))
        if left:
            self.failures.append(f"producer {self.name}: {left} records are not answered for")
        return self.failures


def produce(bootstrap, path):
    ledger = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    producers = [RetryingProducer(bootstrap, str(n), ledger) for n in range(PRODUCERS)]
    while not select.select([sys.stdin], [], [], 0)[0]:
        for one in producers:
            one.step()
    failures = [failure for one in producers for failure in one.end()]
    for failure in failures[:5]:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


def judge(ledger, logs):
    """Every fault, as a sentence: the log is the ledger, and each producer's numbers ascend."""
    faults = []
    stored = [(partition, offset, value)
              for partition, records in logs.items() for offset, value in records]
    doubled = [value for value, count in collections.Counter(
        value for _, _, value in stored).items() if count > 1]
    if doubled:
        faults.append(f"{len(doubled)} records are stored twice: {doubled[:5]}")
    lost = set(ledger) - set(stored)
    if lost:
        faults.append(f"{len(lost)} acknowledged records are not where their acknowledgements "
                      f"say: {sorted(lost)[:5]}")
    foreign = set(stored) - set(ledger)
    if foreign:
        faults.append(f"{len(foreign)} records are stored, and nobody was told: "
                      f"{sorted(foreign)[:5]}")
    return faults + kill9_producer.judge(ledger, logs)


class Run(kill9_producer.Run):
    def __init__(self, directory, rounds, seed):
        super().__init__(directory, rounds, seed)
        # So that what is known of producers has to come from snapshots, too.
        self.broker = harness.Broker(
            directory, f"num.partitions={kill9_producer.PARTITIONS}", "log.segment.bytes=128KiB",
            "mqtt.packet.bytes.max=16KiB")

    def execute(self):
        """Returns (faults, a summary)."""
        self.broker.start()
        self.child = subprocess.Popen(  # pylint: disable=consider-using-with
            [sys.executable, os.path.abspath(__file__), self.broker.kafka, self.ledger_path],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            for _ in range(self.rounds):
                self.wait_for_growth()
                self.broker.kill()
                self.broker.start()
            self.wait_for_growth()
            _, failures = self.child.communicate(b"end", timeout=120)
        finally:
            if self.child.poll() is None:
                self.child.send_signal(signal.SIGKILL)
                self.child.wait(timeout=10)
        faults = [f"the producers say: {failures.decode()}"] if self.child.returncode else []
        ledger, logs = self.ledger(), self.logs()
        faults += judge(ledger, logs)
        if not all(logs.values()):
            faults.append("a partition is empty; this run proves nothing")
        summary = (f"{len(ledger)} acknowledged, {sum(len(one) for one in logs.values())} stored "
                   f"by {PRODUCERS} producers, {self.rounds} kills, seed {self.seed}")
        return faults, summary


if __name__ == "__main__":
    sys.exit(produce(sys.argv[1], sys.argv[2]))
