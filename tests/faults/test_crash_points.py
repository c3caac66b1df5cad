"""The service dies exactly where it hurts most: between two steps that have to be one."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.bench import Bench, Feed, Report, die_while_fed
from tests.faults.invariants import balance, check_all, points, rows
from tests.faults.truth import Truth, trial
from tests.servers import wait_until

SOURCE = Path(__file__).parents[2] / "src"
POINTS = (
    "intake_before_commit",
    "intake_after_commit",
    "line_before_commit",
    "line_after_commit",
    "alerts_before_commit",
    "influx_before_send",
    "influx_after_204",
    "webhook_before_send",
    "webhook_after_2xx",
)
PASSES = (1, 2, 3)
# Which tests/stackmeter/test_archive.py tries: no message comes near them.
OF_THE_ARCHIVE = {
    "archive_before_put",
    "archive_after_put",
    "archive_before_decision",
    "archive_before_prune",
}
# Which tests/notify/test_feeds.py tries, and tests/end_to_end/test_feed.py: nothing is fed here.
OF_FEEDS = {"feed_before_freeze", "feed_before_send", "feed_after_upload"}
# Which tests/cluster/test_log_service.py tries: only where the journal is in a log too.
OF_THE_LOG = {"log_before_append", "log_after_append"}


def test_f003_every_crash_point_of_the_source_is_among_the_cases() -> None:
    text = "\n".join(file.read_text() for file in SOURCE.rglob("*.py"))

    assert set(re.findall(r"_crash\(\s*\"(\w+)\"\s*\)", text)) == {
        *POINTS,
        *OF_THE_ARCHIVE,
        *OF_FEEDS,
        *OF_THE_LOG,
    }


@pytest.mark.parametrize("point", POINTS)
def test_f003_a_crash_at_the_point_loses_nothing_and_counts_nothing_twice(
    bench: Bench, point: str, report: Report
) -> None:
    """One state dies there at the first, at the second and at the third pass, and then goes on to the end."""
    truth = trial(500, seed=3)
    feed = Feed(bench.field, truth.messages, pause=0.01)
    bench.subscribe()
    for passes in PASSES:
        bench.service.start(crash=f"{point}:{passes}", ready=False)
        die_while_fed(bench.service, feed)
        assert not feed.exhausted, "there was nothing left to die over"
    bench.service.start()
    feed.rest()
    bench.service.drain(len(truth.messages))

    report("F-003", point=point, passes=PASSES, lost=0, double=0, **check_all(bench, truth))


def fed_until_death(bench: Bench, crash: str, messages: int) -> Truth:
    """Let messages wait at the broker, and let the service die over them."""
    truth = trial(messages, seed=4)
    bench.subscribe()
    bench.field.send(truth.messages)
    bench.service.start(crash=crash, ready=False)
    assert bench.service.wait_for_end() == -9, bench.service.log()[-3000:]
    return truth


def finished(bench: Bench, truth: Truth, again: int = 0) -> dict[str, float]:
    """Let the service live on, drain, so many messages that come again included, and check everything."""
    bench.service.start()
    bench.service.drain(len(truth.messages), received=len(truth.messages) + again)
    return check_all(bench, truth)


SLOW_JOURNAL = """
import time
from store.messages.journal import Journal
append = Journal.append
Journal.append = lambda *args: time.sleep(1) or append(*args)
"""


def test_f004_death_between_journal_and_acknowledgement_brings_the_whole_group_again_and_counts_none(
    tmp_path: Path, report: Report
) -> None:
    """The journal is slow, so that the second group is of many messages and the first one's acknowledgements are long gone."""
    with Bench(tmp_path, code=SLOW_JOURNAL) as bench:
        truth = fed_until_death(bench, "intake_after_commit:2", 300)
        (group,) = rows(bench.service.journal, "SELECT count FROM journal ORDER BY first DESC LIMIT 1")[0]
        figures = finished(bench, truth, again=group)

    assert group > 1  # how many of them depends on the machine
    assert figures["duplicates"] == group
    report("F-004", batch=group, dup_suppressed=figures["duplicates"])


def test_f005_death_between_the_state_and_influxdb_sends_after_the_restart(
    bench: Bench, report: Report
) -> None:
    """The outbox was committed with the state, so nothing depends on the process that wrote it."""
    truth = fed_until_death(bench, "influx_before_send:1", 300)
    waiting = rows(bench.service.database, "SELECT count(*) FROM influx_emission")[0][0]
    assert waiting > 0
    assert bench.influx is not None
    assert bench.influx.query("SHOW SERIES") == []
    figures = finished(bench, truth)

    report("F-005", waiting=waiting, outbox=0, points=figures["points"])


def test_f006_death_after_influxdb_took_points_sends_them_again_and_changes_none(
    bench: Bench, report: Report
) -> None:
    """The same points under the same keys: InfluxDB has as many as before."""
    truth = trial(300, seed=6)
    bench.subscribe()
    bench.field.send(truth.messages)
    assert bench.influx is not None
    bench.influx.stop()
    bench.service.start()
    wait_until(lambda: balance(bench.service.database)["accepted"] == 300, "not all were taken", 60)
    bench.service.kill()
    bench.influx.start()
    bench.service.start(crash="influx_after_204:1", ready=False)
    assert bench.service.wait_for_end() == -9
    before, requests = contents(bench), bench.influx.write_requests()
    unmarked = rows(bench.service.database, "SELECT count(*) FROM influx_reading")[0][0]
    bench.service.start(crash="influx_after_204:1", ready=False)
    assert bench.service.wait_for_end() == -9

    assert unmarked > 0
    assert bench.influx.write_requests() > requests, "nothing was sent again"
    assert before["reading"]
    assert contents(bench) == before
    finished(bench, truth)
    report("F-006", points_before=len(before["reading"]), points_after_sent_again=len(before["reading"]))


def contents(bench: Bench) -> dict[str, object]:
    """Return everything in InfluxDB."""
    assert bench.influx is not None
    tags = {"reading": "channel", "emission": "source", "alert": "rule"}
    return {name: points(bench.influx, name, tag) for name, tag in tags.items()}


def test_f007_death_after_a_webhook_was_taken_tells_it_again_under_the_same_id(
    small_bench: Bench, report: Report
) -> None:
    """The receiver can tell a repetition from news by its id alone."""
    truth = fed_until_death(small_bench, "webhook_after_2xx:1", 300)
    (first,) = small_bench.receiver.requests
    finished(small_bench, truth)
    ids = Counter(request.headers["webhook-id"] for request in small_bench.receiver.requests)

    assert ids.pop(first.headers["webhook-id"]) == 2
    assert set(ids.values()) == {1}
    report("F-007", transitions=len(truth.transitions()), distinct=len(ids) + 1, twice=1)
