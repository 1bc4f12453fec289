"""What an operator meets: a clear line, an exit code of its own, and nothing touched."""

import os
import signal
import socket
import subprocess

import pytest

import harness
import kafka_reading
import publishing
import raw_kafka


def refusal(broker, code, *words):
    """Starts a broker that must refuse, and returns its one line on stderr."""
    broker.check_data = False
    broker.launch()
    assert broker.process.wait(timeout=20) == code, broker.all_logs()
    lines = [line for line in broker.log().splitlines() if line.startswith("headwater: ")]
    assert len(lines) == 1, f"one clear line, not:\n{broker.log()}"
    for word in words:
        assert word in lines[0], f"'{word}' is not in: {lines[0]}"
    assert "ready" not in broker.output().splitlines()
    return lines[0]


def tree(folder):
    """Every file's size and time, to see that nothing was touched."""
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            entry = os.stat(os.path.join(path, name))
            found[os.path.join(path, name)] = (entry.st_size, entry.st_mtime_ns)
    return found


def test_serve_says_where_it_listens_and_where_data_lies(broker):
    lines = broker.output().splitlines()
    assert f"MQTT  listening on {broker.mqtt}" in lines
    assert f"Kafka listening on {broker.kafka}" in lines
    assert f"data in {broker.data}" in lines
    assert lines[-1] == "ready"


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_it_cleanly(broker, with_signal):
    publishing.publish_numbers(broker, 10)
    assert broker.stop(with_signal) == 0
    broker.start()
    assert len(kafka_reading.read_all(broker)) == 10


def test_a_stop_with_clients_connected_is_clean_and_quick(broker):
    open_sockets = [socket.create_connection((harness.LOOPBACK, port))
                    for port in (broker.mqtt_port, broker.kafka_port) for _ in range(20)]
    assert broker.stop(seconds=15) == 0
    for one in open_sockets:
        one.close()


def test_a_second_instance_on_the_data_folder_is_refused(broker, make_broker):
    second = make_broker()
    second.data = broker.data
    before = tree(broker.data)
    refusal(second, harness.EXIT_IN_USE, broker.data)
    assert tree(broker.data) == before
    publishing.publish_numbers(broker, 1)


