"""Fetch with sessions (KIP-227), byte by byte: version 11 with names, version 13 with topic ids."""

import collections
import struct

import raw_kafka

UNKNOWN_TOPIC, SESSION_NOT_FOUND, INVALID_SESSION_EPOCH, SESSION_TOPIC_ID_ERROR = 3, 70, 71, 106
UNKNOWN_TOPIC_ID, OFFSET_OUT_OF_RANGE, FENCED_EPOCH, UNKNOWN_EPOCH = 100, 1, 74, 75
OFFSET_FOR_LEADER_EPOCH = 23

Answer = collections.namedtuple("Answer", "error session partitions")
Partition = collections.namedtuple("Partition", "error high_watermark log_start records")


def compact(value):
    """An unsigned varint."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def body(version, session, epoch, wanted, forgotten=(), wait=0, min_bytes=1, max_bytes=1 << 20,
         partition_bytes=1 << 20):
    """`wanted` is {topic: {partition: offset}}, `forgotten` {topic: [partition]}; from version 13
    on a topic is its id's 16 bytes."""
    flexible = version >= 12

    def count(number):
        return compact(number + 1) if flexible else struct.pack(">i", number)

    def name(topic):
        return topic if version >= 13 else raw_kafka.text(topic)

    tags = b"\x00" if flexible else b""
    out = bytearray(struct.pack(">iiii", -1, wait, min_bytes, max_bytes)) + b"\x00"
    out += struct.pack(">ii", session, epoch) + count(len(wanted))
    for topic, partitions in wanted.items():
        out += name(topic) + count(len(partitions))
        for number, offset in partitions.items():
            out += struct.pack(">iiq", number, -1, offset)
            out += struct.pack(">i", -1) if flexible else b""
            out += struct.pack(">qi", -1, partition_bytes) + tags
        out += tags
    forgotten = dict(forgotten)
    out += count(len(forgotten))
    for topic, numbers in forgotten.items():
        out += name(topic) + count(len(numbers))
        out += b"".join(struct.pack(">i", number) for number in numbers) + tags
    return bytes(out + (b"\x01\x00" if flexible else b"\x00\x00"))


def varint(cursor):
    value = shift = 0
    while True:
        byte = cursor.take("B")
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value


def read(cursor, version):
    """An answer; its partitions are {(topic, number): Partition}, in their order."""
    flexible = version >= 12

    def count():
        return varint(cursor) - 1 if flexible else cursor.take("i")

    def end():
        if flexible:
            assert varint(cursor) == 0, "no tagged field is expected"

    _, error, session = cursor.take("ihi")
    found = {}
    for _ in range(count()):
        topic = cursor.take("16s") if version >= 13 else cursor.text()
        for _ in range(count()):
            number, code, high_watermark, stable, log_start = cursor.take("ihqqq")
            assert stable == high_watermark
            assert count() == -1, "no aborted transactions for a reader of everything"
            assert cursor.take("i") == -1, "no preferred read replica"
            length = max(count(), 0)
            records = cursor.data[cursor.at:cursor.at + length]
            assert len(records) == length
            cursor.at += length
            end()
            assert (topic, number) not in found
            found[topic, number] = Partition(code, high_watermark, log_start, records)
        end()
    end()
    assert cursor.at == len(cursor.data), "the answer ends with its last field"
    return Answer(error, session, found)


def request(version, content, correlation):
    """A frame whose header is of the form that the version wants."""
    frame = raw_kafka.request(raw_kafka.FETCH, version, content, correlation)
    if version < 12:
        return frame
    head = struct.pack(">hhi", raw_kafka.FETCH, version, correlation) + raw_kafka.text("session")
    head += b"\x00"
    return struct.pack(">i", len(head) + len(content)) + head + content


def send(kafka, version, *arguments, **options):
    kafka.correlation += 1
    kafka.socket.sendall(request(version, body(version, *arguments, **options), kafka.correlation))


def receive(kafka, version):
    answer = kafka.receive()
    assert answer is not None, "the broker closed the connection"
    assert struct.unpack_from(">i", answer)[0] == kafka.correlation
    return read(raw_kafka.Cursor(answer[5 if version >= 12 else 4:]), version)


def fetch(kafka, version, *arguments, **options):
    send(kafka, version, *arguments, **options)
    return receive(kafka, version)


def epoch_end(kafka, topic, epoch, believing=-1, partition=0):
    """OffsetForLeaderEpoch version 2, librdkafka's: (error, leader epoch, end offset)."""
    answer = kafka.call(OFFSET_FOR_LEADER_EPOCH, 2, struct.pack(">i", 1) + raw_kafka.text(topic)
                        + struct.pack(">iiii", 1, partition, believing, epoch))
    answer.take("i")
    assert answer.take("i") == 1 and answer.text() == topic and answer.take("i") == 1
    error, number, leader_epoch, end = answer.take("hiiq")
    assert number == partition and answer.at == len(answer.data)
    return error, leader_epoch, end
