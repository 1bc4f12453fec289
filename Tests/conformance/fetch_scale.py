"""How a broker with thousands of partitions serves a crowd of idle and busy consumers.

usage: fetch_scale.py [--partitions N] [--idle N] [--busy N] [--rate N] [--seconds N]

Prints start times, memory, the broker's CPU and the time from a record's making to each consumer
that hears of it. Every offset is checked; a wrong one fails the run, a slow one never does.
"""

import argparse
import contextlib
import os
import resource
import select
import tempfile
import time

from confluent_kafka.admin import AdminClient, NewTopic

import fetch_crowd
import harness

TOPICS = 50
IDLE_PARTITIONS = 5
WAIT = 500  # fetch.max.wait.ms, as Kafka's consumers have it


def milliseconds(begin):
    return 1_000 * (time.monotonic() - begin)


def started(broker):
    """How long a start takes, in milliseconds."""
    begin = time.monotonic()
    broker.launch()
    while not broker.is_ready_or_gone():
        select.select([], [], [], 0.001)
    assert broker.runs, broker.log()
    return milliseconds(begin)


def memory(broker):
    """(resident, anonymous) in MB."""
    status = dict(line.split(":", 1) for line in
                  harness.read_text(f"/proc/{broker.pid}/status").splitlines())
    return tuple(int(status[name].split()[0]) / 1024 for name in ("VmRSS", "RssAnon"))


def cpu(broker):
    """Seconds of CPU by thread."""
    found = {}
    for task in os.listdir(f"/proc/{broker.pid}/task"):
        folder = f"/proc/{broker.pid}/task/{task}"
        with contextlib.suppress(FileNotFoundError, IndexError):
            spent = int(harness.read_text(f"{folder}/schedstat").split()[0])
            found[harness.read_text(f"{folder}/comm").strip()] = spent / 1e9
    return found


class Phase:
    """Serves a crowd for a while, and says what that cost."""

    def __init__(self, broker, members, seconds):
        self.broker, self.members = broker, members
        before, self.begin = cpu(broker), time.monotonic()
        answers = self.answers
        self.end = self.begin + seconds
        fetch_crowd.serve(members, lambda: time.monotonic() > self.end, seconds + 30)
        self.seconds = time.monotonic() - self.begin
        self.rate = (self.answers - answers) / self.seconds
        after = cpu(broker)
        self.cpu = {name: 100 * (after[name] - before.get(name, 0)) / self.seconds
                    for name in after}

    @property
    def answers(self):
        return sum(one.answers for one in self.members)

    def report(self, what):
        busiest = sorted(self.cpu.items(), key=lambda entry: -entry[1])[:3]
        resident, anonymous = memory(self.broker)
        print(f"{what}: {self.rate:,.0f} answers/s; "
              + ", ".join(f"{name} {share:.1f} %" for name, share in busiest)
              + f" of a core; resident {resident:.1f} MB, anonymous {anonymous:.1f} MB")


def percentiles(latencies):
    latencies.sort()
    return ", ".join(
        f"p{share} {latencies[min(len(latencies) - 1, int(len(latencies) * share / 100))] / 1e6:.2f}"
        for share in (50, 99, 99.9)) + f", most {latencies[-1] / 1e6:.2f} ms"


def measure(options, folder):
    broker = harness.Broker(
        folder, f"partitions.max={options.partitions + 100}",
        f"kafka.connections.max={options.idle + options.busy + 100}")
    print(f"start, empty: {started(broker):.0f} ms, memory {memory(broker)[0]:.1f} MB")
    client = AdminClient({"bootstrap.servers": broker.kafka})
    each = options.partitions // TOPICS
    begin = time.monotonic()
    for future in client.create_topics(
            [NewTopic(f"t{number}", each, 1) for number in range(TOPICS)],
            request_timeout=60).values():
        future.result(120)
    print(f"{TOPICS * each} partitions made in {milliseconds(begin):.0f} ms")
    assert broker.stop() == 0
    print(f"start with them: {started(broker):.0f} ms")
    broker.kill()
    print(f"start after kill -9: {started(broker):.0f} ms")
    resident, anonymous = memory(broker)
    print(f"memory: resident {resident:.1f} MB, anonymous {anonymous:.1f} MB")
    latencies = []
    half = TOPICS // 2
    busy_partitions = half * each // options.busy
    places = [(f"t{number // each}", number % each) for number in range(half * each)]
    busy = []
    for number in range(options.busy):
        mine = places[number * busy_partitions:(number + 1) * busy_partitions]
        topic = mine[0][0]
        busy.append((topic, [partition for name, partition in mine if name == topic]))
    targets = [(topic, partition) for topic, numbers in busy for partition in numbers]
    busy = [fetch_crowd.Member(broker.kafka_port, topic, numbers, WAIT, latencies.append)
            for topic, numbers in busy]
    Phase(broker, busy, 3).report(f"{options.busy} consumers, nothing to read")
    idle = [fetch_crowd.Member(
        broker.kafka_port, f"t{half + number % half}",
        {(number * IDLE_PARTITIONS + step) % each for step in range(IDLE_PARTITIONS)}, WAIT)
        for number in range(options.idle)]
    Phase(broker, busy + idle, options.seconds).report(f"and {options.idle} idle ones")
    count = options.rate * options.seconds
    writer = fetch_crowd.producer(broker.kafka_port, targets, options.rate, count, 200)
    phase = Phase(broker, busy + idle, options.seconds)
    phase.report(f"{options.rate} records/s for {len(targets)} partitions")
    fetch_crowd.serve(busy + idle, lambda: sum(one.records for one in busy) == count, 60)
    writer.join(30)
    assert writer.exitcode == 0
    print(f"from making to hearing: {percentiles(latencies)}")
    for one in busy + idle:
        one.socket.close()
    assert broker.stop() == 0


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    for name, default in (("partitions", 5_000), ("idle", 1_000), ("busy", 200), ("rate", 1_000),
                          ("seconds", 10)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    with tempfile.TemporaryDirectory(prefix="fetch-scale-") as folder:
        measure(options, folder)


if __name__ == "__main__":
    main()
