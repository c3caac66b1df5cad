"""Each folder of `cases` is a configuration and, in `expected.txt`, all that is said of it; `loads` if it is valid."""

from pathlib import Path

import pytest

from plant.configuration.load import load
from plant.documents.problems import ConfigurationError
from tests.plant.catalogue import SmallCatalogue

CASES = sorted((Path(__file__).parent / "cases").iterdir())


def told(directory: Path) -> str:
    """Return every problem on a line of its own, its file without the folder."""
    try:
        load(directory, SmallCatalogue(), environment={})
    except ConfigurationError as error:
        return f"{error}\n".replace(f"{directory}/", "").replace(str(directory), ".")
    return "loads\n"


@pytest.mark.parametrize("directory", CASES, ids=lambda case: case.name.replace("bc-", "bc"))
def test_a_configuration_is_answered_as_expected(directory: Path) -> None:
    expected = (directory / "expected.txt").read_text(encoding="utf-8")

    assert told(directory) == expected
