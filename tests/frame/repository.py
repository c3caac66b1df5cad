"""The repository's own files, as the tests of the frame read them."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]


def text(path: str) -> str:
    """Return a file of the repository; the path is relative to its root."""
    return (ROOT / path).read_text(encoding="utf-8")


def yaml(path: str) -> Any:
    """Return a YAML file of the repository as plain Python values."""
    return YAML(typ="safe").load(text(path))
