"""Health: each reason brought about by the real thing, and gone when the thing is."""

import json
import os
import select
import socket
import subprocess

import pytest

import admin
import harness
import kafka_reading
import publishing
import raw_mqtt
import test_operator
import thread_stop
from test_operator import small_disk  # noqa: F401  pylint: disable=unused-import

MEBIBYTE = 1 << 20


def test_a_full_disk_turns_it_red_and_room_makes_it_green(make_broker, small_disk):  # noqa: F811
    broker = make_broker("health.disk.free.min=4MiB")
    broker.data = str(small_disk / "data")
    broker.start()
    harness.eventually(lambda: admin.ready(broker) == (True, []), what="ready")
    test_operator.fill(small_disk, leave_kib=1024)
    harness.eventually(lambda: admin.ready(broker) == (False, ["space"]), what="red")
    run = harness.run_headwater("status", "--http", broker.http)
    assert run.returncode == 1 and "NOT READY" in run.stdout and "health.disk.free.min" in run.stdout
    assert admin.metrics(broker)['headwater_health_problems{kind="space"}'] == 1
    os.remove(small_disk / "ballast")
    harness.eventually(lambda: admin.ready(broker) == (True, []), what="green again")
    assert broker.log_lines("not ready", "remedy=")
    harness.eventually(lambda: broker.log_lines("ready again"), what="the log's 'ready again'")
    broker.stop()
    broker.check_data = False  # The disk is gone when the shared check looks.


def test_a_read_only_partition_turns_it_red(make_broker, small_disk):  # noqa: F811
    broker = make_broker("health.disk.free.min=0")
    broker.data = str(small_disk / "data")
    broker.start()
    publishing.publish_numbers(broker, 1)
    test_operator.fill(small_disk, leave_kib=128)
    test_operator.publish_until_refused(broker)
    assert admin.ready(broker) == (False, ["partition"])
    _, _, body = admin.request(broker, "/health/ready")
    reason = json.loads(body)["reasons"][0]
    assert "mqtt-0" in reason["what"] and "full" in reason["what"] and reason["remedy"]
    assert admin.request(broker, "/health/live")[0] == 200, "a restart in a loop helps nothing"
    assert admin.metrics(broker)["headwater_partitions_failed"] == 1
    os.remove(small_disk / "ballast")
    broker.stop()
    broker.start()
    assert admin.ready(broker) == (True, [])
    broker.stop()
    broker.check_data = False


@pytest.fixture
def frozen_disk(tmp_path):
    """A file system that can be made to hang: every write to it waits until it is thawed."""
    image, place = tmp_path / "image", tmp_path / "frozen"
    place.mkdir()
    with open(image, "wb") as file:
        file.truncate(64 * MEBIBYTE)
    steps = [["mkfs.ext4", "-q", "-F", str(image)], ["mount", "-o", "loop", image, place]]
    for step in steps:
        try:
            made = subprocess.run(step, stderr=subprocess.PIPE, check=False, timeout=30)
        except FileNotFoundError:
            pytest.skip(f"{step[0]} is not installed")
        if made.returncode:
            pytest.skip(f"this user can't mount an image: {made.stderr.decode().strip()}")
    yield place
    thaw(place)
    subprocess.run(["umount", place], check=True)


def freeze(place):
    subprocess.run(["fsfreeze", "-f", place], check=True)


def thaw(place):
    subprocess.run(["fsfreeze", "-u", place], stderr=subprocess.DEVNULL, check=False)


