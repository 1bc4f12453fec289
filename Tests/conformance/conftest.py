"""Fixtures: a broker that is started for one test and stopped in order after it."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import harness  # noqa: E402


def pytest_sessionstart(session):
    if not os.path.exists(harness.BINARY):
        pytest.exit(f"no broker at {harness.BINARY}: run scripts/test, or set HEADWATER_BIN", 2)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what its brokers wrote."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for broker in getattr(item, "brokers", []):
            report.sections.append((f"broker in {broker.directory}", broker.all_logs()[-8000:]))


@pytest.fixture
def make_broker(tmp_path, request):
    """Makes brokers that are not started yet. Afterwards each that runs must stop with 0 at a
    SIGTERM, and the independent reader must find every data folder whole."""
    brokers = []
    request.node.brokers = brokers

    def make(*settings, **options):
        broker = harness.Broker(tmp_path / f"broker{len(brokers) + 1}", *settings, **options)
        brokers.append(broker)
        return broker

    yield make
    codes = [broker.stop() for broker in brokers if broker.runs]
    assert codes == [0] * len(codes), "every broker stops cleanly at SIGTERM"
    for broker in brokers:
        if broker.check_data and os.path.isdir(broker.data):
            harness.check_log_files(broker.data, broker.allows_gaps)


@pytest.fixture
def broker(make_broker):
    """A running broker with the defaults."""
    return make_broker().start()
