"""Exchanges in the terminal: both sides, whether they agree, and what is avoided, which is in no total."""

from api.accounting.exchanges import ExchangeBody, ExchangesBody, ExchangeSideBody
from stackmeter.views import view
from stackmeter.views.tables import Shown

_HEADS = ["exchange", "from", "to", "sent", "received", "unit", "differs", "known", "balance", "avoids, t"]


def exchanges(found: ExchangesBody) -> Shown:
    """Return exchanges as a table."""
    notes = [
        f"{one.name} against {one.avoided.reference}: {one.avoided.source}. In no total."
        for one in found.exchanges
        if one.avoided
    ]
    right = {"sent", "received", "differs", "known", "avoids, t"}
    return Shown(
        _HEADS, [_row(one) for one in found.exchanges], right=right, note="\n".join(dict.fromkeys(notes))
    )


def _row(one: ExchangeBody) -> list[str]:
    return [
        one.name,
        _place(one.sent),
        _place(one.received),
        _amount(one.sent.amount),
        _amount(one.received.amount),
        one.unit,
        view.share(one.share),
        view.share(one.coverage),
        _balance(one),
        view.amount(one.avoided.avoided_t if one.avoided else None),
    ]


def _place(side: ExchangeSideBody) -> str:
    return f"{side.park}/{side.facility}"


def _balance(one: ExchangeBody) -> str:
    """Return whether both sides agree, and where nobody can tell, why."""
    if one.is_imbalance is not None:
        return f"{'beyond' if one.is_imbalance else 'within'} {view.share(one.tolerance)}"
    return "a side is another's" if one.reason == "hidden" else "unknown"


def _amount(value: float | None) -> str:
    return view.UNKNOWN if value is None else f"{value:,.6g}"
