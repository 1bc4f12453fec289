"""The scripts of this repository, as far as they can be tried without changing the machine."""

import os
import shutil
import subprocess
import tarfile

import pytest

import harness

SCRIPTS = os.path.join(harness.ROOT, "scripts")
RELEASES = {"12": ("debian12", "6.3.1"), "13": ("debian13", "6.4.0")}


def run_script(name, *arguments, seconds=120, **environment):
    return subprocess.run(
        [os.path.join(SCRIPTS, name), *arguments], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True,
        timeout=seconds, check=False, env={**harness.clean_environment(), **environment})


@pytest.mark.parametrize("name", ["setup", "install-swift", "quickstart", "test", "bench"])
def test_each_script_has_help_and_refuses_unknown_options(name):
    asked = run_script(name, "--help")
    assert asked.returncode == 0 and asked.stdout.startswith(f"usage: scripts/{name}")
    refused = run_script(name, "--nonsense")
    assert refused.returncode == 64 and "--nonsense" in refused.stdout


class FakeDownloads:
    """A folder laid out like download.swift.org, with a toolchain that only says its version."""

    def __init__(self, folder, debian):
        self.folder = folder
        platform, self.version = RELEASES[debian]
        machine = os.uname().machine
        platform += "" if machine == "x86_64" else f"-{machine}"
        name = f"swift-{self.version}-RELEASE"
        self.place = folder / f"swift-{self.version}-release" / platform / name
        self.archive = self.place / f"{name}-{platform}.tar.gz"
        self.gnupg = folder / "gnupg"
        self.gnupg.mkdir(mode=0o700)
        (folder / "os-release").write_text(f"ID=debian\nVERSION_ID={debian}\n")
        self.pack(name)
        self.key = self.make_key()
        self.gpg("--detach-sign", "--output", f"{self.archive}.sig", str(self.archive))

    def pack(self, name):
        self.place.mkdir(parents=True)
        tool = self.folder / "swift"
        tool.write_text(f"#!/bin/sh\necho 'Swift version {self.version} (swift-RELEASE)'\n")
        tool.chmod(0o755)
        with tarfile.open(self.archive, "w:gz") as archive:
            archive.add(tool, f"{name}-anything/usr/bin/swift")

    def make_key(self):
        self.gpg("--passphrase", "", "--quick-generate-key", "Test Key <test@invalid>", "ed25519")
        (self.folder / "keys.asc").write_text(self.gpg("--armor", "--export"))
        listed = self.gpg("--with-colons", "--list-keys")
        return next(line for line in listed.splitlines() if line.startswith("fpr")).split(":")[9]

    def gpg(self, *arguments):
        run = subprocess.run(
            ["gpg", "--homedir", str(self.gnupg), "--batch", "--pinentry-mode", "loopback",
             *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
            check=False)
        assert run.returncode == 0, run.stderr
        return run.stdout

    def install(self, home, **changes):
        environment = {
            "HEADWATER_SWIFT_HOME": str(home), "HEADWATER_SWIFT_DOWNLOADS": f"file://{self.folder}",
            "HEADWATER_SWIFT_KEYS": f"file://{self.folder}/keys.asc",
            "HEADWATER_SWIFT_SIGNING_KEY": self.key,
            "HEADWATER_OS_RELEASE": str(self.folder / "os-release")}
        return run_script("install-swift", **{**environment, **changes})


@pytest.fixture(params=sorted(RELEASES))
def downloads(tmp_path, request):
    for tool in ("gpg", "gpg-agent", "curl"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    yield FakeDownloads(tmp_path, request.param)
    subprocess.run(["gpgconf", "--homedir", str(tmp_path / "gnupg"), "--kill", "gpg-agent"],
                   check=False)


def test_a_signed_toolchain_is_installed_and_a_second_run_does_nothing(downloads, tmp_path):
    home = tmp_path / "home" / "swift"
    first = downloads.install(home)
    assert first.returncode == 0, first.stdout
    assert (home / "usr/bin/swift").exists()
    second = downloads.install(home)
    assert second.returncode == 0 and "already" in second.stdout
    assert "Downloading" not in second.stdout


def test_a_changed_archive_is_refused_and_nothing_installed(downloads, tmp_path):
    with open(downloads.archive, "ab") as archive:
        archive.write(b"changed")
    run = downloads.install(tmp_path / "swift-home")
    assert run.returncode == 1 and "signature" in run.stdout
    assert not (tmp_path / "swift-home").exists()


def test_a_good_signature_of_another_key_is_refused(downloads, tmp_path):
    run = downloads.install(tmp_path / "swift-home", HEADWATER_SWIFT_SIGNING_KEY="0" * 40)
    assert run.returncode == 1 and "signature" in run.stdout
    assert not (tmp_path / "swift-home").exists()


def test_a_toolchain_that_is_not_there_is_one_clear_line(downloads, tmp_path):
    os.remove(downloads.archive)
    run = downloads.install(tmp_path / "swift-home")
    assert run.returncode == 1 and "could not download" in run.stdout.splitlines()[-1]


def test_an_unknown_system_is_told_where_to_look(downloads, tmp_path):
    (tmp_path / "os-release").write_text("ID=plan9\nVERSION_ID=4\n")
    run = downloads.install(tmp_path / "swift-home")
    assert run.returncode == 1 and "swift.org" in run.stdout


class FakeDebian:
    """Stand-ins for apt-get and a toolchain, first on the PATH: nothing real is installed."""

    def __init__(self, folder):
        self.folder, self.calls = folder, folder / "apt-calls"
        self.program("dpkg-query", "exit 1")
        self.program("apt-cache", "echo '  Candidate: 1.0'")
        self.program("apt-get", f'echo "$DEBIAN_FRONTEND $*" >>{self.calls}')
        # As the real one does, sudo takes no variable along.
        self.program("sudo", 'exec env -i PATH="$PATH" "$@"')
        lacking = "swift: error while loading shared libraries: libncurses.so.6: cannot open"
        self.program(
            "swift", f"grep -q libncurses-dev {self.calls} && echo 'Swift version 6.3.1' && exit\n"
            f"echo '{lacking}' >&2; exit 127")

    def program(self, name, text):
        (self.folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.folder / name).chmod(0o755)

    def run(self, name, *arguments):
        (self.folder / "os-release").write_text("ID=debian\nVERSION_ID=12\n")
        return run_script(
            name, *arguments, PATH=f"{self.folder}:{os.environ['PATH']}",
            HEADWATER_SWIFT_HOME=str(self.folder / "none"),
            HEADWATER_OS_RELEASE=str(self.folder / "os-release"))


def test_a_swift_without_its_libraries_gets_them_and_nobody_is_asked(tmp_path):
    debian = FakeDebian(tmp_path)
    run = debian.run("setup", "--runtime-only")
    assert run.returncode == 0 and run.stdout.splitlines()[-1] == "==> Ready.", run.stdout
    assert "not the libraries that it needs" in run.stdout
    installs = [line for line in debian.calls.read_text().splitlines() if " install " in line]
    assert len(installs) == 2
    assert all(line.startswith("noninteractive install -y") for line in installs)


def test_a_missing_swift_is_told_with_its_steps(tmp_path):
    debian = FakeDebian(tmp_path)
    debian.program("swift", "exit 127")
    run = debian.run("setup", "--runtime-only")
    assert run.returncode == 1
    assert "tar -xzf swift-6.3.1-RELEASE" in run.stdout
    assert "--install-swift" in run.stdout.splitlines()[-1]


def test_the_quickstart_runs_and_stops_by_itself(tmp_path):
    addresses = [f"{harness.LOOPBACK}:{harness.free_port()}" for _ in range(2)]
    run = run_script(
        "quickstart", "--seconds", "4", HEADWATER_BIN=harness.BINARY,
        HEADWATER_DATA=str(tmp_path / "data"), HEADWATER_MQTT=addresses[0],
        HEADWATER_KAFKA=addresses[1], HEADWATER_HTTP=f"{harness.LOOPBACK}:{harness.free_port()}")
    assert run.returncode == 0, run.stdout
    assert f"MQTT  listening on {addresses[0]}" in run.stdout
    shown = run.stdout.split("as they arrive")[1].splitlines()
    assert len(shown) > 10, run.stdout
    assert f"-p {addresses[0].split(':')[1]} " in run.stdout
    assert f"Stopped. The records stay in {tmp_path / 'data'}" in run.stdout
    harness.check_log_files(str(tmp_path / "data"))


def test_the_quickstart_names_a_busy_port(broker, tmp_path):
    run = run_script(
        "quickstart", "--seconds", "4", HEADWATER_BIN=harness.BINARY,
        HEADWATER_DATA=str(tmp_path / "data"), HEADWATER_MQTT=broker.mqtt,
        HEADWATER_KAFKA=f"{harness.LOOPBACK}:{harness.free_port()}",
        HEADWATER_HTTP=f"{harness.LOOPBACK}:{harness.free_port()}")
    assert run.returncode == harness.EXIT_PORT_BUSY, run.stdout
    assert str(broker.mqtt_port) in run.stdout


def test_results_are_added_up(tmp_path):
    (tmp_path / "a.xml").write_text(
        '<testsuites><testsuite><testcase name="1"/><testcase name="2"><failure/></testcase>'
        '<testcase name="3"><skipped/></testcase></testsuite></testsuites>')
    run = subprocess.run(
        ["python3", os.path.join(SCRIPTS, "sum_results.py"), str(tmp_path)],
        stdout=subprocess.PIPE, universal_newlines=True, check=False)
    assert run.returncode == 1
    assert run.stdout.splitlines()[-1] == "1 passed, 1 failed, 1 skipped"
