"""`headwater consume` and `headwater groups`, beside groups of other clients."""

import contextlib
import json
import signal
import subprocess

import confluent_kafka
import pytest

import harness

from test_produce_command import create, produce

EXIT_USAGE, EXIT_REFUSED = 64, 65


def consume(broker, *arguments, seconds=60):
    return harness.run_headwater("consume", "--kafka", broker.kafka, *arguments, seconds=seconds)


def groups(broker, *arguments):
    return harness.run_headwater("groups", *arguments, "--kafka", broker.kafka)


def described(broker, group):
    run = groups(broker, "describe", group, "--json")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)[0]


def fill(broker, topic, count, partitions=1):
    create(broker, topic, partitions)
    lines = "".join(f"k{number}:v{number}\n" for number in range(count))
    run = produce(broker, topic, "--key-separator", ":", stdin=lines.encode())
    assert run.returncode == 0, run.stderr


@contextlib.contextmanager
def member(broker, *arguments):
    """A member that runs while the block does."""
    process = subprocess.Popen(
        [harness.BINARY, "consume", "--kafka", broker.kafka, *arguments], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, universal_newlines=True, env=harness.clean_environment())
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def assigned(broker, group):
    return sorted(len(member["partitions"]) for member in described(broker, group)["members"])


def test_a_group_goes_on_where_it_stopped(broker):
    fill(broker, "t", 10)
    run = consume(broker, "t", "--group", "g", "--from-beginning", "--max-messages", "4", "--format",
                  "%s\\n")
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["v0", "v1", "v2", "v3"]
    run = consume(broker, "t", "--group", "g", "--timeout", "1", "--format", "%t-%p@%o %k=%s %S\\n")
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == [f"t-0@{n} k{n}=v{n} 2" for n in range(4, 10)]
    group = described(broker, "g")
    assert group["state"] == "Empty" and not group["members"]
    assert [(p["committed"], p["end"], p["lag"]) for p in group["partitions"]] == [(10, 10, 0)]


def test_without_an_offset_it_begins_with_the_next_record(broker):
    fill(broker, "t", 3)
    with member(broker, "t", "--group", "late", "--json") as late:
        assert "reads t-0" in late.stderr.readline()
        assert produce(broker, "t", stdin=b"new\n").returncode == 0
        assert json.loads(late.stdout.readline())["value"] == "new"


def test_two_members_share_and_one_takes_over(broker):
    fill(broker, "wide", 0, 4)
    with member(broker, "wide", "--group", "pair", "--format", "%s\\n") as first:
        assert "wide-0, wide-1, wide-2, wide-3" in first.stderr.readline()
        with member(broker, "wide", "--group", "pair", "--format", "%s\\n") as second:
            second.stderr.readline()
            harness.eventually(lambda: assigned(broker, "pair") == [2, 2], 30, "two halves")
            assert first.stderr.readline() in ("# reads wide-0, wide-1\n", "# reads wide-2, wide-3\n")
            run = groups(broker, "describe", "pair")
            assert "state Stable, 2 members, assignor range" in run.stdout and "/127.0.0.1" in run.stdout
            second.send_signal(signal.SIGINT)
            assert second.wait(15) == 0, second.stderr.read()
        harness.eventually(lambda: assigned(broker, "pair") == [4], 30, "all with the first")
        lines = "".join(f"k{n}:v{n}\n" for n in range(100)).encode()
        assert produce(broker, "wide", "--key-separator", ":", stdin=lines).returncode == 0
        assert {first.stdout.readline().strip() for _ in range(100)} == {f"v{n}" for n in range(100)}
        first.send_signal(signal.SIGTERM)
        assert first.wait(15) == 0
    assert sum(p["committed"] or 0 for p in described(broker, "pair")["partitions"]) == 100


