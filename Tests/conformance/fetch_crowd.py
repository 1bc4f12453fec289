"""A crowd of consumers with fetch sessions, all served by one thread, and a producer beside them."""

import multiprocessing
import selectors
import socket
import struct
import time

import harness
import producing
import raw_fetch
import raw_kafka

VERSION = 11


def crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


CRC_TABLE = crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def stamped_batch(size):
    """One record that ends with the time of its making: eight bytes, then no headers."""
    value = b"." * (size - 8) + struct.pack(">q", time.monotonic_ns())
    record = producing.record(0, None, value)
    covered = struct.pack(">hiqqqhii", 0, 0, 0, 0, -1, -1, -1, 1) + record
    return struct.pack(">qiibI", 0, 9 + len(covered), -1, 2, crc32c(covered)) + covered


def stamp(batch):
    return struct.unpack_from(">q", batch, len(batch) - 9)[0]


class Member:
    """One consumer of the crowd. It checks that each offset comes once, in order."""

    def __init__(self, port, topic, partitions, wait, heard=None):
        self.topic, self.wait, self.heard = topic, wait, heard
        self.next = {number: 0 for number in partitions}
        self.changed = dict(self.next)
        self.session = self.epoch = self.answers = self.empty = self.records = 0
        self.buffer = bytearray()
        self.socket = socket.create_connection((harness.LOOPBACK, port), timeout=30)
        self.socket.setblocking(False)
        self.ask()

    def ask(self):
        wanted = {self.topic: self.changed} if self.changed else {}
        content = raw_fetch.body(VERSION, self.session, self.epoch, wanted, wait=self.wait)
        self.changed = {}
        sent = raw_kafka.request(raw_kafka.FETCH, VERSION, content, self.answers + 1)
        assert self.socket.send(sent) == len(sent)

    def read(self):
        data = self.socket.recv(1 << 16)
        assert data, "the broker closed a consumer's connection"
        self.buffer += data
        if len(self.buffer) < 4:
            return
        length = struct.unpack_from(">i", self.buffer)[0]
        if len(self.buffer) < 4 + length:
            return
        assert len(self.buffer) == 4 + length, "one answer for one request"
        self.take(raw_kafka.Cursor(bytes(self.buffer[4:])))
        self.buffer.clear()
        self.ask()

    def take(self, cursor):
        self.answers += 1
        assert cursor.take("i") == self.answers
        answer = raw_fetch.read(raw_kafka.Cursor(cursor.data[4:]), VERSION)
        assert answer.error == 0 and self.session in (0, answer.session)
        self.session = answer.session
        before = self.records
        for (_, number), found in answer.partitions.items():
            assert found.error == 0
            for header, batch in raw_kafka.batches(found.records):
                assert header.base_offset == self.next[number], "each offset once, in order"
                self.next[number] = self.changed[number] = header.last_offset + 1
                self.records += 1
                if self.heard:
                    self.heard(time.monotonic_ns() - stamp(batch))
        self.empty += self.records == before
        if self.session:
            self.epoch += 1
        else:
            self.changed = dict(self.next)  # There was no room for a session: all again.


def serve(members, is_done, seconds):
    """Serves all members until `is_done()`."""
    deadline = time.monotonic() + seconds
    with selectors.EpollSelector() as selector:
        for member in members:
            selector.register(member.socket, selectors.EVENT_READ, member)
        while not is_done():
            assert time.monotonic() < deadline, "the crowd has not heard all"
            for key, _ in selector.select(0.05):
                key.data.read()


def produce(port, targets, rate, count, size):
    """Sends `count` records one by one, in turn to each (topic, partition) of `targets`."""
    with socket.create_connection((harness.LOOPBACK, port), timeout=30) as one:
        buffer = bytearray()
        answers = 0

        def listen(until):
            nonlocal answers
            while answers < count:
                left = until - time.monotonic()
                if left <= 0:
                    return
                one.settimeout(left)
                try:
                    data = one.recv(1 << 16)
                except (TimeoutError, socket.timeout):
                    return
                assert data, "the broker closed the producer's connection"
                buffer.extend(data)
                while len(buffer) >= 4 and len(buffer) >= 4 + struct.unpack_from(">i", buffer)[0]:
                    del buffer[:4 + struct.unpack_from(">i", buffer)[0]]
                    answers += 1

        start = time.monotonic()
        for sent in range(count):
            listen(start + sent / rate)
            topic, partition = targets[sent % len(targets)]
            records = stamped_batch(size)
            content = (struct.pack(">hhii", -1, -1, 30_000, 1) + raw_kafka.text(topic)
                       + struct.pack(">iii", 1, partition, len(records)) + records)
            one.settimeout(30)
            one.sendall(raw_kafka.request(raw_kafka.PRODUCE, 7, content, sent))
        listen(time.monotonic() + 30)
        assert answers == count, f"{answers} of {count} records were acknowledged"


def producer(*arguments):
    """The same in a process of its own, which is started."""
    process = multiprocessing.get_context("spawn").Process(target=produce, args=arguments)
    process.start()
    return process
