"""One word for one thing: a name that public classes of several modules have stands here, with what it is in each."""

import ast
from collections import Counter
from pathlib import Path

SRC = Path(__file__).parents[2] / "src"

SAME_THING = {
    "Emissions": ("of windows, as the engine computes them", "of windows and sums, as the state holds them"),
    "Report": ("what restate found", "what tests of rules found", "what verify found"),
}
TO_BE_PARTED = {
    "Batch": ("a message of many readings", "the messages that the line takes at once"),
    "Entry": ("a row of the audit log", "a row of the ledger"),
    "Memory": ("what a frame of conditions needs of a state", "what a state remembers of a source's terms"),
    "Nature": ("of a term of a condition", "of a term of a formula"),
    "Numbers": ("methods whose factors change with time", "the state's numbers of what is configured"),
    "Part": ("of the live stream", "of a configuration", "of a condition"),
    "Period": ("a month that can be closed", "a stretch of time on a clock"),
    "Reader": ("of YAML", "of the state"),
    "Role": ("what a caller may do", "an input of a method"),
    "Rows": ("readings that conditions look at", "the readings of one message"),
    "Status": ("of a gateway", "of an hour under a regulation", "of a month"),
    "Term": ("of a condition", "of a formula"),
    "Terms": ("the limits of an MQTT connection", "what turns amounts into tonnes"),
    "Turn": ("a Sparkplug device that came or went", "what a receiver is told now"),
}


def modules_by_name() -> Counter[str]:
    """Return how many modules have a public class of each name."""
    found: Counter[str] = Counter()
    for file in SRC.rglob("*.py"):
        top = ast.parse(file.read_text(encoding="utf-8")).body
        found.update({one.name for one in top if isinstance(one, ast.ClassDef) and one.name[0] != "_"})
    return found


def test_house_5_a_class_name_of_several_modules_has_a_meaning_in_each() -> None:
    """A new class needs a name that says what tells it from the other; a name that is parted goes from the table."""
    shared = {name: count for name, count in modules_by_name().items() if count > 1}

    assert shared == {name: len(meanings) for name, meanings in (SAME_THING | TO_BE_PARTED).items()}
