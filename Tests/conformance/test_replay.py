"""`headwater demo --replay`: CSV and NDJSON in, the log read back with confluent-kafka."""

import json
import os
import signal
import subprocess
import time

import pytest

import harness
import kafka_reading

SAMPLE = os.path.join(harness.ROOT, "docs", "sample-plant.csv")
COUNTS = "{} rows read, {} published, {} acknowledged, {} skipped"


def replay(broker, path, *options, stdin=None, seconds=60):
    return subprocess.run(
        [harness.BINARY, "demo", "--mqtt", broker.mqtt, "--replay", str(path), *options],
        input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
        timeout=seconds, check=False, env=harness.clean_environment())


def written(path, *lines):
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def test_the_sample_arrives_row_by_row_under_its_own_topics(broker):
    run = replay(broker, SAMPLE, "--speed", "max", "--topic", "plant/{line}/{sensor}")
    assert run.returncode == 0, run.stderr
    assert COUNTS.format(240, 240, 240, 0) in run.stderr
    records = kafka_reading.read_all(broker)
    assert len(records) == 240
    rows = [json.loads(record.value) for record in records]
    assert [r.key.decode() for r in records] == [
        f"plant/{row['line']}/{row['sensor']}" for row in rows]
    assert rows[0] == {"ts": "2025-11-21T06:00:00.000Z", "line": "line1", "sensor": "temperature",
                       "value": 63.6, "unit": "degC", "note": 'shift change, "A" to B'}
    assert rows[1]["note"] is None
    assert [row["ts"] for row in rows] == sorted(row["ts"] for row in rows)
    assert ("mqtt.content-type", b"application/json") in records[0].headers


def test_ndjson_rows_arrive_as_they_stand(broker, tmp_path):
    lines = [json.dumps({"time": 1_700_000_000 + n, "id": f"s{n % 3}", "deep": {"n": [n, None]}})
             for n in range(50)]
    run = replay(broker, written(tmp_path / "readings.ndjson", *lines), "--speed", "max")
    assert run.returncode == 0, run.stderr
    records = kafka_reading.read_all(broker)
    assert [record.value.decode() for record in records] == lines
    assert {record.key for record in records} == {b"replay/readings"}


def test_stdin_one_column_as_payload_and_the_skipped_are_said(broker):
    text = "".join(f"{line}\n" for line in [
        '{"ts": "2026-01-02T03:04:05Z", "v": 1.5}', "broken", '{"v": 3}',
        "", '{"ts": "2026-01-02T03:04:05.250Z", "v": "x"}',
        '{"ts": "yesterday", "v": 4}', '{"ts": "2026-01-02T03:04:05+00:00", "v": true}'])
    run = replay(broker, "-", "--payload", "v", "--topic", "in/{v}", stdin=text)
    assert run.returncode == 0, run.stderr
    assert COUNTS.format(6, 3, 3, 3) in run.stderr
    for said in ["skipped line 2: no JSON object", "skipped line 3: no time in column 'ts'",
                 "skipped line 6: 'yesterday' in column 'ts' is no time",
                 "1 rows were older than a row before them"]:
        assert said in run.stderr
    records = kafka_reading.read_all(broker)
    assert [(r.key, r.value) for r in records] == [
        (b"in/1.5", b"1.5"), (b"in/x", b"x"), (b"in/true", b"true")]


# The same three instants, 0, 400 and 1000 ms apart, in every form.
TIMES = {
    "rfc3339": ["2026-01-02T03:04:05+01:00", "2026-01-02T02:04:05.4Z", "2026-01-02T02:04:06Z"],
    "datetime": ["2026-01-02 03:04:05", "2026-01-02 03:04:05.400", "2026-01-02 03:04:06.000"],
    "s": ["1767319445", "1767319445.4", "1767319446"],
    "ms": ["1767319445000", "1767319445400", "1767319446000"],
    "us": ["1767319445000000", "1767319445400000", "1767319446000000"],
    "ns": ["1767319445000000000", "1767319445400000000", "1767319446000000000"],
}


