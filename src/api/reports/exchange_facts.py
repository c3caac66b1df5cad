"""What a facility gave to others and took of them in a year, for papers: its own side alone, for the other's number is the other's."""

from collections.abc import Iterator

from api.access.caller import Caller
from api.accounting.exchanges import exchange_bodies
from reports.facts import ExchangeFact
from store.reader import Snapshot
from store.totals.sums import Period


def exchange_facts(
    state: Snapshot, place: tuple[str, str], period: Period, as_of: int, caller: Caller
) -> Iterator[ExchangeFact]:
    """Yield each exchange with a side of a facility; `as_of` [ns UTC] is now."""
    mine = [one for one in state.plant.exchanges if place in (one.sent.site, one.received.site)]
    for told in exchange_bodies(state, mine, period, as_of, caller):
        sides = told.sent, told.received
        is_sent = place == (told.sent.park, told.sent.facility)
        own, other = sides if is_sent else sides[::-1]
        yield ExchangeFact(
            name=f"{told.park}/{told.name}",
            title=told.title,
            type=told.type,
            is_sent=is_sent,
            partner=f"{other.park}/{other.facility}",
            unit=told.unit,
            amount=own.amount,
        )
