"""One service that knows two years: what is asked of it changes nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reports.year import MONTHS, Year


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    """All of whose months but the last are closed."""
    folder = Path(tmp_path_factory.mktemp("papers")) / "state"
    folder.mkdir()
    made = Year(folder)
    made.close_months(MONTHS[:-1])
    yield made
    made.close()
