"""Alerts of other programs: told like our own, over when their teller says so, and the same from the journal."""

from msgspec.structs import replace

from alerts.tables.actions import OutsideAlert
from tests.alerts.test_alert_actions import MINUTE, SECOND, START, folder, score  # noqa: F401  fixtures

STOPPED = OutsideAlert(
    "Emissions have stopped", "critical", {"team": "stackmeter"}, "No window is known", "", "", START
)


def tell(score, *alerts):  # noqa: F811
    return score.act("tell", "grafana", told=alerts)


def test_an_alert_of_another_program_is_told_escalated_and_over_like_our_own(score):  # noqa: F811
    assert tell(score, STOPPED, STOPPED) == ("done", "2 alerts of grafana")
    tell(score, STOPPED)  # Grafana repeats what fires
    score.at(30 * SECOND)
    score.at(11 * MINUTE)
    tell(score, replace(STOPPED, ended_at=START + 12 * MINUTE))
    score.at(17 * MINUTE)

    assert score.told() == [
        (30, "receiver", "Emissions have stopped firing", ""),
        (660, "boss", "Emissions have stopped firing", "1:boss"),
        (660, "receiver", "Emissions have stopped resolved", ""),
        (660, "boss", "Emissions have stopped resolved", ""),
    ]
    [view] = score.views()
    assert view.labels == {"team": "stackmeter", "told_by": "grafana"}


def test_it_outlives_a_restart_and_another_beginning_is_another_alert(score):  # noqa: F811
    tell(score, STOPPED)
    score.restart()
    score.at(SECOND)
    tell(score, replace(STOPPED, started_at=START + SECOND))

    assert [one.status for one in score.views()] == ["firing", "firing"]


def test_the_end_of_what_nobody_told_is_nothing(score):  # noqa: F811
    tell(score, replace(STOPPED, ended_at=START))

    assert score.views() == []
    assert score.told() == []
