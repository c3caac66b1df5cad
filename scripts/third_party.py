"""Prints the licences of everything that a release depends on, with their texts as the installed packages bring them.

What a package has compiled in from other languages is told as far as its own files tell it.
"""

import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

OURS = "stackmeter"
TEXTS = re.compile(r"(licen[cs]e|copying|notice|authors)", re.IGNORECASE)


def notices(bill: str) -> Iterator[str]:
    """Yield the notice of each component of a CycloneDX bill of materials (JSON), in its order, each name once."""
    names = dict.fromkeys(component["name"] for component in json.loads(bill)["components"])
    for name in names:
        if name != OURS:
            yield f"{'=' * 100}\n{_notice(name)}"


def _notice(name: str) -> str:
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return f"{name}: not part of an installation on this system\n"
    texts = list(_texts(found)) or ["The package has no licence text."]
    return "\n\n".join([f"{name} {found.version}: {licence(found)}", *texts]) + "\n"


def licence(found: Distribution) -> str:
    """Return the licence of a package as its metadata say."""
    data = found.metadata
    said = data.get("License-Expression") or data.get("License") or ""
    if said and "\n" not in said:
        return said
    classified = [one for one in data.get_all("Classifier") or [] if one.startswith("License ::")]
    return ", ".join(one.rpartition(" :: ")[2] for one in classified) or "licence not said in its metadata"


def _texts(found: Distribution) -> Iterator[str]:
    for file in found.files or []:
        if TEXTS.match(file.name) and ".dist-info" in str(file):
            yield f"--- {file.name}\n\n{file.read_text(encoding='utf-8').strip()}"


if __name__ == "__main__":
    print("\n".join(notices(Path(sys.argv[1]).read_text(encoding="utf-8"))))
