"""kcat, which is librdkafka 2.0 without a group."""

import json
import subprocess

import harness
import kafka_reading
import publishing


def kcat(broker, *arguments, seconds=30):
    run = subprocess.run(
        ["kcat", "-b", broker.kafka, *arguments], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=seconds,
        check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_it_lists_the_topic(broker):
    listed = json.loads(kcat(broker, "-L", "-J"))
    topics = {topic["topic"]: topic for topic in listed["topics"]}
    assert [p["partition"] for p in topics["mqtt"]["partitions"]] == [0]
    assert [b["name"] for b in listed["brokers"]] == [broker.kafka]


def test_it_reads_from_the_beginning_with_keys_and_headers(broker):
    publishing.publish(broker, [("a/1", b"one"), ("a/2", b"two")],
                       properties=publishing.user_property("unit", "bar"))
    lines = kcat(broker, "-C", "-t", "mqtt", "-o", "beginning", "-e", "-q", "-J").splitlines()
    records = [json.loads(line) for line in lines]
    assert [(r["offset"], r["key"], r["payload"]) for r in records] == [
        (0, "a/1", "one"), (1, "a/2", "two")]
    for record in records:
        headers = list(zip(record["headers"][::2], record["headers"][1::2]))
        assert ("unit", "bar") in headers and ("mqtt.qos", "1") in headers


def test_it_reads_from_an_offset_and_from_the_tail(broker):
    publishing.publish_numbers(broker, 100)
    text = kcat(broker, "-C", "-t", "mqtt", "-o", "97", "-e", "-q", "-f", "%o %s\n")
    assert text.splitlines() == ["97 97", "98 98", "99 99"]
    text = kcat(broker, "-C", "-t", "mqtt", "-o", "-2", "-e", "-q", "-f", "%o %s\n")
    assert text.splitlines() == ["98 98", "99 99"]


def test_it_reads_from_a_time(broker):
    publishing.publish_numbers(broker, 10)
    times = [record.timestamp for record in kafka_reading.wait_for_records(broker, 10)]
    # A later record gets a later millisecond only when the clock has moved on.
    harness.eventually(lambda: publishing.now_ms() > times[-1], what="the next millisecond")
    publishing.publish_numbers(broker, 10)
    later = kafka_reading.wait_for_records(broker, 20)[10]
    text = kcat(broker, "-C", "-t", "mqtt", "-o", f"s@{later.timestamp}", "-e", "-q", "-f", "%o\n")
    assert [int(line) for line in text.splitlines()] == list(range(10, 20))


def test_it_follows_live(broker):
    command = ["kcat", "-b", broker.kafka, "-C", "-t", "mqtt", "-o", "beginning", "-u", "-q",
               "-f", "%o %s\n"]
    with harness.reading(command) as reader:
        publishing.publish_numbers(broker, 5)
        reader.wait_for_lines(5)
        publishing.publish_numbers(broker, 5)
        lines = reader.wait_for_lines(10)
    assert lines == [f"{n} {n % 5}" for n in range(10)]


def test_it_queries_offsets_by_time(broker):
    publishing.publish_numbers(broker, 7)
    assert kcat(broker, "-Q", "-t", "mqtt:0:-1").strip() == "mqtt [0] offset 7"
    assert kcat(broker, "-Q", "-t", "mqtt:0:-2").strip() == "mqtt [0] offset 0"


def test_a_tail_prints_the_same_records(broker):
    publishing.publish_numbers(broker, 3)
    run = harness.run_headwater(
        "tail", "mqtt", "--kafka", broker.kafka, "--from-beginning", "--count", "3", "--json")
    assert run.returncode == 0, run.stderr
    records = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    assert len(records) == 3
    assert [record["offset"] for record in records] == [0, 1, 2]


def test_the_tail_names_the_equal_commands(broker):
    publishing.publish_numbers(broker, 1)
    run = harness.run_headwater(
        "tail", "mqtt", "--kafka", broker.kafka, "--from-beginning", "--count", "1")
    assert run.returncode == 0, run.stderr
    assert "kcat " in run.stdout + run.stderr
    assert "mosquitto_sub " in run.stdout + run.stderr


def test_the_demo_arrives_over_mqtt(broker):
    run = harness.run_headwater(
        "demo", "--mqtt", broker.mqtt, "--rate", "200", "--duration", "2", seconds=30)
    assert run.returncode == 0, run.stderr
    records = kafka_reading.read_all(broker)
    assert len(records) >= 50
    topics = {record.key.decode() for record in records}
    assert len(topics) >= 5, f"several devices and readings, not {topics}"