@pytest.mark.parametrize("form", list(TIMES))
def test_the_recorded_pace_is_kept_in_every_form_of_time(broker, tmp_path, form):
    path = written(tmp_path / "r.csv", "n;When", *(
        f"{n};{time}" for n, time in enumerate(TIMES[form])))
    for choice in ("auto", form):
        run = replay(broker, path, "--time-column", "When", "--time-format", choice)
        assert run.returncode == 0, run.stderr
    stamps = [record.timestamp for record in kafka_reading.read_all(broker)]
    assert len(stamps) == 6
    for first in (0, 3):
        # A busy machine may be late; when it is so with the first row, the others look early.
        assert 150 <= stamps[first + 1] - stamps[first] < 400 + 1500
        assert 750 <= stamps[first + 2] - stamps[first] < 1000 + 1500


def test_ten_times_the_speed_keeps_the_spacing(broker, tmp_path):
    """Each row stands at least its tenth behind the first one; the median at hardly more."""
    offsets = [0, 1000, 1500, 4000, 4000, 4001, 9000, 12000, 20000]
    path = written(tmp_path / "r.csv", "ts,n", *(
        f"{1_700_000_000_000 + at},{n}" for n, at in enumerate(offsets)))
    run = replay(broker, path, "--speed", "10")
    assert run.returncode == 0, run.stderr
    records = kafka_reading.read_all(broker)
    assert [json.loads(record.value)["n"] for record in records] == list(range(len(offsets)))
    late = sorted(record.timestamp - records[0].timestamp - at / 10
                  for record, at in zip(records, offsets))
    # The first record may itself have been late, which makes the others look early.
    assert late[0] > -250
    assert abs(late[len(late) // 2]) < 250, late


def test_quotes_line_ends_and_short_rows(broker, tmp_path):
    path = tmp_path / "r.csv"
    path.write_bytes(
        b'\xef\xbb\xbfts,"the name",v\r\n'
        b'1,"a ""b""\r\nc, d",007\r\n'
        b"2,short\r\n"
        b"\r\n"
        b'3,+#/x,-1.5e3\r\n'
        b'4,"never closed,1\r\n')
    run = replay(broker, path, "--speed", "max", "--topic", "t/{the name}")
    assert run.returncode == 0, run.stderr
    assert COUNTS.format(4, 2, 2, 2) in run.stderr
    assert "skipped line 4: 2 fields instead of 3" in run.stderr
    assert "skipped line 7: a quote is opened and never closed" in run.stderr
    records = kafka_reading.read_all(broker)
    assert [json.loads(r.value) for r in records] == [
        {"ts": 1, "the name": 'a "b"\r\nc, d', "v": "007"}, {"ts": 3, "the name": "+#/x", "v": -1500}]
    assert [r.key.decode() for r in records] == ['t/a "b"__c, d', "t/__/x"]


def test_many_rows_at_full_speed_are_all_acknowledged_in_order(broker, tmp_path):
    path = written(tmp_path / "r.csv", "ts,n", *(f"{n},{n}" for n in range(20_000)))
    run = replay(broker, path, "--speed", "max", "--payload", "n")
    assert run.returncode == 0, run.stderr
    assert COUNTS.format(20_000, 20_000, 20_000, 0) in run.stderr
    values = [int(record.value) for record in kafka_reading.read_all(broker)]
    assert values == list(range(20_000))


def test_qos_2_is_refused_with_a_sentence(broker):
    run = replay(broker, SAMPLE, "--qos", "2")
    assert run.returncode == 64
    assert "--qos takes 0 or 1" in run.stderr and "does not reconnect" in run.stderr


def test_qos_0_ends_only_when_the_broker_has_read_it_all(broker, tmp_path):
    path = written(tmp_path / "r.csv", "ts,n", *(f"{n},{n}" for n in range(5_000)))
    run = replay(broker, path, "--speed", "max", "--qos", "0")
    assert run.returncode == 0, run.stderr
    assert "5000 rows read, 5000 published at QoS 0, 0 skipped" in run.stderr
    assert len(kafka_reading.wait_for_records(broker, 5_000)) == 5_000


def test_a_row_longer_than_a_mebibyte_is_skipped_and_the_next_is_not(broker, tmp_path):
    path = written(tmp_path / "r.csv", "ts,v", "1," + "x" * (3 << 20), "2,y")
    run = replay(broker, path, "--speed", "max", "--payload", "v")
    assert run.returncode == 0, run.stderr
    assert "skipped line 2: the row is longer than 1 MiB" in run.stderr
    assert [record.value for record in kafka_reading.read_all(broker)] == [b"y"]


def test_memory_stays_flat_whatever_the_size(broker, tmp_path):
    """The peak of a replay of 40 MB is not far above that of one row."""
    def peak(path):
        run = subprocess.run(
            ["/usr/bin/env", "python3", "-c",
             "import resource, subprocess, sys; "
             "subprocess.run(sys.argv[1:], check=True, stderr=subprocess.DEVNULL); "
             "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)",
             harness.BINARY, "demo", "--mqtt", broker.mqtt, "--replay", str(path), "--speed",
             "max", "--payload", "n"],
            stdout=subprocess.PIPE, universal_newlines=True, timeout=120, check=True,
            env=harness.clean_environment())
        return int(run.stdout)

    small = peak(written(tmp_path / "small.csv", "ts,n,filler", "1,1,"))
    filler = "x" * 4000
    large = peak(written(tmp_path / "large.csv", "ts,n,filler", *(
        f"{n},{n},{filler}" for n in range(10_000))))
    assert large < small + 12_000, f"{small} and {large} KiB"


@pytest.mark.parametrize("lines, options, code, said", [
    (["a,b", "1,2"], [], 64, "none of its columns looks like a time ('a', 'b')"),
    (["ts,b", "1,2"], ["--topic", "x/{c}"], 64, "has no column 'c'; it has 'ts', 'b'"),
    (["ts,b", "1,2"], ["--payload", "c"], 64, "has no column 'c'"),
    (["ts,b", "1,2"], ["--time-column", "c"], 64, "has no column 'c'"),
    (["ts,b", "1,2"], ["--speed", "fast"], 64, "fast"),
    (["ts,b", "1,2"], ["--topic", "a/#"], 64, "no + and no #"),
    (["ts,b", "1,2"], ["--topic", "a/{b"], 64, "a { has no }"),
    (["ts,b", "x,2"], [], 65, "no row could be published"),
    ([], [], 65, "it is empty"),
    (None, [], 66, "No such file"),
])
def test_what_cannot_be_replayed_is_said_in_one_line(broker, tmp_path, lines, options, code, said):
    path = tmp_path / "r.csv"
    if lines is not None:
        written(path, *lines)
    run = replay(broker, path, *options)
    assert run.returncode == code, run.stderr
    assert said in run.stderr


def test_an_option_of_the_replay_without_a_file_is_an_error():
    run = harness.run_headwater("demo", "--topic", "x")
    assert run.returncode == 64
    assert "belong to --replay FILE" in run.stderr


def test_ctrl_c_ends_a_loop_with_everything_acknowledged(broker, tmp_path):
    path = written(tmp_path / "r.csv", "ts,n", "0,1", "1,2")
    process = subprocess.Popen(  # pylint: disable=consider-using-with
        [harness.BINARY, "demo", "--mqtt", broker.mqtt, "--replay", str(path), "--loop",
         "--speed", "20"],
        stderr=subprocess.PIPE, universal_newlines=True, env=harness.clean_environment())
    kafka_reading.wait_for_records(broker, 5)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 0, said
    count = len(kafka_reading.read_all(broker))
    assert f" {count} published, {count} acknowledged" in said


def test_a_silent_pipe_keeps_nothing_back_and_can_be_interrupted(broker):
    process = subprocess.Popen(  # pylint: disable=consider-using-with
        [harness.BINARY, "demo", "--mqtt", broker.mqtt, "--replay", "-", "--speed", "max"],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
        env=harness.clean_environment())
    process.stdin.write("ts,n\n1,one\n")
    process.stdin.flush()
    assert json.loads(kafka_reading.wait_for_records(broker, 1)[0].value)["n"] == "one"
    process.send_signal(signal.SIGTERM)
    process.stdin = None  # Left open: the signal alone has to end it.
    _, said = process.communicate(timeout=20)
    assert process.returncode == 0, said
    assert COUNTS.format(1, 1, 1, 0) in said


def test_a_broker_that_goes_away_ends_the_replay_with_68(make_broker, tmp_path):
    broker = make_broker().start()
    path = written(tmp_path / "r.csv", "ts,n", *(f"{n},{n}" for n in range(100)))
    process = subprocess.Popen(  # pylint: disable=consider-using-with
        [harness.BINARY, "demo", "--mqtt", broker.mqtt, "--replay", str(path), "--speed", "10"],
        stderr=subprocess.PIPE, universal_newlines=True, env=harness.clean_environment())
    kafka_reading.wait_for_records(broker, 5)
    broker.stop()
    began = time.monotonic()
    _, said = process.communicate(timeout=40)
    assert process.returncode == 68, said
    assert "rows read" in said and time.monotonic() - began < 35
