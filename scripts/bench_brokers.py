"""Starts the brokers that scripts/bench measures, each on free ports with a folder of its own."""

import os
import random
import select
import shutil
import socket
import subprocess
import tempfile
import time

LOOPBACK = "127.0.0.1"
HEADWATER = os.environ["HEADWATER_BIN"]
MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"

# As fair as it can be: no limit that makes it drop or wait, nothing stored, nothing logged.
MOSQUITTO_SETTINGS = """listener {port} 127.0.0.1
allow_anonymous true
max_inflight_messages 0
max_queued_messages 0
max_connections -1
set_tcp_nodelay true
log_type none
persistence false
"""


class Failed(Exception):
    """A broker or a load that did not do what it was asked."""


def free_port():
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
                return port
            except OSError:
                continue


def wait_for(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"{what} did not come in {seconds} s")
        select.select([], [], [], 0.01)


def answers(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


class Broker:
    """A broker's process while a load runs, to be used in a `with`."""

    kafka = None
    durability = None

    def __init__(self):
        self.folder = None
        self.mqtt = free_port()
        self.process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def launch(self, arguments, environment=None):
        with open(self.path("out"), "wb") as out, open(self.path("log"), "wb") as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=log, env=environment)

    def path(self, name):
        self.folder = self.folder or tempfile.mkdtemp(prefix="headwater-bench-")
        return os.path.join(self.folder, name)

    def check_running(self):
        if self.process.poll() is not None:
            with open(self.path("log"), encoding="utf-8", errors="replace") as log:
                raise Failed(f"the broker ended with {self.process.returncode}: {log.read()}")
        return True

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


class Headwater(Broker):
    """Ours, with its defaults and what the command line set."""

    name = "headwater"

    def __init__(self, settings=(), wrapper=(), binary=HEADWATER):
        super().__init__()
        self.kafka = free_port()
        self.settings = list(settings)
        self.wrapper = list(wrapper)
        self.binary = binary

    def start(self):
        command = self.wrapper + [
            self.binary, "serve", "--data", self.path("data"),
            "--mqtt", f"{LOOPBACK}:{self.mqtt}", "--kafka", f"{LOOPBACK}:{self.kafka}"]
        for setting in self.settings:
            command += ["--set", setting]
        # What the environment sets would be part of no report.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HEADWATER_")}
        self.launch(command, environment)
        wait_for(self.is_ready, 120, "the broker's line 'ready'")

    def is_ready(self):
        self.check_running()
        with open(self.path("out"), encoding="utf-8", errors="replace") as out:
            return "ready" in out.read().splitlines()


class Mosquitto(Broker):
    """The peer, which stores nothing."""

    name = "mosquitto"
    durability = "none: nothing is stored"

    def start(self):
        with open(self.path("conf"), "w", encoding="utf-8") as conf:
            conf.write(MOSQUITTO_SETTINGS.format(port=self.mqtt))
            if os.getuid() == 0:
                conf.write("user root\n")
        self.launch([MOSQUITTO, "-c", self.path("conf")])
        wait_for(lambda: self.check_running() and answers(self.mqtt), 20, "mosquitto's listener")
