"""The service unit, and what the broker tells a service manager (sd_notify(3))."""

import os
import re
import shutil
import socket
import subprocess
import time

import pytest

import admin
import harness
import publishing
import raw_kafka
import raw_mqtt
import thread_stop

from test_health import freeze, frozen_disk, thaw  # noqa: F401  pylint: disable=unused-import

UNIT = os.path.join(harness.ROOT, "systemd", "headwater.service")
# systemd's own words for the scale: 0 is closed, 10 is open; below 2 it calls a service OK.
EXPOSURE_MAX = 1.2


def analyze(*arguments):
    if not shutil.which("systemd-analyze"):
        pytest.fail("systemd-analyze is not installed: run scripts/setup")
    return subprocess.run(["systemd-analyze", *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, universal_newlines=True, check=False)


@pytest.fixture
def unit(tmp_path):
    """The unit with the binary under test in the place of the installed one."""
    with open(UNIT, encoding="utf-8") as file:
        text = file.read()
    assert "ExecStart=/usr/bin/headwater serve\n" in text
    path = tmp_path / "headwater.service"
    path.write_text(text.replace("/usr/bin/headwater", os.path.realpath(harness.BINARY)))
    return path


def test_systemd_understands_the_unit(unit):
    run = analyze("verify", "--man=no", str(unit))
    assert run.returncode == 0 and not run.stdout.strip(), run.stdout


def test_the_unit_leaves_little_open(unit):
    run = analyze("security", "--offline=true", f"--threshold={int(EXPOSURE_MAX * 10)}", str(unit))
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", run.stdout)
    assert level and float(level.group(1)) <= EXPOSURE_MAX, run.stdout
    assert run.returncode == 0, run.stdout


def test_an_error_that_only_a_person_can_mend_is_not_tried_again():
    with open(UNIT, encoding="utf-8") as file:
        line = next(line for line in file if line.startswith("RestartPreventExitStatus="))
    codes = {int(word) for word in line.partition("=")[2].split()}
    assert codes == {harness.EXIT_USAGE, harness.EXIT_UNWRITABLE, harness.EXIT_IN_USE,
                     harness.EXIT_UNSAFE, harness.EXIT_CONFIGURATION}
    with open(os.path.join(harness.ROOT, "docs", "OPERATING.md"), encoding="utf-8") as page:
        assert "not at all after 64, 73, 75, 77 and 78" in " ".join(page.read().split())


class Manager:
    """A service manager's end of the notify socket."""

    def __init__(self, name):
        self.name = name
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + name[1:] if name.startswith("@") else name)
        self.heard = []

    def listen(self, wanted, seconds=20):
        """Hears messages until one has the wanted assignment; when it came, and the message."""
        deadline = time.monotonic() + seconds
        while True:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                message = self.socket.recv(4096).decode()
            except TimeoutError:
                raise AssertionError(f"no {wanted} in {seconds} s, only {self.heard}") from None
            self.heard.append(message)
            if wanted in message.split("\n"):
                return time.monotonic(), message

    def drain(self):
        """What has come and was not heard yet."""
        found = []
        self.socket.setblocking(False)
        try:
            while True:
                found.append(self.socket.recv(4096).decode())
        except BlockingIOError:
            return found


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    name = str(tmp_path / "notify")
    one = Manager(name if request.param == "path" else f"@headwater-test-{os.getpid()}")
    yield one
    one.socket.close()


def start_under(manager, monkeypatch, broker, watchdog=None, pid=None):
    """Starts the broker with the manager's variables. `sh` first writes its own id into them, as
    systemd does."""
    monkeypatch.setenv("NOTIFY_SOCKET", manager.name)
    if watchdog:
        monkeypatch.setenv("WATCHDOG_USEC", str(int(watchdog * 1e6)))
    plain = broker.arguments
    variable = f"WATCHDOG_PID={pid or '$$'} " if watchdog else ""
    broker.arguments = lambda: ["sh", "-c", f'{variable}exec "$@"', "sh", *plain()]
    broker.launch()


