"""What a proof of the state finds, and how much it has proven."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from plant.clock import format_time

Proof = Literal["ledger", "published", "totals", "recomputed", "readings", "messages", "archive"]
Kind = Literal["differs", "configuration", "unproven", "waiting", "earlier"]

KEPT = 1000  # findings of a proof and kind that are kept one by one; all are counted

PROOFS: dict[Proof, str] = {
    "ledger": "each row of the ledger is bound to the one before, and none is missing",
    "published": "each window, and each regulated hour, is what its ledger said of it last",
    "totals": "each hour, day and month is the sum of its parts",
    "recomputed": "each window, and each regulated hour, follows from the stored readings",
    "readings": "each reading is what a message of the journal says, and what the rules make of it",
    "messages": "each message of the journal is in the state once: its readings, its number, how it ended, the balances",
}

# What no proof covers, and the tables that are of it alone.
NOT_PROVEN: dict[str, tuple[str, ...]] = {
    "alerts, their history and what they rest on, silences, what was told to whom, webhooks and attempts": (
        "alert", "alert_event", "alert_group", "rule_state", "condition_begun", "late_breach", "late_look", "late_span", "silence",
        "webhook", "webhook_about", "webhook_request", "delivery", "endpoint_state",
    ),
    "what InfluxDB has yet to be told": ("influx_reading", "influx_emission", "influx_alert", "influx_doubt"),
    "births of Sparkplug nodes, which of them are away, and clocks of gateways": (
        "sparkplug_node", "sparkplug_birth", "sparkplug_away", "gateway_heard",
    ),
    "whether people's decisions were rightly done or refused, and the words of a refusal": (),
    "live tonnes noted with a regulated hour, and channels on which two meters seem to speak": ("channel_conflict",),
    "terms of sources under earlier configurations": (),
    "what rows said that could not be read and were set aside": ("set_aside",),
}  # fmt: skip

NOT_QUICKLY = (
    "with --quick: messages that the sample leaves out, balances minute by minute, stored readings that no message brought",
    "with --quick: verdicts of readings, and how months came to stand as they do",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that is not proven.

    `kind` is `differs` where it contradicts what proves it, `configuration` where it was made under another
    configuration than the one given, `unproven` where what would prove it is not there, `earlier` where a message that an earlier configuration took
    ended otherwise than today's would have it, and `waiting` where all is well:
    the month is final, and somebody has yet to approve another number, an hour has yet to follow a restated one, or messages have yet to be taken. `row` names the row, `detail`
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
    """What was checked and what was found; `checked` counts rows, windows or messages by proof, `not_proven` says what no proof covers, `proofs` what each proves."""

    checked: Counter[Proof] = field(default_factory=Counter)
    counts: Counter[tuple[Proof, Kind]] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    not_proven: Sequence[str] = tuple(NOT_PROVEN)
    proofs: dict[Proof, str] = field(default_factory=lambda: dict(PROOFS))

    def add(self, finding: Finding) -> None:
        """Count a finding, and keep it while there are not too many of its kind."""
        self.counts[finding.proof, finding.kind] += 1
        if self.counts[finding.proof, finding.kind] <= KEPT:
            self.findings.append(finding)

    @property
    def proven(self) -> bool:
        """Whether everything was proven."""
        return all(kind in {"waiting", "earlier"} for _, kind in self.counts)


Tell = Callable[[str, int, int], None]
"""Called with what is being proven, how much of it is done, and how much there is."""


def untold(_what: str, _done: int, _total: int) -> None:
    """Tell nobody."""


def when(time: int) -> str:
    """Return a time [ns UTC] as people read it; the number itself where no calendar has it."""
    try:
        return format_time(time)
    except (OverflowError, ValueError):
        return str(time)
