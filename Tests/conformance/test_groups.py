"""Consumer groups as librdkafka's, kafka-python's and kcat's consumers live in them."""

import os
import signal
import subprocess
import sys
import textwrap
import threading

import confluent_kafka
import kafka
import pytest
from confluent_kafka import ConsumerGroupState, ConsumerGroupType

import group_members
import harness
from group_members import Member, describe, make_topic, wait_for_shares

PARTITIONS = 6


@pytest.fixture
def groups(make_broker):
    """A broker whose groups notice a dead member soon, with a topic of six partitions."""
    broker = make_broker("group.min.session.timeout.ms=1000").start()
    make_topic(broker, "t", PARTITIONS)
    return broker


@pytest.fixture
def members(groups):
    """Starts members, and closes those that are left."""
    started = []

    def start(group="g", topics=("t",), **settings):
        started.append(Member(groups, group, list(topics), **settings))
        return started[-1]

    yield start
    for member in started:
        if member.thread.is_alive():
            member.pausing.clear()
            member.close()


class Flow:
    """Produces numbered records to every partition, for as long as it is open."""

    def __init__(self, broker, topic="t"):
        self.producer = group_members.producer(broker)
        self.topic = topic
        self.count = 0
        self.failed = []
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.ending.is_set():
            for partition in range(PARTITIONS):
                self.producer.produce(self.topic, str(self.count), partition=partition,
                                      on_delivery=self.delivered)
                self.count += 1
            self.producer.poll(0)
            self.ending.wait(0.01)
        assert self.producer.flush(20) == 0

    def delivered(self, error, message):
        if error is not None:
            self.failed.append(error)

    def close(self):
        self.ending.set()
        self.thread.join(30)
        assert not self.failed
        return self.count


@pytest.mark.parametrize("strategy", ["range", "roundrobin", "cooperative-sticky"])
def test_members_come_and_go_while_records_flow(groups, members, strategy):
    flow = Flow(groups)
    settings = {"partition.assignment.strategy": strategy}
    first = members(**settings)
    wait_for_shares([first], [6], PARTITIONS)
    second = members(**settings)
    wait_for_shares([first, second], [3, 3], PARTITIONS)
    third = members(**settings)
    wait_for_shares([first, second, third], [2, 2, 2], PARTITIONS)
    second.close()
    wait_for_shares([first, third], [3, 3], PARTITIONS)
    count = flow.close()

    def all_read():
        seen = {value[:3] for member in (first, second, third) for value in list(member.values)}
        return len(seen) == count
    harness.eventually(all_read, 20, f"{count} records")


def test_a_cooperative_member_keeps_what_it_need_not_give_up(groups, members):
    settings = {"partition.assignment.strategy": "cooperative-sticky"}
    first = members(**settings)
    wait_for_shares([first], [6], PARTITIONS)
    before = set(first.assigned)
    second = members(**settings)
    wait_for_shares([first, second], [3, 3], PARTITIONS)
    assert first.assigned < before
    assert first.revocations == 1 and first.lost == 0
    assert second.revocations == 0


def test_several_that_start_together_share_at_once(groups, members):
    started = [members() for _ in range(4)]
    wait_for_shares(started, [1, 1, 2, 2], PARTITIONS)
    assert max(member.assignments for member in started) <= 2


def test_a_static_member_bounces_without_a_rebalance(groups, members):
    stays = members(**{"group.instance.id": "stays"})
    bounces = members(**{"group.instance.id": "bounces"})
    wait_for_shares([stays, bounces], [3, 3], PARTITIONS)
    before, assignments = set(bounces.assigned), stays.assignments
    bounces.close()
    back = members(**{"group.instance.id": "bounces"})
    wait_for_shares([stays, back], [3, 3], PARTITIONS)
    assert back.assigned == before
    assert stays.assignments == assignments and stays.revocations == 0
    assert describe(groups, "g").state == ConsumerGroupState.STABLE


def test_a_second_process_with_an_instance_id_fences_the_first(groups, members):
    first = members(**{"group.instance.id": "one"})
    wait_for_shares([first], [6], PARTITIONS)
    second = members(**{"group.instance.id": "one"})
    wait_for_shares([second], [6], PARTITIONS)
    harness.eventually(
        lambda: any(error.code() == confluent_kafka.KafkaError._FATAL
                    or error.code() == confluent_kafka.KafkaError.FENCED_INSTANCE_ID
                    for error in first.errors), 15, "the first one's fencing")


