"""Fixtures that start the real servers of `tests.servers`."""

import gc
import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from tests.frugal import forget_endpoints, keep_for_good, remember_parameters
from tests.servers import InfluxDB, Mosquitto, WebhookReceiver

# How long an example takes tells of the machine, not of the code.
settings.register_profile("whatever the load", deadline=None)
settings.load_profile("whatever the load")


def pytest_configure() -> None:
    """Compile parameters of routes once."""
    remember_parameters()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect thousands of tests, all of which stay, without looking again and again whether some could go."""
    gc.disable()
    try:
        return (yield)
    finally:
        keep_for_good()
        gc.enable()


def pytest_runtest_teardown() -> None:
    """Let go of the API that a test made."""
    forget_endpoints()


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
