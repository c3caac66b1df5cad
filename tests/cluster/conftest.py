"""One log of three nodes for all tests of a process: each test has a shard of its own in it."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.cluster.nats import NatsCluster


@pytest.fixture(scope="session")
def nodes() -> Iterator[NatsCluster]:
    """Give the log's nodes."""
    with NatsCluster() as cluster:
        yield cluster


@pytest.fixture
def log_nodes(nodes: NatsCluster) -> NatsCluster:
    """Give the log's nodes, all of them up."""
    nodes.start()
    return nodes


@pytest.fixture
def shard() -> str:
    """Give the name of a shard that no other test has."""
    return f"t{uuid4().hex[:12]}"
