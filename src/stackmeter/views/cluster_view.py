"""A cluster in the terminal: who owns each shard, how far its standby is, what waits and what is wrong."""

from collections.abc import Iterator, Sequence

from stackmeter.cluster.standing import ClusterTold, ShardTold, StandbyTold
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


def _cells(one: ShardTold) -> list[str]:
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


def _notes(shards: Sequence[ShardTold]) -> Iterator[str]:
    for one in shards:
        yield from (f"{one.shard}: {what}" for what in one.wrong)
    for one in shards:
        yield from (f"{one.shard} waits: {what}" for what in one.waits)
