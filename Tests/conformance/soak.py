"""A long mixed load on one broker: MQTT at every QoS, Kafka produce, readers on both sides.

usage: soak.py [--seconds N] [--rate N] [--directory DIR]

Fails when a record is lost, repeated or out of order for its key, when the broker's memory or its
open files grow, or when the log outgrows its retention.
"""

import argparse
import json
import os
import select
import statistics
import subprocess
import sys
import tempfile
import time

import harness

CONFIGURATION = """\
log.segment.bytes: 2MiB
log.retention.bytes: 8388608
log.retention.check.interval.ms: 5000
log.segment.delete.delay.ms: 1000
num.partitions: 4
routes:
  - filter: soak/#
    topic: soak-mqtt
    partitions: 4
"""
PARTITIONS = 4
# Shares of the rate. QoS 0 is small: it may be dropped, and here none is.
SHARES = {"qos1": 0.45, "qos2": 0.15, "qos0": 0.10, "kafka": 0.30}
SAMPLE_INTERVAL = 2  # seconds
WARM_UP = 0.25  # of the run: pools, caches and the first segments fill
GROWTH_MAX_KIB = 2_048
# Sockets, epolls, the lock: their number stands once all clients are there.
OTHER_FILES_GROWTH_MAX = 0
# A segment that is read has three files open. Retention leaves each partition its active segment,
# four sealed ones and one that is due; the broker's own topics have their active one.
SEGMENT_FILES = (".log", "index")
SEGMENT_FILES_MAX = 3 * (2 * PARTITIONS * 6 + 6)
# What retention may leave beyond its bound: the active segment, one that is due, its indexes.
TOPIC_BYTES_MAX = PARTITIONS * (8_388_608 + 3 * 2_097_152)


class Sample:
    """What the broker holds at one moment."""

    def __init__(self, broker):
        status = dict(line.split(":", 1) for line in
                      harness.read_text(f"/proc/{broker.pid}/status").splitlines())
        self.anonymous_kib = int(status["RssAnon"].split()[0])
        self.resident_kib = int(status["VmRSS"].split()[0])
        links = list(harness.open_files(broker.pid))
        self.descriptors = len(links)
        self.segment_files = sum(link.startswith(broker.data) and link.endswith(SEGMENT_FILES)
                                 for link in links)
        self.other_files = self.descriptors - self.segment_files
        self.data_bytes = sum(
            os.stat(os.path.join(folder, name)).st_size
            for folder, _, names in os.walk(broker.data) for name in names
            if os.path.exists(os.path.join(folder, name)))


