"""Words in braces that a text of the configuration has filled in when it is told: each must be one that there is."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from plant.documents.documents import Placed
from plant.documents.findings import Findings
from plant.documents.texts import TextPart
from plant.suggest import did_you_mean

WORDS = (
    "value",
    "limit",
    "unit",
    "subject",
)  # that every text of an alert may use, besides what it is of and its labels
TEXTS = ("summary", "description", "first_action")

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def check_texts(part: Placed[Any], subject: str, known: Iterable[str], findings: Findings) -> None:
    """Refuse words in an alert's texts that nothing fills in, and any in its runbook, which is told as it stands."""
    names = [*WORDS, *known]
    for key in TEXTS:
        text: TextPart | None = getattr(part.value, key)
        for word in _words(f"{text.vi}\n{text.en}") if text else ():
            if word not in names:
                hint = did_you_mean(word, names)
                findings.refuse(part, f"there is no {{{word[:40]}}} of a {subject}{hint}", key)
    for word in _words(part.value.runbook or ""):
        findings.refuse(part, f"{{{word[:40]}}} is not filled in here: write the whole address", "runbook")


def _words(text: str) -> Sequence[str]:
    return sorted(set(_PLACEHOLDER.findall(text)))
