"""The soak's reader: follows one topic as a Kafka client, and checks the order of each key.

usage: soak_reader.py KAFKA_PORT TOPIC PARTITIONS REPORT

It reads until its stdin closes and everything up to the high watermarks of then is read. REPORT
gets `{"last": {key: n}, "records": count, "faults": [...]}`.
"""

import json
import select
import sys

import confluent_kafka

FAULTS_MAX = 20


class KeyOrder:
    """Each key's numbers must come as 1, 2, 3, ..."""

    def __init__(self):
        self.last, self.records, self.faults = {}, 0, []

    def note(self, where, value):
        record = json.loads(value)
        key, number = record["key"], record["n"]
        expected = self.last.get(key, 0) + 1
        if number != expected:
            self.fault(f"{where}: {key} goes on with {number} instead of {expected}")
        self.last[key] = max(number, expected - 1)
        self.records += 1

    def fault(self, words):
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(words)


class OffsetOrder:
    """Each partition's offsets must come without a hole."""

    def __init__(self, order):
        self.order, self.next = order, {}

    def note(self, message):
        partition, offset = message.partition(), message.offset()
        expected = self.next.get(partition, offset)
        if offset != expected:
            self.order.fault(f"partition {partition}: offset {offset} instead of {expected}")
        self.next[partition] = offset + 1
        self.order.note(f"partition {partition}, offset {offset}", message.value())


def read(source, topic, partitions):
    order = KeyOrder()
    offsets = OffsetOrder(order)
    source.assign([confluent_kafka.TopicPartition(topic, number, 0)
                   for number in range(partitions)])
    ends = None
    while ends is None or any(offsets.next.get(p, 0) < end for p, end in ends.items()):
        for message in source.consume(2_000, timeout=0.1):
            if message.error():
                order.fault(str(message.error()))
            else:
                offsets.note(message)
        if ends is None and select.select([sys.stdin], [], [], 0)[0]:
            ends = {number: source.get_watermark_offsets(
                confluent_kafka.TopicPartition(topic, number), timeout=30)[1]
                for number in range(partitions)}
    return order


def main(port, topic, partitions, report):
    source = confluent_kafka.Consumer({
        "bootstrap.servers": f"127.0.0.1:{port}", "group.id": "soak", "check.crcs": True,
        "enable.auto.commit": False, "auto.offset.reset": "error",
        "broker.address.family": "v4"})
    order = read(source, topic, int(partitions))
    source.close()
    with open(report, "w", encoding="utf-8") as file:
        json.dump({"last": order.last, "records": order.records, "faults": order.faults}, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
