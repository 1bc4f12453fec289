"""Topics made, described and deleted: by AdminClients, and by `headwater topics`."""

import json
import os
import pty
import subprocess

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic
from kafka.admin import KafkaAdminClient
from kafka.admin import NewTopic as KafkaPythonTopic

import harness

EXIT_REFUSED = 65
EXIT_UNREACHABLE = 68


def admin(broker):
    return AdminClient({"bootstrap.servers": broker.kafka, "broker.address.family": "v4"})


def outcome(future):
    try:
        return future.result(timeout=15)
    except confluent_kafka.KafkaException as error:
        return error.args[0].name()


def made(broker, topic, **options):
    client = admin(broker)  # Has to live as long as its future.
    return outcome(client.create_topics([topic], **options)[topic.topic])


def deleted(broker, topic):
    client = admin(broker)
    return outcome(client.delete_topics([topic])[topic])


def names(broker):
    return set(admin(broker).list_topics(timeout=10).topics)


def test_confluent_creates_and_deletes(broker):
    assert made(broker, NewTopic("fresh", 3, 1, config={"retention.ms": "60000"})) is None
    topic = admin(broker).list_topics("fresh", timeout=10).topics["fresh"]
    assert sorted(topic.partitions) == [0, 1, 2]
    assert made(broker, NewTopic("fresh", 1, 1)) == "TOPIC_ALREADY_EXISTS"
    assert deleted(broker, "fresh") is None
    assert "fresh" not in names(broker)
    assert deleted(broker, "fresh") == "UNKNOWN_TOPIC_OR_PART"


@pytest.mark.parametrize("topic, error", [
    (NewTopic("a b", 1, 1), "TOPIC_EXCEPTION"),
    (NewTopic("__mine", 1, 1), "TOPIC_EXCEPTION"),
    (NewTopic("n", 1, 2), "INVALID_REPLICATION_FACTOR"),
    (NewTopic("n", 5000, 1), "POLICY_VIOLATION"),
    (NewTopic("n", 1, 1, config={"no.such": "1"}), "INVALID_CONFIG"),
    (NewTopic("n", 1, 1, config={"cleanup.policy": "compress"}), "INVALID_CONFIG"),
])
def test_what_cannot_be_made_is_refused_by_name(broker, topic, error):
    assert made(broker, topic) == error
    assert names(broker) == {"mqtt"} | {n for n in names(broker) if n.startswith("__")}


def test_validate_only_makes_nothing(broker):
    assert made(broker, NewTopic("n", 2, 1), validate_only=True) is None
    assert "n" not in names(broker)


def test_confluent_describes_settings_and_where_they_come_from(make_broker):
    broker = make_broker("log.retention.ms=3600000").start()
    assert made(broker, NewTopic("n", 1, 1, config={"segment.bytes": "65536"})) is None
    resources = [ConfigResource("topic", "n"), ConfigResource("broker", "1")]
    client = admin(broker)
    topic, own = (f.result(timeout=15) for f in client.describe_configs(resources).values())
    assert (topic["segment.bytes"].value, topic["segment.bytes"].source) == ("65536", 1)
    assert (topic["retention.ms"].value, topic["retention.ms"].source) == ("3600000", 4)
    assert topic["max.message.bytes"].source == 5
    assert own["log.retention.ms"].source == 4 and own["num.partitions"].value == "1"
    assert all(entry.is_read_only for entry in own.values())
    assert [name for name, entry in topic.items() if entry.is_read_only] != list(topic)


def test_kafka_python_administers(broker):
    client = KafkaAdminClient(bootstrap_servers=[broker.kafka])
    try:
        client.create_topics([KafkaPythonTopic("kp", 2, 1)])
        assert "kp" in client.list_topics()
        client.delete_topics(["kp"])
        harness.eventually(lambda: "kp" not in client.list_topics(), what="kp gone")
    finally:
        client.close()


def test_topics_come_into_being_only_where_they_may(make_broker):
    broker = make_broker("auto.create.topics.enable=false").start()
    producer = confluent_kafka.Producer({
        "bootstrap.servers": broker.kafka, "message.timeout.ms": 2000})
    errors = []
    producer.produce("fresh", b"x", callback=lambda error, _: errors.append(error))
    assert producer.flush(20) == 0
    assert errors[0] is not None and names(broker) & {"fresh"} == set()


# The command

def topics(broker, *arguments):
    return harness.run_headwater("topics", *arguments, "--kafka", broker.kafka)


def test_the_command_creates_lists_describes_and_deletes(broker):
    run = topics(broker, "create", "one", "two", "--partitions", "2", "--config",
                 "retention.ms=60000", "--config", "durability=written")
    assert (run.returncode, run.stdout) == (0, "created one, 2 partitions\n"
                                               "created two, 2 partitions\n")
    listed = {t["name"]: t for t in json.loads(topics(broker, "list", "--json").stdout)}
    assert len(listed["one"]["partitions"]) == 2
    assert "one" in topics(broker, "list").stdout
    [described] = json.loads(topics(broker, "describe", "one", "--json").stdout)
    assert described["settings"]["retention.ms"] == {"value": "60000", "source": "topic"}
    assert described["settings"]["durability"]["value"] == "written"
    assert "retention.ms" in topics(broker, "describe", "one").stdout
    run = topics(broker, "delete", "one", "two", "--yes")
    assert (run.returncode, run.stdout) == (0, "deleted one\ndeleted two\n")
    assert "one" not in topics(broker, "list").stdout


@pytest.mark.parametrize("arguments, code, word", [
    (("create", "mqtt"), EXIT_REFUSED, "exists already"),
    (("create", "n", "--config", "no.such=1"), EXIT_REFUSED, "headwater config describe"),
    (("create", "n", "--config", "no.such"), harness.EXIT_USAGE, "KEY=VALUE"),
    (("create", "n", "--partitions", "0"), harness.EXIT_USAGE, "--partitions"),
    (("create", "a b"), harness.EXIT_USAGE, "no topic name"),
    (("describe", "n"), EXIT_REFUSED, "headwater topics list"),
    (("delete", "n", "--yes"), EXIT_REFUSED, "headwater topics list"),
    (("delete", "mqtt"), harness.EXIT_USAGE, "--yes"),
])
def test_the_command_names_the_fix(broker, arguments, code, word):
    run = topics(broker, *arguments)
    assert run.returncode == code and word in run.stderr, run.stderr
    assert run.stdout == ""


@pytest.mark.parametrize("answer, code, is_there", [("n", EXIT_REFUSED, True), ("y", 0, False)])
def test_the_command_asks_on_a_terminal(broker, answer, code, is_there):
    assert topics(broker, "create", "asked").returncode == 0
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answer.encode() + b"\n")
        run = subprocess.run(
            [harness.BINARY, "topics", "delete", "asked", "--kafka", broker.kafka], stdin=theirs,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=30,
            check=False)
    finally:
        os.close(ours)
        os.close(theirs)
    assert run.returncode == code and "Delete asked with 0 records" in run.stderr, run.stderr
    assert ("asked" in names(broker)) == is_there


def test_the_command_says_that_nobody_listens():
    run = harness.run_headwater("topics", "list", "--kafka", f"127.0.0.1:{harness.free_port()}")
    assert run.returncode == EXIT_UNREACHABLE and "headwater serve" in run.stderr


def test_the_command_says_what_it_did_before_a_refusal(broker):
    run = topics(broker, "create", "new", "mqtt")
    assert run.returncode == EXIT_REFUSED
    assert run.stdout == "created new, 1 partition\n" and "mqtt" in run.stderr
