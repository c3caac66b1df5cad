"""A cluster in the terminal: who owns each shard, how far its standby is, what waits and what is wrong."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from stackmeter.cluster.placing import PlacedTold, PlacementTold
from stackmeter.cluster.standing import ClusterTold, ShardReport, StandbyTold
from stackmeter.views import view
from stackmeter.views.tables import Shown


def cluster(found: ClusterTold) -> Shown:
    """Return shards as a table, and below it what is wrong and what waits."""
    heads = ["shard", "owner", "standby", "behind", "same ledger up to", ""]
    return Shown(
        heads,
        [_cells(one) for one in found.shards],
        bold=[place for place, one in enumerate(found.shards) if one.wrong],
        note="\n".join(_notes(found.shards)),
    )


def _cells(one: ShardReport) -> list[str]:
    return [
        one.shard,
        "\n".join(one.owner) or view.UNKNOWN,
        "\n".join(standby.machine or standby.url for standby in one.standbys) or view.UNKNOWN,
        "\n".join(map(_behind, one.standbys)),
        "\n".join(map(_agreed, one.standbys)),
        "wrong" if one.wrong else "well",
    ]


def _behind(one: StandbyTold) -> str:
    if one.behind_messages is None and one.behind_s is None:
        return "has all of the log" if one.current else "does not have all of the log yet"
    messages = view.UNKNOWN if one.behind_messages is None else f"{one.behind_messages:,}"
    seconds = view.UNKNOWN if one.behind_s is None else f"{one.behind_s:,.1f}"
    return f"{messages} messages, {seconds} s"


def _agreed(one: StandbyTold) -> str:
    return view.UNKNOWN if one.agreed_step is None else f"step {one.agreed_step:,}"


def _notes(shards: Sequence[ShardReport]) -> Iterator[str]:
    for one in shards:
        yield from (f"{one.shard}: {what}" for what in one.wrong)
    for one in shards:
        yield from (f"{one.shard} waits: {what}" for what in one.waits)


def placement(found: PlacementTold) -> Iterator[Shown | Text]:
    """Yield where shards are and should be, what each machine has, and what to do."""
    heads = ["shard", "readings/s", "channels", "MB a day", "owner", "standby", "then owner", "then standby"]
    moved = [place for place, one in enumerate(found.shards) if one.why]
    right = {"readings/s", "channels", "MB a day"}
    yield Shown(heads, [_placed(one) for one in found.shards], right=right, bold=moved)
    machines = [[one.machine, _times(one.now), _times(one.then)] for one in found.machines]
    yield Shown(["machine", "times the mean", "then"], machines, right={"times the mean", "then"})
    yield Text("\n".join(_to_do(found)))


def _placed(one: PlacedTold) -> list[str]:
    weight = one.weight
    return [
        one.shard,
        view.UNKNOWN if weight.readings is None else f"{weight.readings:,.3f}",
        view.UNKNOWN if weight.channels is None else f"{weight.channels:,}",
        view.UNKNOWN if weight.bytes is None else f"{weight.bytes / 1e6:,.1f}",
        *(name or view.UNKNOWN for name in (one.owner, one.standby)),
        _then(one.owner, one.owner_then),
        _then(one.standby, one.standby_then),
    ]


def _then(now: str | None, then: str | None) -> str:
    return "stays" if now is not None and now == then else then or view.UNKNOWN


def _times(share: float | None) -> str:
    return view.UNKNOWN if share is None else f"{share:.2f}"


def _to_do(found: PlacementTold) -> Iterator[str]:
    if found.unknown:
        yield from ("nothing is proposed, and all stays where it is:", *found.unknown)
        return
    for one in found.shards:
        if one.why:
            yield f"{one.shard}: {'; '.join(one.why)}"
            yield from (f"  {number}. {step}" for number, step in enumerate(one.steps, 1))
        if one.owner_then is None or one.standby_then is None:
            yield f"{one.shard}: there is no second machine for it"
    if not any(one.why for one in found.shards):
        yield "nothing moves"
