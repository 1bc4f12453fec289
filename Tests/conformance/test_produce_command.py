"""`headwater produce`: lines and JSON objects become records."""

import json
import subprocess

import confluent_kafka
import pytest

import harness
import raw_kafka

EXIT_USAGE, EXIT_REFUSED, EXIT_NO_INPUT, EXIT_UNREACHABLE = 64, 65, 66, 68


def produce(broker, *arguments, stdin=b"", seconds=30):
    return subprocess.run(
        [harness.BINARY, "produce", "--kafka", broker.kafka, *arguments], input=stdin,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds, check=False,
        env=harness.clean_environment())


def create(broker, topic, partitions=1):
    run = harness.run_headwater("topics", "create", topic, "--partitions", str(partitions),
                                "--kafka", broker.kafka)
    assert run.returncode == 0, run.stderr


def read(broker, topic, count, partitions=1):
    """The records, as (partition, key, value, headers, timestamp), in the order of partitions."""
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": broker.kafka, "group.id": "reader", "enable.auto.commit": False,
        "broker.address.family": "v4"})
    consumer.assign([confluent_kafka.TopicPartition(topic, index, 0) for index in range(partitions)])
    found = []
    while len(found) < count:
        message = consumer.poll(15)
        assert message is not None, f"{len(found)} of {count} records"
        assert message.error() is None, message.error()
        found.append((message.partition(), message.key(), message.value(), message.headers(),
                      message.timestamp()[1]))
    consumer.close()
    return sorted(found, key=lambda record: record[0])


def test_lines_become_values_and_a_new_topic_is_made(broker):
    run = produce(broker, "lines", stdin=b"one\ntwo\r\n\nlast")
    assert run.returncode == 0, run.stderr
    assert b"4 records acknowledged" in run.stderr
    assert [value for _, _, value, _, _ in read(broker, "lines", 4)] == [b"one", b"two", b"", b"last"]


def test_keys_nulls_and_headers(broker):
    run = produce(broker, "keyed", "--key-separator", ":", "--null", "NIL", "--header", "site=north",
                  "--header", "empty=", stdin=b"a:1\nNIL:2\nb:NIL\nc:x:y\n")
    assert run.returncode == 0, run.stderr
    records = read(broker, "keyed", 4)
    assert [(key, value) for _, key, value, _, _ in records] == [
        (b"a", b"1"), (None, b"2"), (b"b", None), (b"c", b"x:y")]
    assert all(headers == [("site", b"north"), ("empty", b"")] for _, _, _, headers, _ in records)


def test_a_key_goes_where_every_client_puts_it(broker):
    create(broker, "spread", 5)
    keys = [f"device-{number}" for number in range(50)]
    run = produce(broker, "spread", "--key-separator", "=",
                  stdin="".join(f"{key}=v\n" for key in keys).encode())
    assert run.returncode == 0, run.stderr
    mine = {key: partition for partition, key, *_ in read(broker, "spread", 50, 5)}
    create(broker, "theirs", 5)
    producer = confluent_kafka.Producer({
        "bootstrap.servers": broker.kafka, "partitioner": "murmur2_random",
        "broker.address.family": "v4"})
    for key in keys:
        producer.produce("theirs", b"v", key)
    assert producer.flush(15) == 0
    assert mine == {key: partition for partition, key, *_ in read(broker, "theirs", 50, 5)}


