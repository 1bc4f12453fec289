"""Runs a broker for a test: free ports, a data folder of its own, its log kept for the failure.

A test never sleeps to wait: `eventually` waits for a condition with a deadline.
"""

import contextlib
import os
import random
import select
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BINARY = os.environ.get("HEADWATER_BIN", os.path.join(ROOT, ".build", "release", "headwater"))
LOOPBACK = "127.0.0.1"
GIVEN_PORTS = set()

# Exit codes of `headwater serve`, as docs/OPERATING.md lists them.
EXIT_USAGE = 64
EXIT_PORT_BUSY = 69
EXIT_UNWRITABLE = 73
EXIT_STORAGE = 74
EXIT_IN_USE = 75
EXIT_UNSAFE = 77
EXIT_CONFIGURATION = 78


def eventually(condition, seconds=10, what="the condition"):
    """Waits until `condition()` is true, and returns what it returned."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true in {seconds} s")
        select.select([], [], [], 0.01)


def free_port():
    """A port of the loopback that nobody listens on now. Below those that the kernel gives to
    outgoing connections, so that none of these takes it before the broker does. Never given twice:
    a port that its broker has not bound yet looks as free as it did the first time. Tests that run
    beside each other (pytest-xdist) take theirs from ranges of their own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    width = 12_000 // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    while True:
        port = 20_000 + worker * width + random.randrange(width)
        if port in GIVEN_PORTS:
            continue
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
                GIVEN_PORTS.add(port)
                return port
            except OSError:
                continue


def clean_environment():
    """Ours without HEADWATER_..., which the broker would read as configuration."""
    return {k: v for k, v in os.environ.items() if not k.startswith("HEADWATER_")}


def run_headwater(*arguments, seconds=30, environment=None):
    """Runs one command of the binary to its end."""
    return subprocess.run(
        [BINARY, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, universal_newlines=True, timeout=seconds, check=False,
        env=environment or clean_environment())


class Broker:
    """One `headwater serve`, which can be stopped, killed and started again on the same data."""

    def __init__(self, directory, *settings, options=(), mqtt_port=None, kafka_port=None,
                 http_port=None):
        self.directory = str(directory)
        self.data = os.path.join(self.directory, "data")
        self.mqtt_port = mqtt_port or free_port()
        self.kafka_port = kafka_port or free_port()
        self.http_port = http_port or free_port()
        self.settings = list(settings)
        self.options = list(options)
        self.process = None
        self.starts = 0
        self.check_data = True  # Whether the log must be whole when the test is over.
        self.allows_gaps = False  # Whether offsets may be missing then.

    @property
    def mqtt(self):
        return f"{LOOPBACK}:{self.mqtt_port}"

    @property
    def kafka(self):
        return f"{LOOPBACK}:{self.kafka_port}"

    @property
    def http(self):
        return f"{LOOPBACK}:{self.http_port}"

    @property
    def pid(self):
        return self.process.pid

    def arguments(self):
        command = [BINARY, "serve", "--data", self.data, "--mqtt", self.mqtt, "--kafka", self.kafka,
                   "--http", self.http]
        for setting in self.settings:
            command += ["--set", setting]
        return command + self.options

    def start(self, seconds=30):
        """Starts it, and waits for its line `ready`."""
        self.launch()
        eventually(self.is_ready_or_gone, seconds, "'ready' on the broker's stdout")
        if self.process.poll() is not None:
            code = self.process.returncode
            raise AssertionError(f"the broker ended with {code} at its start:\n{self.log()}")
        return self

    def launch(self):
        """Starts it, and waits for nothing."""
        os.makedirs(self.directory, exist_ok=True)
        self.starts += 1
        with open(self.path("out"), "wb") as out, open(self.path("log"), "wb") as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                self.arguments(), stdin=subprocess.DEVNULL, stdout=out, stderr=log,
                env=clean_environment())

    def path(self, kind, start=None):
        return os.path.join(self.directory, f"{start or self.starts}.{kind}")

    def is_ready_or_gone(self):
        return "ready" in self.output().splitlines() or self.process.poll() is not None

    def output(self):
        """What this start wrote to stdout."""
        return read_text(self.path("out"))

    def log(self):
        """What this start wrote to stderr: one event a line."""
        return read_text(self.path("log"))

    def all_logs(self):
        return "".join(
            f"--- start {n}\n{read_text(self.path('out', n))}{read_text(self.path('log', n))}"
            for n in range(1, self.starts + 1))

    def log_lines(self, *words):
        """The log's lines that have all these words."""
        return [line for line in self.log().splitlines() if all(word in line for word in words)]

    @property
    def runs(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, with_signal=signal.SIGTERM, seconds=20):
        """Stops it in order, and returns its exit code."""
        if self.process is None:
            return None
        if self.runs:
            self.process.send_signal(with_signal)
        return self.process.wait(timeout=seconds)

    def kill(self):
        """kill -9: no handler runs, nothing is flushed."""
        self.process.kill()
        self.process.wait(timeout=20)

    def restart(self):
        code = self.stop()
        assert code == 0, f"a clean stop ends with 0, not {code}:\n{self.log()}"
        return self.start()

    def partition(self, topic="mqtt", number=0):
        """The folder of one partition."""
        for folder, names, _ in os.walk(self.data):
            if f"{topic}-{number}" in names:
                return os.path.join(folder, f"{topic}-{number}")
        raise AssertionError(f"no folder {topic}-{number} below {self.data}")

    def segment_sizes(self, topic="mqtt", number=0):
        """How large the segments are, oldest first."""
        folder = self.partition(topic, number)
        sizes = []
        for name in sorted(os.listdir(folder)):
            try:
                if name.endswith(".log"):
                    sizes.append(os.path.getsize(os.path.join(folder, name)))
            except FileNotFoundError:
                pass  # Deleted meanwhile.
        return sizes

    def log_bytes(self, topic="mqtt"):
        """All segments' bytes, in order."""
        folder = self.partition(topic)
        names = sorted(name for name in os.listdir(folder) if name.endswith(".log"))
        pieces = []
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                pieces.append(file.read())
        return b"".join(pieces)


def open_files(pid):
    """What a process has open, as the kernel names it."""
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            yield os.readlink(f"/proc/{pid}/fd/{number}")
        except OSError:
            continue  # It was closed meanwhile.


def read_text(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def check_log_files(data, allows_gaps=False):
    """Lets the independent reader judge every stored batch."""
    options = ["--allow-gaps"] if allows_gaps else []
    run = subprocess.run(
        [sys.executable, os.path.join(HERE, "read_log.py"), *options, data], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, universal_newlines=True, timeout=120, check=False)
    assert run.returncode == 0, f"read_log.py finds fault with {data}:\n{run.stdout[-4000:]}"


class Reader:
    """Reads a child's output lines in the background, so that it can never block on a full pipe."""

    def __init__(self, command, **options):
        self.lines = []
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            universal_newlines=True, bufsize=1, **options)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_for_lines(self, count, seconds=15):
        eventually(lambda: len(self.lines) >= count or self.process.poll() is not None,
                   seconds, f"{count} lines (got {len(self.lines)}: {self.lines[-3:]})")
        self.thread.join(timeout=0.2 if self.process.poll() is None else 10)
        assert len(self.lines) >= count, f"ended after {len(self.lines)} lines: {self.lines[-5:]}"
        return self.lines[:count]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=10)
        self.thread.join(timeout=10)


@contextlib.contextmanager
def reading(command, **options):
    reader = Reader(command, **options)
    try:
        yield reader
    finally:
        reader.stop()
