"""Tables on a terminal of 80 columns, and of others: nothing is cut, and no number is broken."""

import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace, UnionType
from typing import Any, Literal, Union, get_args, get_origin
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel
from rich.console import Console
from typer.testing import CliRunner

from api.accounting.periods import PeriodsBody
from api.alerts.alert_bodies import OneAlertBody, SilencesBody
from api.alerts.retroactive import RetroactivesBody
from api.alerts.webhooks import DeadListBody, DeliveriesBody, WebhooksBody
from api.field.channels import ChannelsBody
from api.field.gateways import GatewaysBody
from api.field.inbox import UnknownDeviceBody
from api.models import AlertsBody
from proof.backtest import Episode
from reports.words import Words
from stackmeter.cli import app
from stackmeter.client.calls import Overview
from stackmeter.commands import deliveries, inbox, keys
from stackmeter.views import alert_view, period_view, view, watching
from stackmeter.views.local import exact, local, localised, shared_zone, to_second
from stackmeter.views.tables import Shown
from store.access_log import Entry

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
LONG = "nam-cau-kien/foundry-of-the-north/induction-furnace-2"


def sample(model: Any, **given: Any) -> Any:
    """Return a body as the API's description shows it, every list with one item."""
    values = {}
    for name, field in model.model_fields.items():
        key = field.validation_alias or field.alias or name
        values[key] = (
            given[name] if name in given else field.examples[0] if field.examples else _of(field.annotation)
        )
    return model.model_validate(values)


def _of(kind: Any) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _of(next(one for one in arguments if one is not type(None)))
    if origin is Literal:
        return arguments[0]
    if origin is list:
        return [_of(arguments[0])]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return sample(kind).model_dump(by_alias=True)
    return {dict: {}, str: "text", int: 3, float: 1234567.891, bool: True}.get(origin or kind, "text")


def overview() -> Any:
    """Return what a service of two parks knows."""
    total = sample(Overview.model_fields["today"].annotation.__args__[0])
    places = [(None, None), ("nam-cau-kien", None), ("nam-cau-kien", "foundry-of-the-north")]
    changes = {"co2e_t": 1234567.891, "now_t_per_h": 1234.5, "complete_until": "2026-11-24T18:42:30Z"}
    today = [total.model_copy(update={"park": p, "facility": f, **changes}) for p, f in places]
    return SimpleNamespace(
        as_of="2026-11-25T03:00:00Z", gwp="AR5", today=today, month=today[2:], alerts=[], url="http://x"
    )


@dataclass
class Truths:
    """What a simulation says of one channel."""

    def totals(self) -> list[Any]:
        one = {
            "park": "nam-cau-kien",
            "facility": "foundry-of-the-north",
            "channel": "induction-furnace-2/active_energy",
        }
        return [
            SimpleNamespace(
                **one, readings=1_234_567, amount=123_456_789.123, amount_unit="kWh", kind="register"
            )
        ]


def watched() -> Any:
    gateway = sample(GatewaysBody).gateways[0]
    channel = sample(ChannelsBody).channels[0]
    named = gateway.model_copy(
        update={"park": "nam-cau-kien", "facility": "foundry-of-the-north", "gateway": "substation-12"}
    )
    return watching.Watched(
        as_of="2026-11-25T03:00:00Z",
        gateways=[
            named.model_copy(update={"refused_24h": {"unit_unknown": 1234, "ts_future": 3}, "lag_s": 12345.6})
        ],
        channels=[channel.model_copy(update={"channel": "induction-furnace-2/active_energy"})],
        received={},
        rate_per_s={watching.name_of(named): 1234.567},
    )


