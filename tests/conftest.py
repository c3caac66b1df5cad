"""Fixtures that start the real servers of `tests.servers`."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.servers import InfluxDB, Mosquitto, WebhookReceiver

# How long an example takes tells of the machine, not of the code.
settings.register_profile("whatever the load", deadline=None)
settings.load_profile("whatever the load")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run for a skipped test where STACKMETER_FORBID_SKIPS is set, as scripts/test does with CI=true."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:  # a process beside others; the one that gathers them all has it
        return
    skipped = len(reporter.stats.get("skipped", []))
    if skipped and os.environ.get("STACKMETER_FORBID_SKIPS"):
        reporter.write_line(f"\n{skipped} skipped: STACKMETER_FORBID_SKIPS makes that a failure", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def mosquitto() -> Iterator[Mosquitto]:
    """Give a durable Mosquitto of the test's own."""
    with Mosquitto() as broker:
        yield broker


@pytest.fixture
def influx() -> Iterator[InfluxDB]:
    """Give an empty InfluxDB, behind the version 2 way to write, of the test's own."""
    with InfluxDB() as server:
        yield server


@pytest.fixture
def webhook_receiver() -> Iterator[WebhookReceiver]:
    """Give an HTTP server that records requests and answers by script."""
    with WebhookReceiver() as receiver:
        yield receiver
