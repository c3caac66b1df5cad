"""A state database with senders on it, and a second receiver beside `webhook_receiver`."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.notify.state import Bench
from tests.servers import WebhookReceiver


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Give a new state and a clock that stands."""
    found = Bench(tmp_path)
    with closing(found.line):
        yield found


@pytest.fixture
def pager() -> Iterator[WebhookReceiver]:
    """Give another receiver."""
    with WebhookReceiver() as receiver:
        yield receiver
