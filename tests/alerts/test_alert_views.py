"""The cursor of a list of alerts: one of ours is followed, anything else is refused before the database sees it."""

from contextlib import closing
from pathlib import Path

import pytest

from alerts.tables.views import find_alerts
from tests.notify.state import new_state


@pytest.mark.parametrize(
    "cursor",
    [
        "9223372036854775808.alert_1",
        "-9223372036854775809.alert_1",
        "9" * 5000 + ".alert_1",
        "①.alert_1",
        "--1.alert_1",
        "1.",
        "1",
        ".alert_1",
        "1 .alert_1",
        "1\n.alert_1",
    ],
)
def test_a_cursor_that_is_none_of_ours_is_refused(tmp_path: Path, cursor: str):
    with closing(new_state(tmp_path / "state.db")) as state, pytest.raises(ValueError, match="is no cursor"):
        find_alerts(state, after=cursor)


@pytest.mark.parametrize("cursor", ["9223372036854775807.alert_1", "-9223372036854775808.alert_1", "0.a"])
def test_a_cursor_of_any_time_is_followed(tmp_path: Path, cursor: str):
    with closing(new_state(tmp_path / "state.db")) as state:
        assert find_alerts(state, after=cursor).alerts == []
