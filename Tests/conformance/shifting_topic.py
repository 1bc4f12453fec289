"""A topic that is made, filled and deleted while its broker is killed, and what must be true of it."""

import contextlib

import confluent_kafka
from confluent_kafka.admin import AdminClient, NewTopic

import kafka_reading


class ShiftingTopic:
    """One topic that is made, filled and deleted; each life of it has a number."""

    NAME = "shifting"

    def __init__(self, broker, rng):
        self.broker, self.rng = broker, rng
        self.life = 0
        self.stored = set()  # (life, record) that were acknowledged
        self.may_exist, self.must_exist = False, False
        self.faults = []
        self.changes = 0

    def change(self):
        """One change, which a kill may cut short: only its acknowledgement makes it certain."""
        with contextlib.suppress(confluent_kafka.KafkaException):
            client = AdminClient({
                "bootstrap.servers": self.broker.kafka, "broker.address.family": "v4",
                "log_level": 0})
            if self.may_exist:
                self.must_exist = False
                client.delete_topics([self.NAME], operation_timeout=5, request_timeout=5)[
                    self.NAME].result(timeout=6)
                self.may_exist = False
            else:
                self.life += 1
                self.stored = set()
                self.may_exist = True
                topic = NewTopic(self.NAME, self.rng.randrange(1, 4), 1)
                client.create_topics([topic], operation_timeout=5, request_timeout=5)[
                    self.NAME].result(timeout=6)
                self.must_exist = True
                self.fill()
            self.changes += 1

    def fill(self):
        producer = confluent_kafka.Producer({
            "bootstrap.servers": self.broker.kafka, "message.timeout.ms": 2000, "log_level": 0,
            "allow.auto.create.topics": False})
        life = self.life
        for number in range(50):
            producer.produce(self.NAME, b"%d %d" % (life, number), callback=lambda error, message:
                             error or self.stored.add(message.value()))
        producer.flush(3)

    def check(self):
        """After a start: as it was acknowledged, with nothing of an earlier life."""
        records = self.stored_now()
        if records is None:
            if self.must_exist:
                self.faults.append(f"life {self.life} of the topic is gone")
            self.may_exist = self.must_exist = False
            return
        if not self.may_exist:
            self.faults.append(f"life {self.life} of the topic is back after its deletion")
        self.may_exist = self.must_exist = True
        if len(records) != len(set(records)) or not self.stored <= set(records) or any(
                int(value.split(b" ")[0]) != self.life for value in records):
            self.faults.append(f"life {self.life}: {len(records)} records, {len(self.stored)} "
                               f"acknowledged; first {records[:2]}")

    def stored_now(self):
        """All its records; None when there is no such topic."""
        client = AdminClient({"bootstrap.servers": self.broker.kafka, "log_level": 0})
        found = client.list_topics(timeout=10).topics.get(self.NAME)
        return found and [
            record.value for partition in found.partitions
            for record in kafka_reading.read_to_end(self.broker, self.NAME, partition)]