@pytest.mark.parametrize("face", ["mqtt", "kafka"])
def test_a_busy_port_is_refused(make_broker, face):
    with socket.socket() as taken:
        taken.bind((harness.LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        refusal(make_broker(**{f"{face}_port": port}), harness.EXIT_PORT_BUSY, str(port))


def test_a_data_folder_below_a_file_is_refused(make_broker, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    broker = make_broker()
    broker.data = str(tmp_path / "file" / "data")
    refusal(broker, harness.EXIT_UNWRITABLE, broker.data)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused(make_broker, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o555)
    broker = make_broker()
    broker.data = str(tmp_path / "closed" / "data")
    refusal(broker, harness.EXIT_UNWRITABLE, broker.data)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own with 24 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "headwater-test", str(place)]
    made = subprocess.run(mount, stderr=subprocess.PIPE, universal_newlines=True, check=False)
    if made.returncode:
        pytest.skip(f"this user can't mount a tmpfs: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_read_only_file_system_is_refused(make_broker, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    broker = make_broker()
    broker.data = str(small_disk / "data")
    refusal(broker, harness.EXIT_UNWRITABLE, broker.data)


def fill(place, leave_kib=0):
    """Fills the file system, but for so many KiB."""
    chunk = bytes(64 * 1024)
    with open(place / "ballast", "ab", buffering=0) as file:
        try:
            while True:
                file.write(chunk)
        except OSError:
            pass
        size = os.fstat(file.fileno()).st_size
    os.truncate(place / "ballast", max(0, size - leave_kib * 1024))


def test_a_full_disk_at_the_start_is_refused(make_broker, small_disk):
    fill(small_disk)
    broker = make_broker()
    broker.data = str(small_disk / "data")
    broker.check_data = False
    broker.launch()
    code = broker.process.wait(timeout=20)
    assert code in (harness.EXIT_STORAGE, harness.EXIT_UNWRITABLE), broker.all_logs()
    assert broker.log_lines("headwater: "), broker.all_logs()


def test_a_disk_that_fills_up_loses_nothing_acknowledged(make_broker, small_disk):
    broker = make_broker()
    broker.data = str(small_disk / "data")
    broker.start()
    publishing.publish_numbers(broker, 20)
    fill(small_disk, leave_kib=256)
    acknowledged = publish_until_refused(broker)
    code = broker.stop() if broker.runs else broker.process.returncode
    assert code in (0, harness.EXIT_STORAGE), broker.all_logs()
    assert broker.log().strip(), "a full disk is logged"
    os.remove(small_disk / "ballast")
    broker.start()
    values = {record.value for record in kafka_reading.read_all(broker)}
    missing = [payload for payload in acknowledged if payload not in values]
    assert not missing, f"{len(missing)} of {len(acknowledged)} acknowledged records are lost"
    # The shared check looks at the folder after the disk is gone; look now.
    assert broker.stop() == 0
    harness.check_log_files(broker.data)
    broker.check_data = False


def publish_until_refused(broker):
    """Publishes what does not compress until no acknowledgement comes; what was acknowledged."""
    acknowledged = []
    try:
        for _ in range(2000):
            payload = os.urandom(16 * 1024)
            publishing.publish(broker, [("fill", payload)])
            acknowledged.append(payload)
    except (AssertionError, OSError):
        pass
    return acknowledged


@pytest.mark.parametrize("option", ["--mqtt", "--kafka"])
def test_off_loopback_is_refused_without_insecure(make_broker, option):
    refusal(make_broker(options=[option, f"0.0.0.0:{harness.free_port()}"]),
            harness.EXIT_UNSAFE, "--insecure")


def test_insecure_lets_it_listen_off_loopback(make_broker):
    port = harness.free_port()
    broker = make_broker(options=["--mqtt", f"0.0.0.0:{port}", "--insecure"]).start()
    assert f"0.0.0.0:{port}" in broker.output()


def test_an_unknown_key_is_refused_and_the_nearest_named(make_broker):
    refusal(make_broker("log.segment.byte=1MiB"), harness.EXIT_CONFIGURATION,
            "log.segment.byte", "did you mean 'log.segment.bytes'?")


def test_a_value_out_of_range_is_refused(make_broker):
    refusal(make_broker("log.segment.bytes=3"), harness.EXIT_CONFIGURATION, "log.segment.bytes")


def test_a_bad_configuration_file_is_named_with_line_and_column(make_broker, tmp_path):
    path = tmp_path / "headwater.yaml"
    path.write_text("node:\n  id: 1\nlog:\n  segment.bites: 1MiB\n")
    refusal(make_broker(options=["--config", str(path)]), harness.EXIT_CONFIGURATION,
            f"{path}:4:3", "log.segment.bytes")


def test_a_missing_configuration_file_is_refused(make_broker, tmp_path):
    path = str(tmp_path / "nowhere.yaml")
    refusal(make_broker(options=["--config", path]), harness.EXIT_CONFIGURATION, path)


def test_a_folder_as_configuration_file_is_refused(make_broker, tmp_path):
    refusal(make_broker(options=["--config", str(tmp_path)]), harness.EXIT_CONFIGURATION,
            f"{tmp_path}: is a folder")


def test_broken_yaml_is_refused_with_its_place(make_broker, tmp_path):
    path = tmp_path / "headwater.yaml"
    path.write_text("log: [\n")
    refusal(make_broker(options=["--config", str(path)]), harness.EXIT_CONFIGURATION, f"{path}:2:1")


def test_one_address_for_both_listeners_is_refused(make_broker):
    port = harness.free_port()
    refusal(make_broker(mqtt_port=port, kafka_port=port), harness.EXIT_CONFIGURATION,
            "mqtt.listener", "kafka.listener", str(port))


@pytest.mark.parametrize("folder", ["", "~nobody/data"])
def test_a_data_folder_without_a_clear_place_is_refused(make_broker, folder):
    broker = make_broker()
    broker.data = folder
    refusal(broker, harness.EXIT_CONFIGURATION, "data")


def test_a_node_id_that_the_folder_does_not_have_is_logged(make_broker):
    broker = make_broker("node.id=3").start()
    assert broker.stop() == 0
    broker.settings = [one for one in broker.settings if "node.id" not in one] + ["node.id=7"]
    broker.start()
    lines = broker.log_lines("node.id")
    assert any("configured=7" in line and "kept=3" in line for line in lines), broker.all_logs()


def test_a_configuration_file_is_read_and_flags_win(make_broker, tmp_path):
    port = harness.free_port()
    path = tmp_path / "headwater.yaml"
    path.write_text(f"kafka.advertised.listener: localhost:{port}\nmqtt.listener: 127.0.0.1:1\n")
    broker = make_broker(options=["--config", str(path)]).start()
    with raw_kafka.RawKafka(broker.kafka_port) as kafka:
        brokers, controller, _ = kafka.metadata()
    assert [(host, port_) for _, host, port_ in brokers] == [("localhost", port)]
    assert controller == brokers[0][0]
    broker.check_data = True


def test_a_wrong_option_is_a_usage_error():
    assert harness.run_headwater("serve", "--nonsense").returncode == harness.EXIT_USAGE


@pytest.mark.parametrize("command", [
    (), ("serve",), ("demo",), ("tail",), ("status",), ("config",), ("config", "describe")])
def test_every_command_has_help(command):
    run = harness.run_headwater(*command, "--help")
    assert run.returncode == 0 and "USAGE" in run.stdout


def test_config_describe_lists_the_keys():
    run = harness.run_headwater("config", "describe")
    assert run.returncode == 0
    for key in ("mqtt.listener", "kafka.listener", "log.segment.bytes", "memory.ceiling"):
        assert key in run.stdout


def test_demo_and_tail_without_a_broker_say_so():
    port = harness.free_port()
    for command in (["demo", "--mqtt"], ["tail", "mqtt", "--kafka"]):
        run = harness.run_headwater(*command, f"127.0.0.1:{port}", seconds=30)
        assert run.returncode not in (0, None)
        assert str(port) in run.stderr


def test_node_and_offsets_stay_over_restarts(broker):
    publishing.publish_numbers(broker, 3)
    with raw_kafka.RawKafka(broker.kafka_port) as kafka:
        before = kafka.metadata()[1]
    for expected in (3, 4):
        broker.restart()
        with raw_kafka.RawKafka(broker.kafka_port) as kafka:
            assert kafka.metadata()[1] == before
            assert kafka.list_offset("mqtt", -1)[2] == expected
        publishing.publish_numbers(broker, 1)


def test_the_log_is_one_event_a_line(broker):
    publishing.publish_numbers(broker, 1)
    assert broker.stop() == 0
    for line in broker.log().splitlines():
        time, level = line.split(" ")[:2]
        assert time[:2] == "20" and time.endswith("Z"), line
        assert level in ("debug", "info", "notice", "warning", "error"), line
