"""Consumers of a group, each in a thread that polls: what they have, and what they were given."""

import threading

import confluent_kafka
from confluent_kafka.admin import AdminClient, NewTopic

import harness


def admin(broker):
    return AdminClient({"bootstrap.servers": broker.kafka, "broker.address.family": "v4"})


def make_topic(broker, name, partitions):
    client = admin(broker)
    for future in client.create_topics([NewTopic(name, partitions)]).values():
        future.result(10)


def delete_topic(broker, name):
    client = admin(broker)
    for future in client.delete_topics([name]).values():
        future.result(10)


def producer(broker):
    return confluent_kafka.Producer({
        "bootstrap.servers": broker.kafka, "broker.address.family": "v4", "linger.ms": 2})


def describe(broker, group):
    client = admin(broker)
    return client.describe_consumer_groups([group])[group].result(10)


class Member:
    """One confluent-kafka consumer that polls until it is closed or abandoned."""

    def __init__(self, broker, group, topics, **settings):
        self.assigned = set()
        self.values = []
        self.revocations = 0
        self.assignments = 0
        self.lost = 0
        self.errors = []
        self.lock = threading.Lock()
        self.pausing = threading.Event()
        self.ending = threading.Event()
        self.leaves = True
        self.consumer = confluent_kafka.Consumer({
            "bootstrap.servers": broker.kafka, "broker.address.family": "v4", "group.id": group,
            "auto.offset.reset": "earliest", "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 300, "fetch.wait.max.ms": 100,
            "topic.metadata.refresh.interval.ms": 500, "allow.auto.create.topics": False,
            "error_cb": self.on_error, **settings})
        self.cooperative = settings.get("partition.assignment.strategy") == "cooperative-sticky"
        self.consumer.subscribe(topics, on_assign=self.on_assign, on_revoke=self.on_revoke,
                                on_lost=self.on_lost)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def on_error(self, error):
        self.errors.append(error)

    def on_assign(self, consumer, partitions):
        with self.lock:
            self.assignments += 1
            given = {(one.topic, one.partition) for one in partitions}
            self.assigned = self.assigned | given if self.cooperative else given

    def on_revoke(self, consumer, partitions):
        with self.lock:
            self.revocations += 1
            self.assigned -= {(one.topic, one.partition) for one in partitions}

    def on_lost(self, consumer, partitions):
        with self.lock:
            self.lost += 1
            self.assigned -= {(one.topic, one.partition) for one in partitions}

    def run(self):
        while not self.ending.is_set():
            if self.pausing.is_set():
                self.ending.wait(0.05)
                continue
            message = self.consumer.poll(0.05)
            if message is None:
                continue
            if message.error() is not None:
                self.errors.append(message.error())
            else:
                with self.lock:
                    self.values.append((message.topic(), message.partition(), message.offset(),
                                        message.value()))
        if self.leaves:
            self.consumer.close()

    def close(self):
        self.ending.set()
        self.thread.join(20)
        assert not self.thread.is_alive(), "a consumer does not close"


def shares(members):
    """What each has, if every partition has one owner; else nothing."""
    owned = [frozenset(member.assigned) for member in members]
    together = set().union(*owned)
    return owned if len(together) == sum(map(len, owned)) else None


def wait_for_shares(members, sizes, topic_partitions, seconds=30):
    """Waits until all partitions are shared out in parts of these sizes."""
    def settled():
        owned = shares(members)
        return owned is not None and len(set().union(*owned)) == topic_partitions \
            and sorted(map(len, owned)) == sorted(sizes)
    try:
        harness.eventually(settled, seconds, f"shares of {sizes}")
    except AssertionError as error:
        owned = [sorted(member.assigned) for member in members]
        failures = [member.errors for member in members]
        raise AssertionError(f"{error}: {owned} {failures}") from None
