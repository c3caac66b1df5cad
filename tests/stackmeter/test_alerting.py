"""alerts, ack, snooze, assign, comment, silence, silences and unsilence against a real API."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.serve import Server
from stackmeter.cli import app
from stackmeter.client.calls import Client
from stackmeter.commands.alerting import _end
from tests.api.alerts import START, TEXTS, Alerts, number, routed
from tests.api.state import TOKEN, State


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Alerts]:
    with serving(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alerts]:
    with serving(tmp_path_factory.mktemp("unchanged")) as made:
        yield made


@contextmanager
def serving(folder: Path) -> Iterator[Alerts]:
    """Serve two open alerts and one that is over; `url` is where."""
    state = State(folder / "state.db", routed("desk", "lan"))
    made = Alerts(state)
    made.add("ab12", texts=TEXTS)
    made.add("ab34", rule="[b]weak[/b]", severity="warning", started_at=START + 1)
    made.add("cd56", status="resolved", ended_at=START + 60 * 10**9)
    server = Server(made.app, "127.0.0.1", 0)
    server.start()
    made.url = server.url
    yield made
    server.stop()
    made.reader.close()
    state.close()


def told(served: Alerts, *arguments: str) -> Result:
    place = ["--url", served.url, "--token", TOKEN]
    return CliRunner().invoke(app, [*arguments, *place], env={"COLUMNS": "200", "TZ": "UTC"})


def lines(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def test_alerts_shows_what_is_open_the_newest_first(served: Alerts):
    rows = lines(told(served, "alerts"))[2:]

    assert [row.split()[0] for row in rows if row] == ["ab340000", "ab120000"]
    assert "warning [b]weak[/b] hai-phong/mill/stack 12.5 mg/Nm3 (limit 10) firing" in rows[0]


def test_alerts_can_be_chosen_and_told_to_programs(served: Alerts):
    found = json.loads(told(served, "alerts", "--status", "all", "--limit", "1", "--json").stdout)

    assert [one["id"] for one in found["alerts"]] == [number("ab34")]
    assert found["next"]
    assert "the newest 1; --limit shows more" in told(served, "alerts", "--limit", "1").stdout
    assert told(served, "alerts", "--severity", "info").stdout == "no alerts are open\n"
    assert "cd560000" in told(served, "alerts", "--status", "resolved").stdout


def test_one_alert_is_shown_by_the_beginning_of_its_id(served: Alerts):
    told(served, "comment", "ab12", "[red]I look", "--by", "lan")

    page = lines(told(served, "alerts", "show", "ab12"))

    assert f"id {number('ab12')}" in page
    assert "do first Kiểm tra quạt gió." in page
    assert any(line.endswith("commented lan comment [red]I look") for line in page)
    assert (
        json.loads(told(served, "alerts", "show", number("ab12"), "--json").stdout)["events"][0]["by"]
        == "lan"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ack", "ab12", "--by", "lan"], "acknowledged by lan: neither repeated nor escalated\n"),
        (["snooze", "ab12", "--until", "2026-11-24T11:00:00+07:00", "--by", "lan"], "snoozed until 2026-11-24 04:00 +00\n"),
        (["assign", "alert_ab12", "--to", "minh", "--by", "lan"], "assigned to minh\n"),
        (["comment", number("cd56"), "It was stuck", "--by", "lan"], "commented\n"),
    ],
)  # fmt: skip
def test_an_action_says_what_became_of_it(served: Alerts, arguments: list[str], said: str):
    result = told(served, *arguments)

    assert (result.exit_code, result.stdout) == (0, said)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["ack", "cd56", "--by", "lan"], 1, "over since"),
        (["ack", "ab", "--by", "lan"], 1, "2 begin so"),
        (["ack", "ffff", "--by", "lan"], 1, "there is no alert 'ffff'"),
        (["ack", "ab12"], 2, "--by"),
        (["ack", "ab12", "--by", " "], 2, "by"),
        (["snooze", "ab12", "--by", "lan"], 2, "--until, --for"),
        (["snooze", "ab12", "--by", "lan", "--for", "1h", "--until", "x"], 2, "--until, --for"),
        (["snooze", "ab12", "--by", "lan", "--until", "noon"], 1, "until"),
        (["alerts", "show", "ffff"], 1, "there is no alert"),
        (["alerts", "--park", "hai-fong"], 1, "did you mean hai-phong?"),
        (["alerts", "--status", "burning"], 1, "firing"),
        (
            ["silence", "facility=mill", "--for", "1h", "--by", "lan", "--comment", "x"],
            1,
            "a matcher is written like",
        ),
        (["unsilence", "ffff", "--by", "lan"], 1, "there is no silence"),
    ],
)
def test_what_is_not_taken_is_said_with_the_reason(
    unchanged: Alerts, arguments: list[str], code: int, said: str
):
    result = told(unchanged, *arguments)

    assert (result.exit_code, said in result.output) == (code, True), result.output


def test_options_before_a_command_of_the_group_are_refused_rather_than_left_aside(served: Alerts):
    result = CliRunner().invoke(app, ["alerts", "--limit", "3", "show", "ab12"])

    assert result.exit_code == 2
    assert "options stand after show" in result.output


def test_silences_are_made_shown_and_ended(served: Alerts):
    asked = [
        "silence",
        'facility="mill"',
        'channel=~"st.*"',
        "--until",
        "2026-11-24T12:00:00+07:00",
        "--by",
        "lan",
    ]
    made = told(served, *asked, "--comment", "probe is cleaned", "--json")
    which = json.loads(made.stdout)["id"]
    short = which.removeprefix("silence_")[:8]

    (row,) = [line for line in lines(told(served, "silences")) if line.startswith(short)]
    assert 'facility="mill" channel=~"st.*"' in row
    assert row.endswith("lan probe is cleaned")
    assert told(served, "unsilence", short, "--by", "minh").stdout == "ended by minh\n"
    assert json.loads(told(served, "silences", "--json").stdout) == {"silences": []}
    assert "ended by minh" in told(served, "silences", "--ended").stdout


def test_a_span_is_from_now_on():
    assert _end("2026-11-24T12:00:00Z", None) == "2026-11-24T12:00:00Z"
    minute, hour = (datetime.fromisoformat(_end(None, seconds)) for seconds in (60.0, 3600.0))
    assert hour - minute > timedelta(minutes=58)


def test_the_screen_has_open_alerts_before_those_that_are_over(served: Alerts):
    served.add("ef78", started_at=START + 5, status="resolved", ended_at=START + 6)
    served.act(number("ab12"))

    with Client(served.url, TOKEN) as client:
        seen = client.alerts_to_show()

    assert [one.id[6:10] for one in seen] == ["ab34", "ab12", "ef78", "cd56"]
