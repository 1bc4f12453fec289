"""Reads a topic to its end with confluent-kafka, without a consumer group."""

import collections

import confluent_kafka

import harness

Record = collections.namedtuple("Record", "offset timestamp key value headers leader_epoch")


def consumer(broker, **settings):
    return confluent_kafka.Consumer({
        "bootstrap.servers": broker.kafka, "group.id": "unused", "enable.auto.commit": False,
        "auto.offset.reset": "earliest", "check.crcs": True, "fetch.wait.max.ms": 100,
        "broker.address.family": "v4", **settings})


def record_of(message):
    assert message.error() is None, message.error()
    return Record(message.offset(), message.timestamp()[1], message.key(), message.value(),
                  message.headers() or [], message.leader_epoch())


def poll_records(source, count, seconds=15):
    """Polls until `count` records have come."""
    records = []

    def enough():
        for message in source.consume(max(1, count - len(records)), timeout=0.2):
            records.append(record_of(message))
        return len(records) >= count

    try:
        harness.eventually(enough, seconds, f"{count} records")
    except AssertionError as error:
        raise AssertionError(f"{error} (got {len(records)})") from None
    return records


def wait_for_records(broker, count, topic="mqtt", seconds=20):
    """The first `count` records."""
    source = consumer(broker)
    try:
        source.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
        return poll_records(source, count, seconds)
    finally:
        source.close()


def read_all(broker, topic="mqtt", seconds=60):
    """All records up to the high watermark of now."""
    source = consumer(broker)
    try:
        partition = confluent_kafka.TopicPartition(topic, 0, 0)
        _, end = source.get_watermark_offsets(partition, timeout=10)
        source.assign([partition])
        return poll_records(source, end, seconds) if end else []
    finally:
        source.close()


def read_to_end(broker, topic="mqtt", partition=0, offset=confluent_kafka.OFFSET_BEGINNING,
                seconds=30):
    """All records from there to the end, as far as it reaches when the reader gets to it. Needs no
    offset to be there: retention and gaps may have taken any of them."""
    source = consumer(broker, **{"enable.partition.eof": True})
    records = []

    def is_at_end():
        for message in source.consume(500, timeout=0.2):
            error = message.error()
            if error and error.code() == confluent_kafka.KafkaError._PARTITION_EOF:
                return True
            records.append(record_of(message))
        return False

    try:
        source.assign([confluent_kafka.TopicPartition(topic, partition, offset)])
        harness.eventually(is_at_end, seconds, f"the end of {topic}-{partition}")
        return records
    finally:
        source.close()


def watermarks(broker, topic="mqtt", partition=0):
    """The log start offset and the high watermark."""
    source = consumer(broker)
    try:
        return source.get_watermark_offsets(
            confluent_kafka.TopicPartition(topic, partition), timeout=10)
    finally:
        source.close()
