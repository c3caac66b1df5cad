"""watch: what it makes of the API's answers. tests/broker/test_end_to_end.py has it on a running service."""

import io
from datetime import UTC

import pytest
from rich.console import Console
from typer.testing import CliRunner

from api.field.channels import ChannelBody, LatestBody
from api.field.gateways import GatewayBody
from stackmeter.cli import app
from stackmeter.views.watching import Watched, rates, shown, span, wrong
from tests.servers import free_port


def channel(name="main/energy", *, stale=False, **latest):
    newest = {"time": "2026-11-24T05:00:00Z", "value": 123456.7, "age_s": 30.0, "quality": "good", "verdict": "counted",
              "conflict": False, **latest}  # fmt: skip
    return ChannelBody(
        park="p1", facility="mill", channel=name, gateway="g1", quantity="electricity", kind="register", unit="kWh",
        max_gap_s=86400.0, serial=None, latest=LatestBody(**newest) if latest != {"none": True} else None, stale=stale, away=stale,
        used_by=[], entered=False,
    )  # fmt: skip


def gateway(**given):
    fields = {"park": "p1", "facility": "mill", "gateway": "g1", "online": True, "said_at": None, "heard_at": None,
              "silence_s": 12.5, "lag_s": 0.4, "clock_skew_s": None, "source_class": "A", "boots": [], "absent_devices": [], "sparkplug_nodes": [],
              "refused_24h": {}}  # fmt: skip
    return GatewayBody(**{**fields, **given})


def watched(as_of="2026-11-24T05:00:30Z", received=100, channels=(), **given):
    return Watched(
        as_of=as_of,
        gateways=[gateway(**given)],
        channels=list(channels),
        received={"p1/mill/g1": received},
        rate_per_s={},
    )


def test_field_a4_a_broker_that_is_away_stands_above_the_gateways():
    away = "broker not connected: no broker answers at 10.1.2.3:1883"

    told = drawn(watched().model_copy(update={"not_ready": [away]}))

    assert told.index(f"NOT READY: {away}") < told.index("gateway")
    assert "NOT READY" not in drawn(watched())


def drawn(seen):
    console = Console(file=io.StringIO(), width=160, force_terminal=False)
    console.print(shown(seen, UTC))
    return console.file.getvalue()


def test_a_rate_is_what_came_since_the_look_before():
    before = watched()

    assert rates(before, {"p1/mill/g1": 130}, "2026-11-24T05:00:40Z") == {"p1/mill/g1": 3.0}
    assert rates(before, {"p1/mill/g2": 130}, "2026-11-24T05:00:40Z") == {}
    assert rates(before, {"p1/mill/g1": 130}, before.as_of) == {}


def test_a_gateway_s_row_says_online_age_lag_and_refusals():
    text = drawn(watched(refused_24h={"unit_unknown": 3, "not_json": 1}))

    [row] = [line for line in text.splitlines() if line.strip().startswith("p1/mill/g1")]
    assert row.split() == [
        "p1/mill/g1",
        "online",
        "A",
        "12.5",
        "s",
        "0.4",
        "s",
        "-",
        "-",
        "-",
        "1",
        "not_json,",
        "3",
        "unit_unknown",
    ]


@pytest.mark.parametrize(
    ("online", "heard", "told"),
    [(False, "2026-11-24T05:00:00Z", "OFFLINE"), (None, None, "never heard"), (None, "2026-11-24T05:00:00Z", "no status")],
)  # fmt: skip
def test_a_gateway_that_is_away_or_says_no_status_is_told_in_words(online, heard, told):
    assert told in drawn(watched(online=online, heard_at=heard))


def test_messages_that_are_missing_are_counted_over_all_boots():
    boots = [
        {"boot": name, "heard_at": "2026-11-24T05:00:00Z", "received_through": 1042, "missing": missing}
        for name, missing in (("b7", [[980, 983], [990, 990]]), ("b6", [[1, 1995]]))
    ]

    assert "2,000" in drawn(watched(boots=boots))


def test_what_was_refused_leads_to_the_quarantine():
    assert "stackmeter quarantine list" in drawn(watched(refused_24h={"unmapped": 1}))
    assert "quarantine" not in drawn(watched())


def test_times_are_shown_to_the_second():
    text = drawn(
        watched(as_of="2026-11-24T05:00:30.720503866Z", channels=[channel(time="2026-11-24T05:00:00.5Z")])
    )

    assert "as of 2026-11-24 05:00:30 +00" in text
    assert "2026-11-24 05:00:00 +00" in text


def test_channels_with_something_wrong_come_first():
    text = drawn(watched(channels=[channel("a"), channel("z", stale=True)]))

    assert text.index("p1/mill/z") < text.index("p1/mill/a")
    assert "123,456.7" in text


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (channel(), ""),
        (channel(verdict="baseline"), ""),
        (channel(none=True), "nothing came yet"),
        (channel(stale=True, quality="fault", verdict="uncounted"), "STALE, fault, uncounted"),
        (channel(conflict=True), "conflict"),
    ],
)
def test_what_is_wrong_with_a_channel(made, told):
    assert wrong(made) == told


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0.25, "0.2 s"),
        (119, "119.0 s"),
        (120, "2 min"),
        (7200, "2 h"),
        (172800, "2 d"),
        (-3, "-3.0 s"),
    ],
)
def test_a_span_is_told_as_people_say_it(seconds, text):
    assert span(seconds) == text


def test_where_no_service_answers_it_says_so_and_ends_with_3():
    done = CliRunner().invoke(app, ["watch", "--once", "--url", f"http://127.0.0.1:{free_port()}"])

    assert done.exit_code == 3
    assert "no service answers" in done.output
