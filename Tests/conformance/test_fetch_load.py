"""Hundreds of consumers at different places of one log: fast, stalled, dead and cold ones."""

import os
import random
import selectors
import socket
import struct
import threading
import time

import confluent_kafka

import harness
import kafka_reading
import publishing
import raw_kafka

PAYLOAD_BYTES = 300


def publish(broker, count, client="filler"):
    """Messages that do not compress, so that there are many segments."""
    publishing.publish(
        broker, ((f"s/{n % 50}", os.urandom(PAYLOAD_BYTES)) for n in range(count)), client,
        window=500)


def end_of(broker):
    with raw_kafka.RawKafka(broker.kafka_port) as kafka:
        return kafka.list_offset("mqtt", -1)[2]


class Follower:
    """A consumer of one loop's thousand: fetches from `start` on, and checks every offset."""

    def __init__(self, port, start, fetch_bytes):
        self.next = self.start = start
        self.fetch_bytes = fetch_bytes
        self.fetches = 0
        self.buffer = bytearray()
        self.socket = socket.create_connection((harness.LOOPBACK, port), timeout=30)
        self.socket.setblocking(False)
        self.ask()

    def ask(self):
        self.fetches += 1
        body = raw_kafka.fetch_body("mqtt", self.next, 500, self.fetch_bytes, self.fetch_bytes)
        sent = self.socket.send(raw_kafka.request(raw_kafka.FETCH, 4, body, self.fetches))
        assert sent > 0

    def read(self):
        data = self.socket.recv(1 << 18)
        assert data, f"the broker closed the connection of a consumer at {self.next}"
        self.buffer += data
        if len(self.buffer) < 4:
            return
        length = struct.unpack_from(">i", self.buffer)[0]
        if len(self.buffer) < 4 + length:
            return
        assert len(self.buffer) == 4 + length, "one answer for one request"
        self.take(bytes(self.buffer[4:]))
        self.buffer.clear()
        self.ask()

    def take(self, answer):
        cursor = raw_kafka.Cursor(answer)
        assert cursor.take("i") == self.fetches
        cursor.take("i")
        assert cursor.take("i") == 1 and cursor.text() == "mqtt" and cursor.take("i") == 1
        _, error, high_watermark, _ = cursor.take("ihqq")
        assert error == 0
        cursor.take("i")
        records = cursor.data[cursor.at + 4:cursor.at + 4 + max(cursor.take("i"), 0)]
        for header, _ in raw_kafka.batches(records):
            if self.next == self.start:
                assert header.base_offset <= self.next <= header.last_offset
            else:
                assert header.base_offset == self.next, "each offset once, in order"
            self.next = header.last_offset + 1
        assert self.next <= high_watermark


def follow(followers, is_done, seconds):
    """Serves all followers until `is_done()`."""
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for follower in followers:
            selector.register(follower.socket, selectors.EVENT_READ, follower)
        while not is_done():
            behind = sorted(follower.next for follower in followers)[:5]
            assert time.monotonic() < deadline, f"consumers stand at {behind}"
            for key, _ in selector.select(0.2):
                key.data.read()


def stall(port, start, count):
    """Consumers that ask for much and read nothing."""
    sockets = []
    for _ in range(count):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.connect((harness.LOOPBACK, port))
        body = raw_kafka.fetch_body("mqtt", start, 500, 8 << 20, 8 << 20)
        one.sendall(raw_kafka.request(raw_kafka.FETCH, 4, body))
        sockets.append(one)
    return sockets


def forget_pages(broker):
    """Drops the log's files from the page cache."""
    folder = broker.partition()
    for name in os.listdir(folder):
        descriptor = os.open(os.path.join(folder, name), os.O_RDONLY)
        try:
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def reader_threads(broker):
    tasks = f"/proc/{broker.pid}/task"
    names = [harness.read_text(f"{tasks}/{task}/comm").strip() for task in os.listdir(tasks)]
    return [name for name in names if name.startswith("headwater-read")]


def test_every_consumer_sees_each_offset_once_beside_stalled_ones(make_broker):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    broker = make_broker("log.segment.bytes=256KiB", "mqtt.packet.bytes.max=64KiB").start()
    publish(broker, 6_000)
    end = end_of(broker)
    assert len([n for n in os.listdir(broker.partition()) if n.endswith(".log")]) > 5
    stalled = stall(broker.kafka_port, 0, 20)
    dead = stall(broker.kafka_port, 0, 20)
    followers = [
        Follower(broker.kafka_port, chance.randrange(end + 1), chance.choice([1, 4096, 1 << 18]))
        for _ in range(200)]
    for one in dead:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.close()
    writer = threading.Thread(target=publish, args=(broker, 3_000, "beside"))
    writer.start()
    total = end + 3_000
    follow(followers, lambda: all(one.next == total for one in followers), 90)
    writer.join(30)
    for one in stalled:
        one.close()
    for one in followers:
        one.socket.close()


def test_clients_at_different_places_read_while_messages_come(make_broker):
    broker = make_broker("log.segment.bytes=256KiB", "mqtt.packet.bytes.max=64KiB").start()
    publish(broker, 4_000)
    sources = []
    for start in range(0, 4_000, 400):
        source = kafka_reading.consumer(broker)
        source.assign([confluent_kafka.TopicPartition("mqtt", 0, start)])
        sources.append((source, start))
    writer = threading.Thread(target=publish, args=(broker, 1_000, "beside"))
    writer.start()
    try:
        for source, start in sources:
            records = kafka_reading.poll_records(source, 5_000 - start, 40)
            assert [record.offset for record in records] == list(range(start, 5_000))
    finally:
        for source, _ in sources:
            source.close()
        writer.join(30)


def test_what_left_the_page_cache_is_read_whole_and_by_reader_threads(make_broker):
    broker = make_broker("log.segment.bytes=1MiB").start()
    publish(broker, 12_000)
    stored = broker.log_bytes()
    assert not reader_threads(broker), "threads start with the first cold read"
    forget_pages(broker)
    data, end = raw_kafka.fetch_all(broker.kafka_port)
    assert end == 12_000 and data == stored
    assert reader_threads(broker)
    forget_pages(broker)
    with raw_kafka.RawKafka(broker.kafka_port) as kafka:
        error, _, offset = kafka.list_offset("mqtt", 0)
        assert (error, offset) == (0, 0)
    followers = [Follower(broker.kafka_port, n * 100, 1 << 16) for n in range(100)]
    forget_pages(broker)
    follow(followers, lambda: all(one.next == end for one in followers), 90)
    for one in followers:
        one.socket.close()