ENTRY = Entry(
    1_795_000_000_000_000_000,
    "nguyen.van.a@park.example",
    "quarantine.replayed",
    LONG,
    "",
    '{"all": true}',
    "192.0.2.7",
)
EPISODE = Episode(
    "high-oxygen-of-the-stack", "critical", LONG, "2026-11-24T18:42:30Z", None, 12.5, 10.0, "mg/Nm3", ">"
)
ALERT = {"id": "alert_1b19524c013be38786387fa559fd5ecd", "labels": {"park": "nam-cau-kien", "facility": "foundry-of-the-north", "channel": "stack-2/so2"}}  # fmt: skip
TABLES = {
    "tonnes": lambda: view.tonnes(overview(), ZONE),
    "periods": lambda: period_view.periods(sample(PeriodsBody), "2026-11-25T03:00:00Z", ZONE, Words("en")),
    "channels of a simulation": lambda: view.channel_totals(Truths()),  # type: ignore[arg-type]
    "alerts": lambda: alert_view.alerts(sample(AlertsBody), ZONE),
    "events": lambda: alert_view.events(sample(OneAlertBody), ZONE),
    "retroactive": lambda: alert_view.retroactive(sample(RetroactivesBody), ZONE),
    "silences": lambda: alert_view.silences(sample(SilencesBody), ZONE),
    "episodes": lambda: alert_view.episodes([EPISODE], ZONE),
    "watch": lambda: watching.shown(watched(), ZONE),
    "endpoints": lambda: deliveries._endpoints(sample(WebhooksBody)),
    "attempts": lambda: deliveries._attempts(sample(DeliveriesBody), ZONE),
    "given up": lambda: deliveries._dead(sample(DeadListBody), ZONE),
    "inbox": lambda: inbox._values(sample(UnknownDeviceBody)),
    "audit": lambda: keys._rows([SimpleNamespace(entry=ENTRY)]),  # type: ignore[list-item]
}


def printed(shown: Any, width: int) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width, highlight=False).print(shown)
    return file.getvalue().splitlines()


@pytest.mark.parametrize("name", TABLES)
def test_solid_c_a_table_fits_into_80_columns_and_nothing_of_it_is_cut(name):
    narrow, wide = printed(TABLES[name](), 80), printed(TABLES[name](), 1000)

    assert max(map(len, narrow)) <= 80
    assert "…" not in "".join(narrow).replace("payload_…", "")
    for number in re.findall(r"(?<!\S)[+-]?[0-9][0-9,.]*(?!\S)", "\n".join(wide)):
        assert any(number in line for line in narrow), (number, narrow)
    for word in "".join(wide[2:]).split():
        assert set(word) <= set("".join(narrow)), word


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_solid_c_no_cell_is_lost_at_any_width(width):
    rows = [
        ["a" * 50, "1,234,567.891", "2026-11-25 01:42 +07", "some words of a sentence"],
        ["b", "-", "", "x" * 90],
    ]
    lines = printed(Shown(["name", "t CO2e", "at", "said"], rows, right={"t CO2e"}), width)
    text = re.sub(r"[\s─]", "", "".join(lines))

    assert max(map(len, lines)) <= width
    for letter, count in (("a", 50), ("x", 90)):
        assert text.count(letter) >= count
    assert any("1,234,567.891" in line for line in lines)


@pytest.mark.parametrize(
    "command", [["rules", "list"], ["formats"], ["profile", "list"], ["--help"], ["run", "--help"]]
)
def test_solid_c_what_a_command_prints_fits_into_80_columns(command):
    result = CliRunner().invoke(app, command, env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})

    assert result.exit_code == 0
    assert [line for line in result.stdout.splitlines() if len(line) > 80] == []
    assert "..." not in result.stdout.replace("[ARGS]...", "")


def test_solid_c_a_time_has_its_clock():
    time = "2026-11-24T18:42:30.25Z"

    assert local(time, ZONE) == "2026-11-25 01:42 +07"
    assert to_second(time, ZONE) == "2026-11-25 01:42:30 +07"
    assert exact(time, ZONE) == "2026-11-25 01:42:30.25 +07"
    assert local(time, ZoneInfo("Asia/Kolkata")) == "2026-11-25 00:12 +05:30"
    assert local(time, UTC) == "2026-11-24 18:42 +00"
    assert local(None, ZONE) == ""
    said = localised(
        "snoozed until 2026-11-24T11:00:00Z, at 2026-11-24T11:00:07Z of a-2026-11-24T11:00Z", ZONE
    )
    assert said == "snoozed until 2026-11-24 18:00 +07, at 2026-11-24 18:00:07 +07 of a-2026-11-24T11:00Z"


def test_solid_c_parks_of_one_clock_give_it_and_others_this_machines(monkeypatch):
    assert shared_zone(["Asia/Ho_Chi_Minh"] * 2) == ZONE
    own = datetime.now().astimezone().tzinfo
    assert shared_zone(["Asia/Ho_Chi_Minh", "Europe/Berlin"]) == own
    assert shared_zone([]) == own
