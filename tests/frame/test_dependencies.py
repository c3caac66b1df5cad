"""What is delivered imports nothing that only a developer has installed.

A whole environment does not show it: there, every import succeeds.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

from tests.frame.repository import ROOT, text

DELIVERED = [ROOT / "src", ROOT / "simulators"]


def test_what_is_delivered_imports_what_the_project_depends_on() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    extras = project["optional-dependencies"].values()
    declared = {
        _name(entry) for entry in [*project["dependencies"], *(one for extra in extras for one in extra)]
    }
    declared |= {
        _name(entry) for one in declared for entry in requires(one) or []
    }  # starlette comes with fastapi
    distributions = packages_distributions()
    ours = {path.name for folder in DELIVERED for path in [folder, *folder.iterdir()]}
    foreign = {
        (module, str(path.relative_to(ROOT)))
        for folder in DELIVERED
        for path in folder.rglob("*.py")
        for module in _imported(path)
        if module not in ours | sys.stdlib_module_names
    }
    assert {"numpy", "yaml"} <= {module for module, _ in foreign}
    assert [
        (module, path)
        for module, path in sorted(foreign)
        if not declared & {_name(name) for name in distributions.get(module, [module])}
    ] == []


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _name(requirement: str) -> str:
    """Return the normalized name of a requirement or distribution (PEP 503)."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return re.sub(r"[-_.]+", "-", found[0]).lower()
