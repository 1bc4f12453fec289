"""A small Kafka client over a socket, which hands out a fetch's bytes untouched."""

import socket
import struct

PRODUCE, FETCH, LIST_OFFSETS, METADATA, API_VERSIONS = 0, 1, 2, 3, 18
INIT_PRODUCER_ID = 22


def text(value):
    data = value.encode()
    return struct.pack(">h", len(data)) + data


def request(api, version, body, correlation=1, client="conformance"):
    """A frame with request header v1, which all versions that are not flexible have."""
    head = struct.pack(">hhi", api, version, correlation) + text(client)
    return struct.pack(">i", len(head) + len(body)) + head + body


def fetch_body(topic, offset, max_wait_ms=500, max_bytes=1 << 20, partition_bytes=1 << 20,
               partition=0):
    """Fetch, version 4."""
    return (struct.pack(">iiiibi", -1, max_wait_ms, 1, max_bytes, 0, 1) + text(topic)
            + struct.pack(">iiqi", 1, partition, offset, partition_bytes))


class Cursor:
    """Reads big-endian fields one after the other."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, form):
        values = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return values[0] if len(values) == 1 else values

    def text(self):
        length = self.take("h")
        value = self.data[self.at:self.at + length].decode()
        self.at += length
        return value


class RawKafka:
    def __init__(self, port, seconds=15, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), timeout=seconds)
        self.buffer = bytearray()
        self.correlation = 0

    def call(self, api, version, body):
        """Sends one request, and returns its answer behind the correlation id."""
        self.correlation += 1
        self.socket.sendall(request(api, version, body, self.correlation))
        answer = self.receive()
        assert answer is not None, "the broker closed the connection"
        assert struct.unpack_from(">i", answer)[0] == self.correlation
        return Cursor(answer[4:])

    def receive(self):
        """The next frame without its length; None at the end of the stream."""
        while True:
            if len(self.buffer) >= 4:
                length = struct.unpack_from(">i", self.buffer)[0]
                if len(self.buffer) >= 4 + length:
                    frame = bytes(self.buffer[4:4 + length])
                    del self.buffer[:4 + length]
                    return frame
            try:
                data = self.socket.recv(1 << 18)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self.buffer += data

    def fetch(self, topic, offset, **options):
        """One Fetch: (error code, high watermark, the records' bytes)."""
        answer = self.call(FETCH, 4, fetch_body(topic, offset, **options))
        answer.take("i")  # throttle time
        assert answer.take("i") == 1 and answer.text() == topic and answer.take("i") == 1
        _, error, high_watermark, _ = answer.take("ihqq")
        aborted = answer.take("i")
        answer.at += 16 * max(aborted, 0)
        length = max(answer.take("i"), 0)
        records = answer.data[answer.at:answer.at + length]
        assert len(records) == length
        return error, high_watermark, records

    def list_offset(self, topic, timestamp, partition=0):
        """ListOffsets version 1: (error, timestamp, offset). -1 is the end, -2 the start."""
        answer = self.call(LIST_OFFSETS, 1, struct.pack(">ii", -1, 1) + text(topic)
                           + struct.pack(">iiq", 1, partition, timestamp))
        assert answer.take("i") == 1 and answer.text() == topic and answer.take("i") == 1
        _, error, found, offset = answer.take("ihqq")
        return error, found, offset

    def metadata(self):
        """Metadata version 1 of all topics: (brokers, controller, topics' names)."""
        answer = self.call(METADATA, 1, struct.pack(">i", -1))
        brokers = []
        for _ in range(answer.take("i")):
            node, host, port = answer.take("i"), answer.text(), answer.take("i")
            rack = answer.take("h")
            answer.at += max(rack, 0)
            brokers.append((node, host, port))
        controller = answer.take("i")
        topics = []
        for _ in range(answer.take("i")):
            answer.take("h")
            topics.append(answer.text())
            answer.take("b")
            for _ in range(answer.take("i")):
                answer.take("hii")
                for _ in range(2):
                    count = answer.take("i")
                    answer.at += 4 * count
        return brokers, controller, topics

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class BatchHeader:
    """The header of a RecordBatch, version 2, as Kafka lays it out."""

    SIZE = 61

    def __init__(self, data, at):
        fields = struct.unpack_from(">qiibIhiqqqhii", data, at)
        self.base_offset, length, self.leader_epoch, self.magic = fields[:4]
        self.crc, self.attributes, delta = fields[4:7]
        self.base_timestamp, self.max_timestamp = fields[7:9]
        self.record_count = fields[12]
        self.size = 12 + length
        self.last_offset = self.base_offset + delta
        self.codec = self.attributes & 7  # 4 is zstd


def batches(data):
    """The headers of all whole batches, with their bytes."""
    at = 0
    while at + BatchHeader.SIZE <= len(data):
        header = BatchHeader(data, at)
        if header.size <= 12 or at + header.size > len(data) or header.magic != 2:
            return
        yield header, data[at:at + header.size]
        at += header.size


def fetch_all(port, topic="mqtt", partition_bytes=1 << 20):
    """All whole batches from the start up to the high watermark: (bytes, high watermark)."""
    pieces = []
    offset = 0
    with RawKafka(port) as kafka:
        while True:
            error, high_watermark, records = kafka.fetch(
                topic, offset, partition_bytes=partition_bytes)
            assert error == 0, f"fetch at {offset} answers error {error}"
            found = list(batches(records))
            for header, data in found:
                pieces.append(data)
                offset = header.last_offset + 1
            if offset >= high_watermark:
                return b"".join(pieces), high_watermark
            assert found, f"no whole batch at {offset}, below the high watermark {high_watermark}"
