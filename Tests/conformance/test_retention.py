"""Retention as Kafka's clients meet it: by size, by time, and while others read and write."""

import hashlib
import json
import os
import select
import subprocess
import threading
import time

import confluent_kafka
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import ConfigResource, NewTopic

import harness
import kafka_reading
import publishing
import raw_kafka
from kafka_reading import watermarks
from test_topics import admin, made, topics

OFFSET_OUT_OF_RANGE = 1
TOPIC, SEGMENT, KEPT = "small", 65536, 131072
SETTINGS = {"segment.bytes": str(SEGMENT), "retention.bytes": str(KEPT), "file.delete.delay.ms": "0"}
OFTEN = "log.retention.check.interval.ms=100"
PACKET = "mqtt.packet.bytes.max=32KiB"  # No larger than a segment.


def payload(number):
    """Nothing that would become smaller."""
    return hashlib.shake_128(b"%d" % number).digest(1000)


def fill(broker, numbers, topic=TOPIC, timestamp=0, start=None):
    """Produces these in small batches; the first has the offset `start`."""
    producer = confluent_kafka.Producer({
        "bootstrap.servers": broker.kafka, "broker.address.family": "v4", "batch.size": 8192,
        "linger.ms": 1})
    places = []
    for number in numbers:
        producer.produce(topic, payload(number), timestamp=timestamp, partition=0,
                         on_delivery=lambda error, message: places.append(
                             (error, message.offset())))
        producer.poll(0)
    assert producer.flush(20) == 0
    first = numbers[0] if start is None else start
    assert places == [(None, first + index) for index in range(len(numbers))]


def fill_over_mqtt(broker, numbers):
    publishing.publish(broker, [("small/x", payload(number)) for number in numbers])


def earliest(broker, topic=TOPIC):
    return watermarks(broker, topic)[0]


def files(broker, ending):
    return [name for name in os.listdir(broker.partition(TOPIC)) if name.endswith(ending)]


def has_settled(broker):
    """Whether no further segment has to go for its size."""
    sizes = broker.segment_sizes(TOPIC)
    return sum(sizes) - sizes[0] < KEPT


def wait_until_small(broker):
    harness.eventually(lambda: has_settled(broker), what="a log that is small enough")
    assert sum(broker.segment_sizes(TOPIC)) >= KEPT, "retention took more than it was told to"
    return harness.eventually(lambda: earliest(broker), what="an earliest offset that moved")


def expect_all_from(broker, start, count, offset=0):
    """A reader that begins at `offset` is sent to `start`, and finds everything from there on."""
    records = kafka_reading.read_to_end(broker, TOPIC, offset=offset)
    assert [record.offset for record in records] == list(range(start, count))
    assert all(record.value == payload(record.offset) for record in records)


def make_by_create_topics(broker):
    assert made(broker, NewTopic(TOPIC, 1, 1, config=SETTINGS)) is None


def make_by_command(broker):
    options = [word for pair in SETTINGS.items() for word in ("--config", "=".join(pair))]
    assert topics(broker, "create", TOPIC, *options).returncode == 0


ROUTE = "routes:\n  - filter: small/#\n    topic: small\n    settings:\n" + "".join(
    f"      {name}: {value}\n" for name, value in SETTINGS.items())


