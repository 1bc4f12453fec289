"""Record batches as a producer builds them, byte by byte, and a raw Produce request."""

import struct

import raw_kafka

CORRUPT_MESSAGE, UNKNOWN_TOPIC, MESSAGE_TOO_LARGE, INVALID_TOPIC = 2, 3, 10, 17
INVALID_REQUIRED_ACKS, UNSUPPORTED_FOR_MESSAGE_FORMAT, INVALID_RECORD = 21, 43, 87


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def varint(value):
    value = value << 1 if value >= 0 else (-value << 1) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def record(delta, key, value):
    def field(data):
        return varint(-1) if data is None else varint(len(data)) + data
    body = b"\x00" + varint(0) + varint(delta) + field(key) + field(value) + varint(0)
    return varint(len(body)) + body


def batch(values, timestamp, base_offset=0, attributes=0, producer=(-1, -1, -1), magic=2):
    """One batch with a record for each value, uncompressed."""
    records = b"".join(record(delta, None, value) for delta, value in enumerate(values))
    covered = struct.pack(">hiqqqhii", attributes, len(values) - 1, timestamp, timestamp,
                          *producer, len(values)) + records
    return struct.pack(">qiibI", base_offset, 9 + len(covered), -1, magic,
                       crc32c(covered)) + covered


def produce(kafka, topic, records, partition=0, acks=-1, version=7):
    """One Produce request: (error code, base offset)."""
    body = (struct.pack(">hhii", -1, acks, 5000, 1) + raw_kafka.text(topic)
            + struct.pack(">iii", 1, partition, len(records)) + records)
    answer = kafka.call(raw_kafka.PRODUCE, version, body)
    assert answer.take("i") == 1 and answer.text() == topic and answer.take("i") == 1
    _, error, base_offset, _, _ = answer.take("ihqqq")
    return error, base_offset