def test_ready_comes_once_every_port_answers(make_broker, manager, monkeypatch):
    broker = make_broker()
    start_under(manager, monkeypatch, broker)
    _, message = manager.listen("READY=1")
    assert "STATUS=ready" in message.split("\n")
    with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
        assert raw.open("first") == 0
    with raw_kafka.RawKafka(broker.kafka_port) as kafka:
        kafka.metadata()
    assert admin.ready(broker) == (True, [])
    assert broker.stop() == 0
    manager.listen("STOPPING=1")
    assert "WATCHDOG=1" not in "".join(manager.heard), "no watchdog was asked for"


def test_the_watchdog_is_fed_within_half_its_time(make_broker, manager, monkeypatch):
    broker = make_broker()
    start_under(manager, monkeypatch, broker, watchdog=2)
    last, _ = manager.listen("READY=1")
    for _ in range(4):
        now, _ = manager.listen("WATCHDOG=1")
        assert now - last < 1.0
        last = now
    assert broker.stop() == 0


def test_a_watchdog_of_another_process_is_not_fed(make_broker, manager, monkeypatch):
    broker = make_broker()
    start_under(manager, monkeypatch, broker, watchdog=0.4, pid=1)
    manager.listen("READY=1")
    publishing.publish_numbers(broker, 20)
    assert broker.stop() == 0
    manager.listen("STOPPING=1")
    assert "WATCHDOG=1" not in "".join(manager.heard)


def test_a_thread_that_hangs_starves_the_watchdog(make_broker, manager, monkeypatch):
    broker = make_broker("health.loop.timeout=300ms")
    start_under(manager, monkeypatch, broker, watchdog=1)
    manager.listen("WATCHDOG=1")
    with thread_stop.stopped(broker.pid, "headwater-mqtt"):
        harness.eventually(lambda: not admin.ready(broker)[0], what="red")
        manager.drain()
        deadline = time.monotonic() + 1.5  # Longer than the watchdog's whole time.
        harness.eventually(lambda: time.monotonic() > deadline, what="that time")
        starved = manager.drain()
        assert starved and "WATCHDOG=1" not in starved, starved
        assert starved[-1].startswith("STATUS=not ready: the mqtt thread"), starved
    manager.listen("WATCHDOG=1")
    assert broker.stop() == 0


def test_a_hanging_disk_is_told_and_does_not_make_systemd_restart(
        make_broker, manager, monkeypatch, frozen_disk):  # noqa: F811
    broker = make_broker("health.disk.timeout=300ms", "health.loop.timeout=300ms",
                         "health.disk.free.min=0")
    broker.data = str(frozen_disk / "data")
    start_under(manager, monkeypatch, broker, watchdog=2)
    manager.listen("READY=1")
    publishing.publish_numbers(broker, 1)
    freeze(frozen_disk)
    try:
        with raw_mqtt.RawMQTT(broker.mqtt_port) as raw:
            assert raw.open("waiter") == 0
            raw.send(raw_mqtt.publish("t", b"held", 1))
            while not manager.heard[-1].startswith("STATUS=not ready: the disk"):
                message = manager.socket.recv(4096).decode()
                manager.heard.append(message)
            manager.listen("WATCHDOG=1")
            thaw(frozen_disk)
            publishing.take_acknowledgement(raw)
        manager.listen("STATUS=ready")
    finally:
        thaw(frozen_disk)
    assert broker.stop() == 0
    broker.check_data = False


def test_a_socket_that_nobody_reads_holds_up_nothing(make_broker, tmp_path, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nowhere"))
    broker = make_broker().start()
    assert broker.stop() == 0


def test_the_journal_gets_priorities_and_no_times(make_broker, monkeypatch):
    broker = make_broker()
    os.makedirs(broker.directory)
    # The numbers of the file that the broker's stderr will be.
    plain = broker.arguments
    broker.arguments = lambda: [
        "sh", "-c", 'JOURNAL_STREAM=$(stat -L -c %d:%i /dev/stderr) exec "$@"', "sh", *plain()]
    broker.start()
    assert broker.stop() == 0
    lines = broker.log().splitlines()
    assert lines and all(line.startswith("<6>info ") for line in lines), lines
    monkeypatch.setenv("JOURNAL_STREAM", "1:1")
    broker.arguments = plain
    broker.start()
    assert broker.stop() == 0
    assert broker.log().startswith("20"), "stderr is not the journal"