class Soak:
    def __init__(self, directory, seconds, rate):
        self.directory, self.seconds, self.rate = directory, seconds, rate
        os.makedirs(directory, exist_ok=True)
        path = os.path.join(directory, "soak.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(CONFIGURATION)
        self.broker = harness.Broker(directory, options=["--config", path])
        self.samples = []
        self.faults = []

    def run(self):
        self.broker.start()
        try:
            self.load()
            code = self.broker.stop()
            if code != 0:
                self.faults.append(f"the broker's clean stop ended with {code}")
            harness.check_log_files(self.broker.data)
        finally:
            if self.broker.runs:
                self.broker.kill()
        return self.faults

    def load(self):
        readers = {"subscriber": self.start("soak_subscriber.py", str(self.broker.mqtt_port))}
        assert readers["subscriber"].stdout.readline() == b"subscribed\n"
        before = Sample(self.broker)
        publishers = {
            kind: self.start("soak_publishers.py", kind, self.port(kind),
                             str(int(self.rate * share)), "200", report=kind)
            for kind, share in SHARES.items()}
        for topic in ("soak-mqtt", "soak-kafka"):
            self.wait_for_topic(topic)
            readers[topic] = self.start("soak_reader.py", str(self.broker.kafka_port), topic,
                                        str(PARTITIONS), report=topic)
        self.watch()
        acknowledged = {kind: self.finish(kind, child) for kind, child in publishers.items()}
        seen = {name: self.finish(name, child) for name, child in readers.items()}
        harness.eventually(lambda: Sample(self.broker).descriptors <= before.descriptors + 64, 30,
                           "the connections' descriptors being closed")
        self.judge(acknowledged, seen)

    def port(self, kind):
        return str(self.broker.kafka_port if kind == "kafka" else self.broker.mqtt_port)

    def start(self, script, *arguments, report="subscriber"):
        command = [sys.executable, os.path.join(harness.HERE, script), *arguments,
                   self.report_path(report)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def report_path(self, name):
        return os.path.join(self.directory, f"{name}.json")

    def wait_for_topic(self, topic):
        harness.eventually(
            lambda: os.path.isdir(os.path.join(self.broker.data, f"{topic}-{PARTITIONS - 1}")), 30,
            f"the topic {topic}")

    def watch(self):
        """Samples the broker until the time is over; an early end of the broker ends the watch."""
        started = time.monotonic()
        while (passed := time.monotonic() - started) < self.seconds:
            assert self.broker.runs, f"the broker ended:\n{self.broker.log()}"
            sample = Sample(self.broker)
            self.samples.append(sample)
            print(f"{passed:6.0f} s  resident {sample.resident_kib:>7} KiB  private "
                  f"{sample.anonymous_kib:>6} KiB  files {sample.segment_files:>4} + {sample.other_files:>3}  data "
                  f"{sample.data_bytes >> 20:>5} MiB", flush=True)
            select.select([], [], [], SAMPLE_INTERVAL)

    def finish(self, name, child):
        child.stdin.close()
        if child.wait(timeout=180) != 0:
            self.faults.append(f"{name} ended with {child.returncode}")
            return {}
        with open(self.report_path(name), encoding="utf-8") as file:
            return json.load(file)

    def judge(self, acknowledged, seen):
        for name, report in seen.items():
            self.faults += [f"{name}: {fault}" for fault in report.get("faults", [])]
        self.compare("subscriber", acknowledged["qos1"], seen)
        self.compare("soak-kafka", acknowledged["kafka"], seen)
        over_mqtt = {**acknowledged["qos0"], **acknowledged["qos1"], **acknowledged["qos2"]}
        self.compare("soak-mqtt", over_mqtt, seen)
        total = sum(sum(numbers.values()) for numbers in acknowledged.values())
        print(f"{total} records in {self.seconds} s, {total / self.seconds:.0f} a second", flush=True)
        if total < 0.9 * self.rate * self.seconds:
            self.faults.append("the publishers did not reach their rate")
        self.judge_resources()

    def compare(self, name, acknowledged, seen):
        last = seen[name].get("last", {})
        lost = [key for key, number in acknowledged.items() if last.get(key, 0) < number]
        if lost or not acknowledged:
            self.faults.append(f"{name}: {len(lost)} keys end before their last acknowledgement, "
                               f"such as {lost[:3]}")

    def judge_resources(self):
        settled = self.samples[int(len(self.samples) * WARM_UP):]
        third = max(1, len(settled) // 3)
        early, late = settled[:third], settled[-third:]
        for what, allowed in (("anonymous_kib", GROWTH_MAX_KIB),
                              ("other_files", OTHER_FILES_GROWTH_MAX)):
            growth = (statistics.median(getattr(s, what) for s in late)
                      - statistics.median(getattr(s, what) for s in early))
            print(f"{what}: {growth:+.0f} between the first and the last third", flush=True)
            if growth > allowed:
                self.faults.append(f"{what} grew by {growth:.0f}")
        most = max(sample.segment_files for sample in self.samples)
        print(f"at most {most} files of segments open, of {SEGMENT_FILES_MAX}", flush=True)
        if most > SEGMENT_FILES_MAX:
            self.faults.append(f"{most} files of segments were open")
        largest = max(sample.data_bytes for sample in self.samples)
        if largest > 2 * TOPIC_BYTES_MAX:
            self.faults.append(f"the data grew to {largest >> 20} MiB, past its retention")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--directory")
    options = parser.parse_args()
    directory = options.directory or tempfile.mkdtemp(prefix="headwater-soak-")
    faults = Soak(directory, options.seconds, options.rate).run()
    for fault in faults:
        print(f"FAULT: {fault}")
    print(f"0 passed, {len(faults)} failed" if faults else "1 passed, 0 failed")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