def test_json_lines_round_trip(broker):
    lines = [
        {"key": "k", "value": {"b": 2, "a": [1, None, "x"]}, "headers": {"h": "1"}, "timestamp": 5},
        {"value_hex": "00ff", "key_hex": "fe"},
        {"key": None, "value": None},
        {"value": 12.5, "topic": "elsewhere", "partition": 7, "offset": 9},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    run = produce(broker, "objects", "--input", "json", "--json", stdin=text)
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert report["acknowledged"] == 4
    assert report["partitions"] == [{"partition": 0, "records": 4, "last_offset": 3}]
    records = read(broker, "objects", 4)
    assert [(key, value) for _, key, value, _, _ in records] == [
        (b"k", b'{"a":[1,null,"x"],"b":2}'), (b"\xfe", b"\x00\xff"), (None, None), (None, b"12.5")]
    assert records[0][3] == [("h", b"1")] and records[0][4] == 5
    # What tail prints, produce takes.
    tail = harness.run_headwater("tail", "objects", "--from-beginning", "--count", "4", "--json",
                                 "--kafka", broker.kafka)
    run = produce(broker, "again", "--input", "json", stdin=tail.stdout.encode())
    assert run.returncode == 0, run.stderr
    assert read(broker, "again", 4) == records


@pytest.mark.parametrize("line, words", [
    (b"nothing", "no JSON object"), (b'{"valeu": 1}', "'valeu' is none of"),
    (b'{"value_hex": "0"}', "hexadecimal"), (b'{"timestamp": "now"}', "milliseconds"),
    (b'{"headers": 3}', "'headers'"),
])
def test_a_wrong_object_names_its_line_and_what_came_before_is_stored(broker, line, words):
    run = produce(broker, "wrong", "--input", "json", stdin=b'{"value":1}\n' + line + b"\n")
    assert run.returncode == EXIT_REFUSED
    assert f"line 2: {words}" in run.stderr.decode() or (
        "line 2" in run.stderr.decode() and words in run.stderr.decode())
    assert b"1 records acknowledged" in run.stderr


def test_a_line_without_a_key(broker):
    run = produce(broker, "nokey", "--key-separator", "|", stdin=b"k|v\nplain\n")
    assert run.returncode == EXIT_REFUSED and b"line 2: no '|' after a key" in run.stderr


@pytest.mark.parametrize("codec", ["none", "zstd"])
@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_every_codec_and_acknowledgement(broker, codec, acks):
    topic = f"t-{codec}-{acks}"
    lines = [f"line {number} of many that look alike" for number in range(20_000)]
    path = f"{broker.directory}/{topic}.txt"
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))
    run = produce(broker, topic, "--file", path, "--compression", codec, "--acks", acks)
    assert run.returncode == 0, run.stderr
    word = b"20000 records taken, none acknowledged" if acks == "0" else b"20000 records acknowledged"
    assert word in run.stderr
    assert [value.decode() for _, _, value, _, _ in read(broker, topic, 20_000)] == lines


def test_one_partition(broker):
    create(broker, "parts", 3)
    assert produce(broker, "parts", "--partition", "2", stdin=b"x\n").returncode == 0
    assert read(broker, "parts", 1, 3)[0][0] == 2
    run = produce(broker, "parts", "--partition", "3", stdin=b"x\n")
    assert run.returncode == EXIT_REFUSED and b"partitions 0 to 2, not 3" in run.stderr


def test_what_the_broker_refuses_is_said(make_broker):
    broker = make_broker("auto.create.topics.enable=false").start()
    run = produce(broker, "missing", stdin=b"x\n")
    assert run.returncode == EXIT_REFUSED and b"topics create missing" in run.stderr
    create(broker, "small")
    run = produce(broker, "small", "--compression", "none", stdin=b"x" * 1_500_000)
    assert run.returncode == EXIT_REFUSED and b"MESSAGE_TOO_LARGE" in run.stderr
    assert b"0 records acknowledged" in run.stderr
    assert produce(broker, "__mine", stdin=b"x\n").returncode == EXIT_REFUSED


def test_operators_mistakes(broker):
    assert produce(broker, "a b").returncode == EXIT_USAGE
    assert produce(broker, "t", "--header", "x").returncode == EXIT_USAGE
    run = produce(broker, "t", "--file", "/no/such")
    assert run.returncode == EXIT_NO_INPUT and b"--file /no/such" in run.stderr
    port = harness.free_port()
    run = subprocess.run([harness.BINARY, "produce", "t", "--kafka", f"127.0.0.1:{port}"],
                         stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    assert run.returncode == EXIT_UNREACHABLE


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_every_codec_is_written_and_read_by_other_clients(broker, codec):
    lines = [f"k{n}:value {n} " + "of many " * 20 for n in range(500)]
    run = produce(broker, "codec", "--compression", codec, "--key-separator", ":",
                  stdin="\n".join(lines).encode())
    assert run.returncode == 0, run.stderr
    records = read(broker, "codec", 500)
    assert [f"{key.decode()}:{value.decode()}" for _, key, value, _, _ in records] == lines
    stored = {header.codec for header, _ in raw_kafka.batches(broker.log_bytes("codec"))}
    assert stored == {["none", "gzip", "snappy", "lz4", "zstd"].index(codec)}


def test_kafkas_own_names_for_the_broker_are_taken(broker):
    for name in ("--bootstrap-server", "-b", "--kafka"):
        run = harness.run_headwater("topics", "list", name, broker.kafka)
        assert run.returncode == 0, run.stderr