def test_topics_that_match_are_picked_up_when_they_are_made(groups, members):
    member = members(topics=["^sensor-.*"])
    make_topic(groups, "sensor-a", 2)
    wait_for_shares([member], [2], 2)
    make_topic(groups, "sensor-b", 3)
    wait_for_shares([member], [5], 5)
    assert {topic for topic, _ in member.assigned} == {"sensor-a", "sensor-b"}


def test_a_topic_that_is_deleted_is_given_up(groups, members):
    make_topic(groups, "u", 2)
    one, other = members(topics=["^[tu]$"]), members(topics=["^[tu]$"])
    wait_for_shares([one, other], [4, 4], 8)
    group_members.delete_topic(groups, "u")
    wait_for_shares([one, other], [3, 3], PARTITIONS)


SLEEPER = textwrap.dedent("""
    import sys
    import confluent_kafka
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": sys.argv[1], "group.id": "g", "session.timeout.ms": 1000,
        "heartbeat.interval.ms": 200, "auto.offset.reset": "earliest"})
    consumer.subscribe(["t"], on_assign=lambda _, given: print(len(given), flush=True))
    while True:
        consumer.poll(0.1)
""")


def test_a_killed_member_expires(groups, members):
    stays = members()
    wait_for_shares([stays], [6], PARTITIONS)
    with subprocess.Popen([sys.executable, "-c", SLEEPER, groups.kafka],
                          stdout=subprocess.PIPE) as dies:
        assert dies.stdout.readline() == b"3\n"
        harness.eventually(lambda: len(stays.assigned) == 3, 10, "half for each")
        os.kill(dies.pid, signal.SIGKILL)
    wait_for_shares([stays], [6], PARTITIONS)


def test_a_member_that_does_not_poll_leaves(groups, members):
    stays = members()
    slow = members(**{"max.poll.interval.ms": 6000})
    wait_for_shares([stays, slow], [3, 3], PARTITIONS)
    slow.pausing.set()
    wait_for_shares([stays], [6], PARTITIONS)
    slow.pausing.clear()
    wait_for_shares([stays, slow], [3, 3], PARTITIONS)


