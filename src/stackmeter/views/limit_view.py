"""Limits in the terminal: the value against each, and how many hours or days were outside of those that are known."""

from collections.abc import Iterator
from datetime import tzinfo

from api.accounting.kept_limits import LimitRowBody, StandardBody
from api.accounting.limits import LimitsBody
from stackmeter.views import view
from stackmeter.views.local import local
from stackmeter.views.tables import Shown

_STANDING = {"in_force": "in force", "beside": "judged beside", "to_come": "to come", "over": "over"}


def limits(found: LimitsBody, zone: tzinfo) -> Shown:
    """Return limits as a table, a line a dated row, and below it where provisional ones come from; `zone` is the clock."""
    rows = [(one, row) for one in found.standards for row in one.limits]
    heads = ["channel", "limit", "standing", "value", "at most", "unit", "outside", "known"]
    return Shown(
        heads,
        [_cells(one, row) for one, row in rows],
        right={"value", "outside", "known"},
        whole={"at most"},
        bold=[place for place, (_, row) in enumerate(rows) if row.standing == "in_force" and row.outside],
        note="\n".join(dict.fromkeys(_notes(found, zone))),
    )


def _cells(one: StandardBody, row: LimitRowBody) -> list[str]:
    outside = view.UNKNOWN if row.outside is None else f"{row.outside:,} of {row.known:,} {one.averaging}s"
    high = f"{row.high:.6g}" if row.low is None else f"{row.low:.6g} to {row.high:.6g}"
    oxygen = "" if row.reference_oxygen is None else f"\nat {row.reference_oxygen:g} % oxygen"
    return [
        f"{one.facility}/{one.channel}",
        row.row,
        _STANDING[row.standing],
        view.UNKNOWN if row.value is None else f"{row.value:.6g}",
        high,
        f"{one.unit}{oxygen}",
        outside,
        view.share(row.coverage),
    ]


def _notes(found: LimitsBody, zone: tzinfo) -> Iterator[str]:
    """Yield the stretches that are told, and that a row was not read in the original."""
    for one in found.standards:
        yield f"from {local(one.period.from_, zone)} to {local(one.period.to, zone)}"
    for one in found.standards:
        yield from (
            f"{row.row} is provisional: {row.source}" for row in one.limits if row.status == "provisional"
        )