def test_it_shares_with_another_client(broker):
    fill(broker, "mixed", 0, 4)
    theirs = confluent_kafka.Consumer({
        "bootstrap.servers": broker.kafka, "group.id": "mixed", "broker.address.family": "v4",
        "partition.assignment.strategy": "range", "session.timeout.ms": 6000})
    theirs.subscribe(["mixed"])
    with member(broker, "mixed", "--group", "mixed"):
        def shared():
            theirs.poll(0.1)
            return len(theirs.assignment()) == 2
        harness.eventually(shared, 40, "a half for each")
        assert assigned(broker, "mixed") == [2, 2]
        theirs.close()


def test_a_static_member_keeps_its_place(broker):
    fill(broker, "t", 5)
    for _ in range(2):
        run = consume(broker, "t", "--group", "s", "--instance-id", "box", "--from-beginning",
                      "--max-messages", "2", "--format", "%s ")
        assert run.returncode == 0, run.stderr
    group = described(broker, "s")
    assert [member["instance"] for member in group["members"]] == ["box"]
    assert group["partitions"][0]["committed"] == 4


def test_a_reader_that_has_seen_enough_loses_nothing(broker):
    fill(broker, "t", 5)
    with member(broker, "t", "--group", "g", "--from-beginning") as reader:
        reader.stderr.readline()
        assert reader.stdout.readline()
    run = consume(broker, "t", "--group", "g", "--from-beginning", "--timeout", "12", "--format", "%s ")
    assert run.returncode == 0 and run.stdout.split()[-1] == "v4"


def test_groups_are_listed_described_and_deleted(broker):
    fill(broker, "t", 5)
    assert groups(broker, "list").stdout.split() == ["GROUP", "STATE", "TYPE", "PROTOCOL"]
    consume(broker, "t", "--group", "one", "--from-beginning", "--max-messages", "2")
    with member(broker, "t", "--group", "two") as two:
        two.stderr.readline()
        listed = json.loads(groups(broker, "list", "--json").stdout)
        assert [(g["group"], g["state"]) for g in listed] == [("one", "Empty"), ("two", "Stable")]
        listed = json.loads(groups(broker, "list", "--json", "--state", "Empty").stdout)
        assert [g["group"] for g in listed] == ["one"]
        run = groups(broker, "delete", "two", "--yes")
        assert run.returncode == EXIT_REFUSED and "has members" in run.stderr
    run = groups(broker, "delete", "one")
    assert run.returncode == EXIT_USAGE and "groups delete --yes" in run.stderr
    assert groups(broker, "delete", "one", "--yes").stdout == "deleted one\n"
    for command in (["describe", "one"], ["delete", "one", "--yes"]):
        run = groups(broker, *command)
        assert run.returncode == EXIT_REFUSED and "there is no group 'one'" in run.stderr


@pytest.fixture
def ten(broker):
    """Ten records, of which the group `g` has read six."""
    fill(broker, "t", 10)
    consume(broker, "t", "--group", "g", "--from-beginning", "--max-messages", "6")
    return broker


@pytest.mark.parametrize("place, offset", [
    (["--to-earliest"], 0), (["--to-latest"], 10), (["--to-offset", "3"], 3),
    (["--to-offset", "99"], 10), (["--shift-by", "-2"], 4), (["--shift-by", "2"], 8),
    (["--shift-by", "-99"], 0), (["--to-datetime", "2000-01-01T00:00:00Z"], 0),
    (["--to-datetime", "2100-01-01T00:00:00"], 10),
])
def test_offsets_are_reset(ten, place, offset):
    run = groups(ten, "reset-offsets", "g", "--topic", "t", *place, "--json")
    assert run.returncode == 0, run.stderr
    moved = [{"topic": "t", "partition": 0, "committed": 6, "new": offset}]
    assert json.loads(run.stdout) == moved and "--execute" in run.stderr
    assert described(ten, "g")["partitions"][0]["committed"] == 6
    run = groups(ten, "reset-offsets", "g", "--all-topics", *place, "--execute", "--json")
    assert run.returncode == 0 and json.loads(run.stdout) == moved, run.stderr
    assert described(ten, "g")["partitions"][0]["committed"] == offset


