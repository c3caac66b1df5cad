"""Reads YAML as 1.2 means it: of plain words only numbers, `true`, `false` and `null` are no text.

PyYAML's own loaders follow YAML 1.1, where `no` is false, `1:30` is ninety and a date is no text.
"""

import re
from pathlib import Path
from typing import Any

from yaml import CSafeLoader, load

_NULL = re.compile(r"(~|null|Null|NULL|)$")
_TRUTH = re.compile(r"(true|True|TRUE|false|False|FALSE)$")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)$")
_NUMBER = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?$")
_MEANINGS = {"null": _NULL, "bool": _TRUTH, "int": _INTEGER, "float": _NUMBER}


class _Loader(CSafeLoader):
    yaml_implicit_resolvers = {  # noqa: RUF012  # as its base declares it
        None: [(f"tag:yaml.org,2002:{name}", pattern) for name, pattern in _MEANINGS.items()]
    }


def read_yaml(path: Path) -> Any:
    """Return a file's one document as plain Python values, None where there is none.

    Raises
    ------
    OSError
        If the file cannot be read.
    yaml.YAMLError
        If it is no YAML; the message has the line.
    """
    return load(path.read_bytes(), _Loader)  # noqa: S506  # a kind of safe loader
