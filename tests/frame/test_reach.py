"""Whatever lives in src is part of the product: a command or a simulator leads to it, not a test alone."""

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = [*(path for path in (ROOT / "src").iterdir() if path.is_dir()), ROOT / "simulators"]
FOUND_BY_NAME = {  # whoever looks in a folder has all modules of it, and who starts a process by a module's name that module
    "rules.catalogue": "rules.methods.",
    "reports.catalogue": "reports.forms.",
    "ingest.formats.decoder": "ingest.formats.",
    "stackmeter.projection.process": "stackmeter.projection.worker",
    "stackmeter.field.device_trials": "simulators.",
}


def _name(folder: Path, file: Path) -> str:
    return ".".join(file.relative_to(folder.parent).with_suffix("").parts).removesuffix(".__init__")


MODULES = {_name(folder, file): file for folder in FOLDERS for file in folder.rglob("*.py")}


def imported(module: str) -> Iterator[str]:
    """Yield the modules that one imports, wherever in it; of `from a import b` both a and a.b, where they are modules."""
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
    if module in FOUND_BY_NAME:
        yield from (name for name in MODULES if name.startswith(FOUND_BY_NAME[module]))


def reached(first: str) -> set[str]:
    """Return what a module imports, and what that imports, with the packages in which these are."""
    found, left = set(), [first]
    while left:
        module = left.pop()
        if module in found:
            continue
        if module in MODULES:
            found.add(module)
            left += imported(module)
        left += [module.rpartition(".")[0]] if "." in module else []
    return found


def test_house_7_the_commands_reach_every_module() -> None:
    assert sorted(MODULES.keys() - reached("stackmeter.cli")) == []


def test_what_looks_in_a_folder_is_itself_reached() -> None:
    assert FOUND_BY_NAME.keys() <= reached("stackmeter.cli")
    assert all(find_spec(prefix.rstrip(".")) for prefix in FOUND_BY_NAME.values())