@pytest.mark.parametrize("way", ["CreateTopics", "command", "route", "defaults"])
def test_by_size(make_broker, tmp_path, way):
    settings, options, source = [OFTEN, PACKET], [], 1
    if way == "route":
        path = tmp_path / "routes.yaml"
        path.write_text(ROUTE)
        options = ["--config", str(path)]
    elif way == "defaults":
        settings += [f"log.segment.bytes={SEGMENT}", f"log.retention.bytes={KEPT}",
                     "log.segment.delete.delay.ms=0"]
        source = 4
    broker = make_broker(*settings, options=options).start()
    {"CreateTopics": make_by_create_topics, "command": make_by_command}.get(
        way, lambda _: None)(broker)
    (fill_over_mqtt if way == "route" else fill)(broker, range(500))

    start = wait_until_small(broker)
    client = admin(broker)
    [described] = client.describe_configs([ConfigResource("topic", TOPIC)]).values()
    told = {name: (entry.value, entry.source) for name, entry in described.result(15).items()}
    assert {name: told[name] for name in SETTINGS} == {
        name: (value, source) for name, value in SETTINGS.items()}
    with raw_kafka.RawKafka(broker.kafka_port) as kafka:
        for offset, error in [(0, OFFSET_OUT_OF_RANGE), (start - 1, OFFSET_OUT_OF_RANGE),
                              (start, 0)]:
            assert kafka.fetch(TOPIC, offset)[0] == error, f"at {offset}, the log starts at {start}"
        assert kafka.list_offset(TOPIC, -2)[2] == start
    expect_all_from(broker, start, 500)

    broker.restart()
    assert watermarks(broker, TOPIC) == (start, 500)
    broker.kill()
    broker.start()
    assert watermarks(broker, TOPIC) == (start, 500)
    expect_all_from(broker, start, 500)
    (fill_over_mqtt if way == "route" else fill)(broker, range(500, 600))
    assert wait_until_small(broker) > start
    expect_all_from(broker, earliest(broker), 600)


def test_by_time(make_broker):
    broker = make_broker(OFTEN).start()
    for topic, settings in [
            ("idle", {"retention.ms": "700", "file.delete.delay.ms": "0"}),
            (TOPIC, {"retention.ms": "600000", "segment.bytes": str(SEGMENT),
                     "file.delete.delay.ms": "0"})]:
        assert made(broker, NewTopic(topic, 1, 1, config=settings)) is None
    # Old ones go at once, with their segments; the youngest segment has a young record.
    an_hour_ago = int(time.time() - 3600) * 1000
    fill(broker, range(200), timestamp=an_hour_ago)
    harness.eventually(lambda: watermarks(broker, TOPIC) == (200, 200),
                       what="a log without its old records")
    fill(broker, range(200, 300), timestamp=an_hour_ago)
    fill(broker, range(300, 400))
    harness.eventually(lambda: earliest(broker) > 200, what="the old segments gone")
    # The last of them may hold young records too. These stay, while others go.
    fill(broker, range(100), "idle")
    harness.eventually(lambda: watermarks(broker, "idle") == (100, 100), what="an empty topic")
    start, end = watermarks(broker, TOPIC)
    assert start <= 300 and end == 400
    expect_all_from(broker, start, 400)
    # The files are gone, too, and what is empty goes on at its next offset, over a kill -9.
    harness.eventually(lambda: broker.segment_sizes("idle") == [0], what="one empty segment")
    broker.kill()
    broker.start()
    assert watermarks(broker, "idle") == (100, 100)
    fill(broker, range(100, 101), "idle")
    harness.eventually(lambda: watermarks(broker, "idle") == (101, 101), what="an empty topic")


def test_deleted_files_wait_for_their_time(make_broker):
    broker = make_broker(OFTEN).start()
    settings = {**SETTINGS, "file.delete.delay.ms": "2000"}
    assert made(broker, NewTopic(TOPIC, 1, 1, config=settings)) is None
    fill(broker, range(500))
    wait_until_small(broker)
    began = time.monotonic()
    waiting = len(files(broker, ".log.deleted"))
    assert waiting > 2
    harness.eventually(lambda: not files(broker, ".deleted"), what="the deleted files gone")
    assert 1 < time.monotonic() - began < 6
    # A kill -9 does not have them lie there for ever.
    fill(broker, range(500, 700))
    harness.eventually(lambda: files(broker, ".deleted"), what="files that wait")
    start = wait_until_small(broker)
    broker.kill()
    broker.start()
    harness.eventually(lambda: not files(broker, ".deleted"), 5, "the deleted files gone")
    expect_all_from(broker, start, 700)


