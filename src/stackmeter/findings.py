"""What a proof of the state finds, and how much it has proven."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Proof = Literal["ledger", "published", "totals", "recomputed", "readings"]
Kind = Literal["differs", "configuration", "unproven", "waiting"]

KEPT = 1000  # findings of a proof and kind that are kept one by one; all are counted

PROOFS: dict[Proof, str] = {
    "ledger": "each row of the ledger is bound to the one before, and none is missing",
    "published": "each window, and each regulated hour, is what its ledger said of it last",
    "totals": "each hour, day and month is the sum of its parts",
    "recomputed": "each window, and each regulated hour, follows from the stored readings",
    "readings": "each reading is what a message of the journal says",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that is not proven.

    `kind` is `differs` where it contradicts what proves it, `configuration` where it was made under another
    configuration than the one given, `unproven` where what would prove it is not there, and `waiting` where all is well:
    the month is final, and somebody has yet to approve another number. `row` names the row, `detail`
    says what is wrong; `published` and `recomputed` are tonnes of CO2e, None where unknown or not the matter.
    """

    proof: Proof
    kind: Kind
    row: str
    detail: str
    published: float | None = None
    recomputed: float | None = None


@dataclass(slots=True)
class Report:
    """What was checked and what was found; `checked` counts rows, or windows, by proof."""

    checked: Counter[Proof] = field(default_factory=Counter)
    counts: Counter[tuple[Proof, Kind]] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        """Count a finding, and keep it while there are not too many of its kind."""
        self.counts[finding.proof, finding.kind] += 1
        if self.counts[finding.proof, finding.kind] <= KEPT:
            self.findings.append(finding)

    @property
    def proven(self) -> bool:
        """Whether everything was proven."""
        return all(kind == "waiting" for _, kind in self.counts)


Tell = Callable[[str, int, int], None]
"""Called with what is being proven, how much of it is done, and how much there is."""


def untold(_what: str, _done: int, _total: int) -> None:
    """Tell nobody."""
