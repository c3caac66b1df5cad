"""The real brokers, each started once for all tests of a file."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import lru_cache

import pytest

from tests.brokers.kinds import OtherBroker


@pytest.fixture(scope="module")
def running() -> Iterator[Callable[[type[OtherBroker]], OtherBroker]]:
    """Give the one broker of a kind, which each test leaves running."""
    with ExitStack() as opened:
        yield lru_cache(lambda kind: opened.enter_context(kind()))