def test_members_of_two_libraries_share_a_topic(groups, members):
    one = members(**{"partition.assignment.strategy": "range,roundrobin"})
    wait_for_shares([one], [6], PARTITIONS)
    other = kafka.KafkaConsumer(
        "t", bootstrap_servers=[groups.kafka], group_id="g", session_timeout_ms=6000,
        heartbeat_interval_ms=300, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        def shared():
            other.poll(timeout_ms=100)
            return len(other.assignment()) == 3 and len(one.assigned) == 3
        harness.eventually(shared, 20, "half for each")
    finally:
        other.close()
    wait_for_shares([one], [6], PARTITIONS)


@pytest.mark.parametrize("assignor", ["range", "roundrobin", "sticky"])
def test_kafka_python_shares_a_topic(groups, assignor):
    from kafka.coordinator.assignors import range as by_range, roundrobin
    from kafka.coordinator.assignors.sticky import sticky_assignor
    strategy = {"range": by_range.RangePartitionAssignor,
                "roundrobin": roundrobin.RoundRobinPartitionAssignor,
                "sticky": sticky_assignor.StickyPartitionAssignor}[assignor]
    consumers = [kafka.KafkaConsumer(
        "t", bootstrap_servers=[groups.kafka], group_id="g", session_timeout_ms=6000,
        heartbeat_interval_ms=300, enable_auto_commit=False,
        partition_assignment_strategy=[strategy]) for _ in range(2)]
    ending = threading.Event()

    def run(consumer):
        while not ending.is_set():
            consumer.poll(timeout_ms=100)
        consumer.close()
    threads = [threading.Thread(target=run, args=(one,), daemon=True) for one in consumers]
    for thread in threads:
        thread.start()
    try:
        harness.eventually(
            lambda: sorted(len(one.assignment()) for one in consumers) == [3, 3], 20, "halves")
        owned = [{one.partition for one in consumer.assignment()} for consumer in consumers]
        assert owned[0] | owned[1] == set(range(PARTITIONS))
    finally:
        ending.set()
        for thread in threads:
            thread.join(20)


def test_kcat_reads_as_a_group(groups, members):
    flow = Flow(groups)
    count = 60

    def read():
        return subprocess.run(
            ["kcat", "-b", groups.kafka, "-G", "kcats", "-X", "broker.address.family=v4",
             "-X", "auto.offset.reset=earliest", "-c", str(count), "-q", "t"],
            stdout=subprocess.PIPE, timeout=60, check=True).stdout
    try:
        assert len(read().split()) == count
        assert len(read().split()) == count
    finally:
        flow.close()


def test_administrators_see_groups(groups, members):
    member = members(**{"client.id": "reader"})
    wait_for_shares([member], [6], PARTITIONS)
    found = describe(groups, "g")
    assert found.state == ConsumerGroupState.STABLE
    assert found.partition_assignor == "range"
    assert found.type == ConsumerGroupType.CLASSIC
    [one] = found.members
    assert one.client_id == "reader" and one.member_id.startswith("reader-")
    assert one.host == "/127.0.0.1"
    assert len(one.assignment.topic_partitions) == PARTITIONS
    client = group_members.admin(groups)
    listed = client.list_consumer_groups().result(10)
    assert [group.group_id for group in listed.valid] == ["g"] and not listed.errors
    empty = client.list_consumer_groups(states={ConsumerGroupState.EMPTY}).result(10)
    assert not empty.valid
    consumer = client.list_consumer_groups(types={ConsumerGroupType.CONSUMER}).result(10)
    assert not consumer.valid
    with pytest.raises(confluent_kafka.KafkaException) as refused:
        client.delete_consumer_groups(["g"])["g"].result(10)
    assert refused.value.args[0].code() == confluent_kafka.KafkaError.NON_EMPTY_GROUP
    member.close()
    assert describe(groups, "g").state == ConsumerGroupState.EMPTY
    client.delete_consumer_groups(["g"])["g"].result(10)
    with pytest.raises(confluent_kafka.KafkaException) as missing:
        client.delete_consumer_groups(["g"])["g"].result(10)
    assert missing.value.args[0].code() == confluent_kafka.KafkaError.GROUP_ID_NOT_FOUND
    assert describe(groups, "g").state == ConsumerGroupState.DEAD
    assert not client.list_consumer_groups().result(10).valid


def test_kafka_pythons_administrator_removes_a_static_member(groups, members):
    member = members(**{"group.instance.id": "one"})
    wait_for_shares([member], [6], PARTITIONS)
    client = kafka.KafkaAdminClient(bootstrap_servers=[groups.kafka])
    try:
        described = client.describe_groups(["g"])
        assert "one" in str(described)
        assert "g" in str(client.list_groups())
    finally:
        client.close()


@pytest.mark.parametrize("how", ["clean", "kill"])
def test_members_stay_when_the_broker_is_started_again(groups, members, how):
    one, other = members(), members()
    wait_for_shares([one, other], [3, 3], PARTITIONS)
    before = [set(one.assigned), set(other.assigned)]
    generation = [one.assignments, other.assignments]
    if how == "kill":
        groups.kill()
    else:
        assert groups.stop() == 0
    groups.start()
    harness.eventually(
        lambda: describe(groups, "g").state == ConsumerGroupState.STABLE, 20, "a stable group")
    flow = Flow(groups)
    count = flow.close()
    harness.eventually(
        lambda: len({value[:3] for member in (one, other) for value in list(member.values)})
        == count, 20, "all records")
    assert [one.assigned, other.assigned] == before
    assert [one.assignments, other.assignments] == generation


def test_the_largest_group_is_set(make_broker):
    broker = make_broker("group.max.size=1").start()
    make_topic(broker, "t", 2)
    first = Member(broker, "g", ["t"])
    wait_for_shares([first], [2], 2)
    second = Member(broker, "g", ["t"])
    harness.eventually(
        lambda: any(error.code() == confluent_kafka.KafkaError.GROUP_MAX_SIZE_REACHED
                    for error in second.errors) or second.errors, 10, "the refusal")
    assert len(first.assigned) == 2
    second.close()
    first.close()


def test_a_transactional_producer_is_refused_soon(groups):
    producer = confluent_kafka.Producer({
        "bootstrap.servers": groups.kafka, "broker.address.family": "v4",
        "transactional.id": "x"})
    with pytest.raises(confluent_kafka.KafkaException) as refused:
        producer.init_transactions(15)
    code = refused.value.args[0].code()
    assert code == confluent_kafka.KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