def test_a_reader_inside_a_deleted_segment_goes_on(make_broker):
    broker = make_broker(OFTEN).start()
    make_by_create_topics(broker)
    fill(broker, range(100))
    source = kafka_reading.consumer(broker, **{
        "fetch.message.max.bytes": 4096, "queued.min.messages": 1,
        "queued.max.messages.kbytes": 8, "fetch.queue.backoff.ms": 10})
    try:
        source.assign([TopicPartition(TOPIC, 0, 20)])
        records = kafka_reading.poll_records(source, 10)
        fill(broker, range(100, 500))
        start = wait_until_small(broker)
        while records[-1].offset < 499:
            records += kafka_reading.poll_records(source, 1)
    finally:
        source.close()
    offsets = [record.offset for record in records]
    jumps = [(a, b) for a, b in zip(offsets, offsets[1:]) if b != a + 1]
    assert offsets[0] == 20 and len(jumps) == 1 and jumps[0][1] == start, jumps
    assert all(record.value == payload(record.offset) for record in records)


def test_tail_says_what_it_missed_and_goes_on(make_broker):
    broker = make_broker(OFTEN).start()
    make_by_create_topics(broker)
    fill(broker, range(100))
    with subprocess.Popen(
            [harness.BINARY, "tail", TOPIC, "--from-beginning", "--json", "--kafka", broker.kafka],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tail:
        try:
            # It has read the first ones, and cannot go on before we take them.
            assert select.select([tail.stdout], [], [], 20)[0]
            fill(broker, range(100, 500))
            start = wait_until_small(broker)
            offsets = []
            while not offsets or offsets[-1] < 499:
                offsets.append(json.loads(tail.stdout.readline())["offset"])
        finally:
            tail.terminate()
        said = tail.stderr.read().decode()
    jump = next(a for a, b in zip(offsets, offsets[1:]) if b != a + 1)
    assert offsets == [*range(jump + 1), *range(start, 500)]
    assert f"# partition {TOPIC}-0: offsets {jump + 1} to {start - 1} were deleted" in said


class EdgeReader(threading.Thread):
    """Reads at the log's start, over and over, where segments go while it reads them."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.ending = port, threading.Event()
        self.answers, self.faults = {}, []

    def run(self):
        with raw_kafka.RawKafka(self.port) as kafka:
            while not self.ending.is_set():
                offset = kafka.list_offset(TOPIC, -2)[2]
                for _ in range(8):
                    error, high_watermark, data = kafka.fetch(
                        TOPIC, offset, max_wait_ms=0, partition_bytes=20_000)
                    self.answers[error] = self.answers.get(error, 0) + 1
                    if error:
                        break
                    found = list(raw_kafka.batches(data))
                    if not found and offset < high_watermark:
                        self.faults.append(f"nothing at {offset}, below {high_watermark}")
                    for header, _ in found:
                        if not header.base_offset <= offset <= header.last_offset:
                            self.faults.append(f"{header.base_offset} comes for {offset}")
                        offset = header.last_offset + 1


def test_writing_and_tailing_go_on_while_segments_go(make_broker):
    broker = make_broker(OFTEN).start()
    make_by_create_topics(broker)
    edge = EdgeReader(broker.kafka_port)
    edge.start()
    source = kafka_reading.consumer(broker)
    try:
        source.assign([TopicPartition(TOPIC, 0, 0)])
        tail = []
        for first in range(0, 4000, 50):  # No further ahead of the reader than retention allows.
            fill(broker, range(first, first + 50))
            tail += kafka_reading.poll_records(source, first + 50 - len(tail))
    finally:
        source.close()
        edge.ending.set()
        edge.join(timeout=20)
    assert [record.offset for record in tail] == list(range(4000))
    assert all(record.value == payload(record.offset) for record in tail)
    assert not edge.faults and set(edge.answers) <= {0, OFFSET_OUT_OF_RANGE}, edge.answers
    assert edge.answers[0] > 20
    start = wait_until_small(broker)
    assert start > 3000
    expect_all_from(broker, start, 4000)
    harness.eventually(lambda: len(files(broker, ".log")) <= 4, what="the segments' files gone")
