"""What `stackmeter watch` shows: gateways and channels as the API has them, and how fast messages come between two looks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from pydantic import BaseModel
from rich.console import Group
from rich.text import Text

from api.field.channels import ChannelBody
from api.field.gateways import GatewayBody
from stackmeter.client.calls import Client
from stackmeter.views.local import to_second
from stackmeter.views.tables import Shown

UNKNOWN = "-"
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400


@dataclass(frozen=True, slots=True)
class Filter:
    """What is shown; None shows all."""

    park: str | None = None
    facility: str | None = None
    gateway: str | None = None


class Watched(BaseModel):
    """One look at a service.

    `received` has the messages ever received of each gateway, `rate_per_s` how many came a second since the look before
    [1/s]: nothing at the first look. `not_ready` says why nothing can come, as where the broker is away.
    """

    as_of: str
    not_ready: list[str] = []
    gateways: list[GatewayBody]
    channels: list[ChannelBody]
    received: dict[str, int]
    rate_per_s: dict[str, float]


def look(client: Client, wanted: Filter, before: Watched | None = None) -> Watched:
    """Return what a service knows now of the gateways and channels that are wanted."""
    channels = client.channels(park=wanted.park, facility=wanted.facility, gateway=wanted.gateway)
    gateways = client.gateways(park=wanted.park, facility=wanted.facility)
    found = [one for one in gateways.gateways if wanted.gateway in (None, one.gateway)]
    names = {name_of(one) for one in found}
    books = {one.gateway: one.messages.received for one in client.balance().gateways}
    received = {name: books.get(name, 0) for name in sorted(names)}
    return Watched(
        as_of=gateways.as_of,
        not_ready=client.ready().reasons,
        gateways=found,
        channels=channels.channels,
        received=received,
        rate_per_s={} if before is None else rates(before, received, gateways.as_of),
    )


def rates(before: Watched, received: Mapping[str, int], as_of: str) -> dict[str, float]:
    """Return how many messages came a second since the look before; nothing where no time has passed."""
    passed = (datetime.fromisoformat(as_of) - datetime.fromisoformat(before.as_of)).total_seconds()
    if passed <= 0:
        return {}
    known = before.received
    return {name: (count - known[name]) / passed for name, count in received.items() if name in known}


def name_of(gateway: GatewayBody) -> str:
    """Return a gateway's full name."""
    return f"{gateway.park}/{gateway.facility}/{gateway.gateway}"


def shown(seen: Watched, zone: tzinfo) -> Group:
    """Return a look as tables; what is wrong stands in words, so that nothing depends on a colour."""
    told: list[Text | Shown] = [
        Text(f"as of {to_second(seen.as_of, zone)}\n"),
        *(Text(f"NOT READY: {reason}") for reason in seen.not_ready),
        _gateways(seen),
        Text(),
        _channels(seen.channels, zone),
    ]
    if any(one.refused_24h for one in seen.gateways):
        told.append(Text("What was refused, and why: stackmeter quarantine list"))
    return Group(*told)


def _gateways(seen: Watched) -> Shown:
    heads = ["gateway", "says", "class", "heard", "lag", "skew", "msg/s", "missing", "refused in 24 h"]
    rows = []
    for one in seen.gateways:
        rate = seen.rate_per_s.get(name_of(one))
        codes = ", ".join(f"{count:,} {code}" for code, count in sorted(one.refused_24h.items()))
        row = (
            name_of(one),
            _presence(one),
            one.source_class or UNKNOWN,
            span(one.silence_s),
            _seconds(one.lag_s),
            _seconds(one.clock_skew_s),
            UNKNOWN if rate is None else f"{rate:,.2f}",
            _missing(one),
            codes,
        )
        rows.append(row)
    return Shown(heads, rows, right={"heard", "lag", "skew", "msg/s", "missing"})


def _presence(gateway: GatewayBody) -> str:
    """Return what a gateway's status says; many send readings and no status."""
    if gateway.online is None:
        return "never heard" if gateway.heard_at is None else "no status"
    return "online" if gateway.online else "OFFLINE"


def _missing(gateway: GatewayBody) -> str:
    """Return how many messages are missing between those that came, of all boots; unknown where none is numbered."""
    if not gateway.boots:
        return UNKNOWN
    return f"{sum(last - first + 1 for boot in gateway.boots for first, last in boot.missing):,}"


def _channels(channels: list[ChannelBody], zone: tzinfo) -> Shown:
    """Return the channels, those with something wrong first."""
    rows = []
    for one in sorted(channels, key=lambda one: not wrong(one)):
        latest = one.latest
        reading = (
            (UNKNOWN, one.unit, UNKNOWN, UNKNOWN)
            if latest is None
            else (
                f"{latest.value:,.10g}",
                one.unit,
                to_second(latest.time, zone),
                span(latest.age_s),
            )
        )
        name = f"{one.park}/{one.facility}/{one.channel}"
        rows.append((name, one.gateway, *reading, wrong(one) or "good"))
    heads = ["channel", "gateway", "value", "unit", "at", "age", "newest reading"]
    return Shown(heads, rows, right={"value", "age"}, whole={"unit"})


def wrong(channel: ChannelBody) -> str:
    """Return what is wrong with a channel, "" where nothing is."""
    latest = channel.latest
    if latest is None:
        return "nothing came yet"
    told = ["STALE"] * channel.stale
    told += [] if latest.quality == "good" else [latest.quality]
    told += [] if latest.verdict in ("counted", "baseline") else [latest.verdict]
    return ", ".join(told + ["conflict"] * latest.conflict)


def span(seconds: float | None) -> str:
    """Return a time that has passed, as people say it."""
    if seconds is None:
        return UNKNOWN
    for unit, length in (("d", DAY_S), ("h", HOUR_S), ("min", MINUTE_S)):
        if abs(seconds) >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return _seconds(seconds)


def _seconds(seconds: float | None) -> str:
    return UNKNOWN if seconds is None else f"{seconds:,.1f} s"
