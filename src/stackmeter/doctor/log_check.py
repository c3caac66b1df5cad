"""Whether the log of a shard may be trusted, and holds what the journal here has."""

import sqlite3
from contextlib import closing

from stackmeter.doctor.checkup import Case, CheckResult
from stackmeter.standby.journal_of_shard import connected
from store.messages.journal import JournalWaits
from store.replicated.log_position import LogPosition, stored_position
from store.replicated.servers import look_at
from store.sqlite import StateMismatch, uri


def log(case: Case) -> CheckResult:
    """Whether the log's servers write before they answer, are as many as its copies, and answer; and whether it is our journal's."""
    settings = case.settings
    servers = look_at(settings.log_monitoring, settings.log_replicas)
    if servers.unsafe:
        return CheckResult("fail", "; ".join([*servers.unsafe, *servers.away]), "as it says (docs/log.md)")
    try:
        with closing(connected(settings)) as found:
            standing = found.standing()
    except (JournalWaits, StateMismatch) as error:
        return CheckResult("fail", str(error), "see the settings log and shard, and the log's servers")
    here = _position(case)
    if here is not None and (standing is None or standing.id != here.stream or standing.last < here.sequence):
        return CheckResult(
            "fail",
            "log_lost: the log does not hold what journal.db has",
            "leave all as it is: docs/log.md, Log lost",
        )
    told = f"shard {settings.shard}: " + (
        f"{standing.last:,} messages of the log" if standing else "no log yet"
    )
    if servers.away:
        return CheckResult("warn", f"{told}; {'; '.join(servers.away)}", "see that each server runs")
    return CheckResult("ok", f"{told}; {servers.sound} servers write before they answer")


def _position(case: Case) -> LogPosition | None:
    journal = case.state / "journal.db"
    if not journal.exists():
        return None
    with closing(sqlite3.connect(uri(journal, "ro"), uri=True, timeout=5)) as connection:
        return stored_position(connection)
