"""What came in and how it ended, as the API tells it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from api.access.caller import Caller
from api.access.seen import seen_by
from api.models import BalancesBody, GatewayBalanceBody, OutcomesBody
from api.problems import InvalidQuery
from plant.clock import format_time
from plant.park import Plant
from plant.suggest import did_you_mean
from plant.vocabulary import FOREVER, NS_PER_MIN, SINCE_EVER
from store.reader import Snapshot
from store.rows import OUTCOMES, Balance


def balances_body(
    state: Snapshot, caller: Caller, gateway: str | None, start: int | None, end: int | None
) -> BalancesBody:
    """Return the balance of one gateway or all that a caller sees, over the minutes of [start, end) or all that ever were.

    What is old is kept by the hour or the day: of these the stretch that is counted, and told, holds whole ones.

    Raises
    ------
    InvalidQuery
        A time is not on a whole minute, or nobody knows the gateway.
    """
    off = [name for name, time in (("from", start), ("to", end)) if time is not None and time % NS_PER_MIN]
    if off:
        raise InvalidQuery(*((name, "not on a whole minute") for name in off))
    if start is None and end is None:
        every = state.balance_ever(gateway)
    else:
        every = state.balance(
            SINCE_EVER if start is None else start, FOREVER if end is None else end, gateway=gateway
        )
    found = {name: balance for name, balance in every.items() if _is_seen(caller, name)}
    if gateway is not None and not found:
        _known_or_refused(state.plant, caller, gateway)
    return BalancesBody(
        messages=_outcomes(balance.messages for balance in found.values()),
        readings=_outcomes(balance.readings for balance in found.values()),
        codes=_added(balance.codes for balance in found.values()),
        **{"from": _told(start, min, (balance.start for balance in found.values()))},
        to=_told(end, max, (balance.end for balance in found.values())),
        gateways=[_one(name, balance) for name, balance in found.items()],
    )


def _told(
    asked: int | None, widest: Callable[[Iterable[int]], int], counted: Iterable[int | None]
) -> str | None:
    """Return the end of a stretch that is counted, no narrower than was asked; None where the stretch has no such end."""
    if asked is None:
        return None
    return format_time(widest([asked, *(time for time in counted if time is not None)]))


def _one(gateway: str, balance: Balance) -> GatewayBalanceBody:
    return GatewayBalanceBody(
        gateway=gateway,
        messages=OutcomesBody(**balance.messages),
        readings=OutcomesBody(**balance.readings),
        codes=dict(balance.codes),
    )


def _outcomes(books: Iterable[Mapping[str, int]]) -> OutcomesBody:
    return OutcomesBody(**(dict.fromkeys(OUTCOMES, 0) | _added(books)))


def _added(books: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for book in books:
        total.update(book)
    return dict(sorted(total.items()))


def _is_seen(caller: Caller, gateway: str) -> bool:
    """Return whether a caller sees a gateway; one that no topic named is seen by whoever sees all."""
    park, _, rest = gateway.partition("/")
    return caller.sees_all or caller.sees(park, rest.partition("/")[0])


def _known_or_refused(plant: Plant, caller: Caller, gateway: str) -> None:
    known = [one.id for one in seen_by(caller, plant.gateways)]
    if gateway not in known:
        raise InvalidQuery(("gateway", f"unknown: {gateway[:64]!r}{did_you_mean(gateway, known)}"))