def test_a_group_that_reads_is_not_moved(ten):
    with member(ten, "t", "--group", "g") as reader:
        reader.stderr.readline()
        run = groups(ten, "reset-offsets", "g", "--all-topics", "--to-earliest", "--execute")
        assert run.returncode == EXIT_REFUSED and "has members" in run.stderr
        run = groups(ten, "delete-offsets", "g", "--topic", "t")
        assert run.returncode == EXIT_REFUSED and "stop its members" in run.stderr


def test_offsets_are_set_for_a_group_that_never_read(ten):
    run = groups(ten, "reset-offsets", "fresh", "--topic", "t:0", "--to-offset", "7", "--execute")
    assert run.returncode == 0, run.stderr
    run = consume(ten, "t", "--group", "fresh", "--timeout", "1", "--format", "%s ")
    assert run.stdout.split() == ["v7", "v8", "v9"]


def test_offsets_are_deleted(ten):
    run = groups(ten, "delete-offsets", "g", "--topic", "t:0")
    assert run.returncode == 0 and run.stdout == "forgot t-0\n", run.stderr
    run = groups(ten, "delete-offsets", "g", "--topic", "t")
    assert run.returncode == EXIT_REFUSED


def test_operators_mistakes(ten):
    for arguments in (["--topic", "t"], ["--to-earliest"], ["--topic", "t", "--to-earliest",
                      "--to-latest"], ["--topic", "t:x", "--to-earliest"],
                      ["--topic", "t", "--to-datetime", "yesterday"]):
        assert groups(ten, "reset-offsets", "g", *arguments).returncode == EXIT_USAGE
    run = groups(ten, "reset-offsets", "g", "--topic", "t:5", "--to-earliest")
    assert run.returncode == EXIT_REFUSED and "no partition 5" in run.stderr
    run = consume(ten, "nothing", "--group", "g")
    assert run.returncode == EXIT_REFUSED and "topics list" in run.stderr
    assert consume(ten, "t").returncode == EXIT_USAGE
    assert consume(ten, "t", "--group", "g", "--format", "%q").returncode == EXIT_USAGE


def test_a_regular_expression_reads_all_topics_that_match(broker):
    for topic in ("plant-a", "plant-b", "other-plant-a"):
        fill(broker, topic, 3)
    with member(broker, "--include", "plant-.*", "--group", "re", "--from-beginning",
                "--max-messages", "9", "--format", "%t\\n") as reader:
        first = [reader.stdout.readline().strip() for _ in range(6)]
        assert sorted(first) == ["plant-a"] * 3 + ["plant-b"] * 3
        fill(broker, "plant-new", 3)
        assert [reader.stdout.readline().strip() for _ in range(3)] == ["plant-new"] * 3
        assert reader.wait(30) == 0
    partitions = described(broker, "re")["partitions"]
    assert sorted(part["topic"] for part in partitions) == ["plant-a", "plant-b", "plant-new"]


def test_a_deleted_topic_ends_nothing_for_a_regular_expression(broker):
    for topic in ("gone-a", "gone-b"):
        fill(broker, topic, 1)
    with member(broker, "--include", "gone-.", "--group", "re", "--from-beginning",
                "--max-messages", "3", "--format", "%t %s\\n") as reader:
        for _ in range(2):
            reader.stdout.readline()
        run = harness.run_headwater("topics", "delete", "gone-a", "--yes", "--kafka", broker.kafka)
        assert run.returncode == 0, run.stderr
        assert produce(broker, "gone-b", stdin=b"last").returncode == 0
        assert reader.stdout.readline().strip() == "gone-b last"
        assert reader.wait(30) == 0


@pytest.mark.parametrize("arguments", [("t", "--include", "t"), (), ("--include", "(")])
def test_topics_are_named_or_matched_and_not_both(broker, arguments):
    run = consume(broker, *arguments, "--group", "g")
    assert run.returncode == EXIT_USAGE
    assert "regular expression" in run.stderr