def test_a_hanging_disk_turns_it_red_and_it_recovers_by_itself(make_broker, frozen_disk):
    broker = make_broker("health.disk.timeout=500ms", "health.ingest.timeout=2s",
                         "health.disk.free.min=0", "health.loop.timeout=500ms")
    broker.data = str(frozen_disk / "data")
    broker.start()
    publishing.publish_numbers(broker, 1)
    freeze(frozen_disk)
    try:
        with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
            assert raw.open("waiter") == 0
            raw.send(raw_mqtt.publish("t", b"held", 1))
            harness.eventually(lambda: admin.ready(broker) == (False, ["disk"]), what="red")
            assert admin.request(broker, "/health/live")[0] == 200
            assert str(frozen_disk) in admin.request(broker, "/health/ready")[2]
            thaw(frozen_disk)
            publishing.take_acknowledgement(raw)
        harness.eventually(lambda: admin.ready(broker) == (True, []), what="green again")
    finally:
        thaw(frozen_disk)
    assert len(kafka_reading.read_all(broker)) == 2
    broker.stop()
    harness.check_log_files(broker.data)
    broker.check_data = False


def test_it_says_that_it_starts_and_that_it_stops(make_broker, frozen_disk):
    broker = make_broker("health.disk.free.min=0")
    broker.data = str(frozen_disk / "data")

    def kinds():
        try:
            return admin.ready(broker)[1]
        except ConnectionError:
            return None

    freeze(frozen_disk)
    try:
        broker.launch()
        harness.eventually(lambda: kinds() == ["starting"], what="starting")
        assert admin.request(broker, "/health/live")[0] == 200
        assert admin.status_of(broker)["health"]["phase"] == "starting"
        thaw(frozen_disk)
        harness.eventually(lambda: kinds() == [], what="ready")
        publishing.publish_numbers(broker, 1)
        freeze(frozen_disk)
        broker.process.terminate()
        harness.eventually(lambda: (kinds() or [""])[0] == "stopping", what="stopping")
    finally:
        thaw(frozen_disk)
    assert broker.process.wait(timeout=20) == 0
    broker.check_data = False


def test_memory_that_stays_full_is_named(make_broker, frozen_disk):
    broker = make_broker("health.disk.timeout=60s", "health.ingest.timeout=1s",
                         "health.disk.free.min=0", "memory.ceiling=32MiB")
    broker.data = str(frozen_disk / "data")
    broker.start()
    publishing.publish_numbers(broker, 1)
    freeze(frozen_disk)
    try:
        floods = [socket.create_connection((harness.LOOPBACK, broker.mqtt_port)) for _ in range(8)]
        for number, flood in enumerate(floods):
            flood.setblocking(False)
            data = raw_mqtt.connect(f"flood{number}") + b"".join(
                raw_mqtt.publish("t", os.urandom(300_000), packet) for packet in range(1, 8))
            push(flood, data)
        harness.eventually(lambda: "ingest" in admin.ready(broker)[1], seconds=20, what="red")
        thaw(frozen_disk)
        harness.eventually(lambda: admin.ready(broker) == (True, []), what="green again")
        for flood in floods:
            flood.close()
    finally:
        thaw(frozen_disk)
    broker.stop()
    broker.check_data = False


def push(flood, data):
    """Writes until the broker takes nothing more for a while."""
    while data:
        if not select.select([], [flood], [], 0.3)[1]:
            return
        data = data[flood.send(data[:65536]):]


@pytest.mark.parametrize("loop", ["mqtt", "kafka", "storage"])
def test_a_thread_that_hangs_turns_it_red_and_it_recovers_by_itself(make_broker, loop):
    # Nothing is published before: a storage thread that is held at its work counts as at the disk.
    broker = make_broker("health.loop.timeout=300ms").start()
    with thread_stop.stopped(broker.pid, f"headwater-{loop}"):
        harness.eventually(lambda: admin.ready(broker) == (False, ["loop"]), what="red")
        code, _, body = admin.request(broker, "/health/live")
        assert code == 503 and f"the {loop} thread" in body
        assert admin.metrics(broker)[f'headwater_loop_silence_seconds{{loop="{loop}"}}'] > 0.3
    harness.eventually(lambda: admin.ready(broker) == (True, []), what="green again")
    publishing.publish_numbers(broker, 1)
