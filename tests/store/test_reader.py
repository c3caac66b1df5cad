"""Reading the state while it is written, and sums in one order."""

import sqlite3
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from plant import periods
from plant.vocabulary import NS_PER_HOUR, NS_PER_MIN, Verdict
from store.reader import Reader
from store.rows import Newest
from store.totals.beginnings import UNHEARD
from store.totals.due import due_windows
from store.totals.emissions import EmissionTable
from store.totals.sums import Period, known_sum, period_sums, source_sums
from tests.api.state import HAI_PHONG, State, ns, one_by_one, plant, windows

MIDNIGHT = ns("2026-11-24T00:00:00+07:00")
GRID, BOILER, FOUNDRY, CHILLER = 0, 1, 2, 3


@pytest.fixture
def state(tmp_path: Path):
    built = State(tmp_path / "state.db", plant())
    yield built
    built.close()


@pytest.fixture
def reader(state: State):
    opened = Reader(state.path, state.plant)
    yield opened
    opened.close()


def noisy(count: int, seed: int = 7) -> np.ndarray:
    """Return windows whose sum depends on the order in which they are added."""
    rng = np.random.default_rng(seed)
    rows = rng.lognormal(0, 6, (count, 9))
    rows[:, 6:] = [1.0, 0.0, 0.0]
    rows[rng.random(count) < 0.1] = [np.nan] * 6 + [0.0] * 3
    return rows


def test_a_database_that_is_not_there_is_an_error(tmp_path):
    reader = Reader(tmp_path / "none.db", plant())

    with pytest.raises(sqlite3.OperationalError), reader.snapshot():
        pass


def test_the_reader_cannot_write(reader):
    with pytest.raises(sqlite3.OperationalError, match="readonly"), reader.snapshot() as view:
        view._connection.execute("DELETE FROM cursor")


def test_a_snapshot_does_not_see_what_is_written_after_it_was_first_read(state, reader):
    state.insert("cursor", "line", 5)
    with reader.snapshot() as view:
        before = view.cursor()
        state.db.execute("UPDATE cursor SET next = 6")
        state.db.commit()

        assert (before, view.cursor()) == ({"line": 5}, {"line": 5})
    with reader.snapshot() as view:
        assert view.cursor() == {"line": 6}


def test_connections_are_used_again(reader):
    with reader.snapshot() as first:
        pass
    with reader.snapshot() as second:
        assert second._connection is first._connection


def test_a_channel_that_the_database_does_not_know_yet_has_no_rows_until_it_does(state, reader):
    state.db.execute("DELETE FROM channel WHERE id = 101")
    state.db.commit()
    with reader.snapshot() as view:
        assert list(view.readings(0, 0, 2**62)) == []
        assert view.newest([0]) == {0: Newest((), ())}
    state.insert("channel", 900, "hai-phong", "mill", "mdb1")
    state.insert("reading", 900, 5, 1.5, 0, 0, 0, 0, 0, 0)
    with reader.snapshot() as view:
        assert [part.value.tolist() for part in view.readings(0, 0, 2**62)] == [[1.5]]


def test_readings_come_in_chunks_in_time_order(state, reader):
    for k in (3, 1, 2, 5, 4):
        state.reading(0, k, float(k))
    with reader.snapshot() as view:
        chunks = [part.time.tolist() for part in view.readings(0, 1, 5, chunk=3)]

    assert chunks == [[1, 2, 3], [4]]


def test_the_newest_counting_reading_is_not_a_bad_one(state, reader):
    state.reading(0, 10, 1.0)
    state.reading(0, 20, 2.0, quality=1)
    state.reading(0, 30, 3.0, quality=2, verdict=Verdict.UNCOUNTED)
    with reader.snapshot() as view:
        assert view.newest([0])[0].counting == (20, 10)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_baseline_is_what_the_windows_took_as_one(state, reader, verdict):
    state.reading(0, 10, 1.0)
    state.reading(0, 20, 2.0, verdict=verdict)
    with reader.snapshot() as view:
        newest = view.newest([0])[0].baselines[0]

    taken = verdict not in {Verdict.UNCOUNTED, Verdict.OUTLIER, Verdict.HELD}
    assert newest == (20 if taken else 10)


def test_first_is_never_where_nothing_was_read(state, reader):
    state.begins(1, 77)
    with reader.snapshot() as view:
        assert view.begins([GRID, BOILER]).tolist() == [UNHEARD, 77]


def test_windows_leave_out_what_was_never_computed(state, reader):
    state.windows(GRID, MIDNIGHT + 59 * NS_PER_MIN, windows(2, 0.5))
    with reader.snapshot() as view:
        got = view.windows([GRID, BOILER], MIDNIGHT, MIDNIGHT + 2 * NS_PER_HOUR)

    assert got.start.tolist() == [MIDNIGHT + 59 * NS_PER_MIN, MIDNIGHT + 60 * NS_PER_MIN]
    assert got.source.tolist() == [GRID, GRID]
    assert got.values[:, 0].tolist() == [0.5, 0.5]


def test_windows_of_a_stretch_are_those_that_start_in_it(state, reader):
    state.windows(GRID, MIDNIGHT, windows(180, 0.5))
    start, end = MIDNIGHT + 90 * NS_PER_MIN, MIDNIGHT + 130 * NS_PER_MIN
    with reader.snapshot() as view:
        got = view.windows([GRID], start, end).start

    assert got.tolist() == list(range(start, end, NS_PER_MIN))


def test_a_period_is_summed_hours_first_then_days_then_months(state, reader):
    """The bits are those of windows added to hours, hours to days and so on, with what is unknown left out."""
    start = ns("2026-10-30T21:17:00+07:00")
    rows = noisy(3 * 1440)
    state.windows(GRID, start, rows)
    end = start + len(rows) * NS_PER_MIN
    times = range(start, end, NS_PER_MIN)

    with reader.snapshot() as view:
        got = period_sums(view, [GRID], Period(start, end, HAI_PHONG)).values[0, 0]

    partial = list(zip(times, rows[:, 0].tolist(), strict=True))
    for unit in (periods.hour_start, periods.day_start, periods.month_start, periods.year_start):
        groups: dict[int, list[float]] = {}
        for time, value in partial:
            groups.setdefault(int(unit(time, HAI_PHONG)), []).extend([] if np.isnan(value) else [value])
        partial = [(key, one_by_one(values) if values else np.nan) for key, values in groups.items()]
    assert got == one_by_one([value for _, value in partial])


def test_a_month_is_read_from_one_row(state, reader):
    state.windows(GRID, MIDNIGHT, windows(60, 0.5))
    state.db.execute("DELETE FROM emission")
    state.db.execute("DELETE FROM total WHERE level < 3")
    state.db.commit()
    month = Period(ns("2026-11-01T00:00:00+07:00"), ns("2026-12-01T00:00:00+07:00"), HAI_PHONG)

    with reader.snapshot() as view:
        got = period_sums(view, [BOILER, GRID], month)

    assert got.values[1, 0] == 30.0
    assert np.isnan(got.values[0, 0])
    assert got.windows.tolist() == [0, 60]
    assert got.revision.tolist() == [0, 1]


def test_rows_of_another_clock_are_not_counted(state, reader):
    """The park's zone was corrected: its old days are no days of the new clock."""
    state.windows(GRID, MIDNIGHT, windows(60, 0.5))
    state.db.execute("UPDATE total SET start = start + ? WHERE level = 2", (NS_PER_HOUR,))
    state.db.commit()
    with reader.snapshot() as view:
        got = period_sums(view, [GRID], Period(MIDNIGHT, MIDNIGHT + 24 * NS_PER_HOUR, HAI_PHONG))

    assert np.isnan(got.values[0, 0])


def test_nothing_known_is_nan():
    assert np.isnan(known_sum(np.full((3, 2), np.nan))).all()
    assert np.isnan(known_sum(np.empty((0, 2)))).all()


def test_shares_end_at_the_window_around_now(state, reader):
    """A reading may be ahead of our clock; its windows add tonnes but no coverage."""
    state.begins(GRID, MIDNIGHT)
    state.windows(GRID, MIDNIGHT, windows(12, 0.5))
    as_of = MIDNIGHT + 9 * NS_PER_MIN + 1
    with reader.snapshot() as view:
        got = source_sums(view, [GRID], Period(MIDNIGHT, MIDNIGHT + NS_PER_HOUR, HAI_PHONG), as_of)

    assert got.amounts[0, 0] == 6.0
    assert (got.shares[0, 0], got.due[0]) == (10.0, 10)


def test_shares_begin_at_the_window_of_the_first_reading(state, reader):
    """An interval's first reading covers time before it, which nobody owed."""
    state.begins(FOUNDRY, MIDNIGHT + 15 * NS_PER_MIN)
    state.windows(FOUNDRY, MIDNIGHT, windows(60, 0.5))
    end = MIDNIGHT + NS_PER_HOUR
    with reader.snapshot() as view:
        got = source_sums(view, [FOUNDRY, GRID], Period(MIDNIGHT, end, HAI_PHONG), end)

    assert got.amounts[0, 0] == 30.0
    assert (got.shares[0, 0], got.due[0]) == (45.0, 45)
    assert got.due[1] == 0


def test_a_silent_event_source_is_known_to_emit_nothing(state, reader):
    state.begins(CHILLER, MIDNIGHT - NS_PER_HOUR)
    end = MIDNIGHT + NS_PER_HOUR
    with reader.snapshot() as view:
        got = source_sums(view, [CHILLER], Period(MIDNIGHT, end, HAI_PHONG), end)

    assert got.amounts[0].tolist() == [0.0] * 6
    assert (got.shares[0].tolist(), got.due[0]) == ([60.0, 0.0, 0.0], 60)


def test_an_event_source_that_was_never_heard_of_is_unknown(state, reader):
    end = MIDNIGHT + NS_PER_HOUR
    with reader.snapshot() as view:
        got = source_sums(view, [CHILLER], Period(MIDNIGHT, end, HAI_PHONG), end)

    assert np.isnan(got.amounts).all()
    assert got.due[0] == 0


def test_a_hole_in_the_sequence_is_missing_of_an_event_source(state, reader):
    state.begins(CHILLER, MIDNIGHT - NS_PER_HOUR)
    state.windows(
        CHILLER, MIDNIGHT, np.concatenate([windows(5, 0, coverage=0), windows(1, 2.0, coverage=0.25)])
    )
    end = MIDNIGHT + NS_PER_HOUR
    with reader.snapshot() as view:
        got = source_sums(view, [CHILLER], Period(MIDNIGHT, end, HAI_PHONG), end)

    assert got.amounts[0, 0] == 2.0
    assert got.shares[0, 0] == 60 - 5.75


def test_an_event_source_is_unknown_where_the_whole_period_is_a_hole(state, reader):
    state.begins(CHILLER, MIDNIGHT - NS_PER_HOUR)
    state.windows(CHILLER, MIDNIGHT, windows(60, 0, coverage=0))
    end = MIDNIGHT + NS_PER_HOUR
    with reader.snapshot() as view:
        got = source_sums(view, [CHILLER], Period(MIDNIGHT, end, HAI_PHONG), end)

    assert np.isnan(got.amounts[0, 0])
    assert got.shares[0, 0] == 0


def test_no_window_is_due_before_the_period_began(state, reader):
    state.begins(GRID, 0)
    with reader.snapshot() as view:
        edges = np.array([MIDNIGHT, MIDNIGHT + NS_PER_HOUR])
        due = due_windows(state.plant, [GRID], view.begins([GRID]), edges, MIDNIGHT - NS_PER_HOUR)

    assert due.windows.tolist() == [[0]]


def test_the_balance_adds_minutes_and_books_by_gateway(state, reader):
    state.balance("a/b/c", 60, "messages", 6, 5, 1, 0, 0, 0)
    state.balance("a/b/c", 120, "messages", 4, 1, 1, 1, 1, 0)
    state.balance("a/b/c", 180, "messages", 100, 100, 0, 0, 0, 0)
    state.balance("", 60, "messages", 1, 0, 0, 0, 0, 1)
    state.code("a/b/c", 60, "unit_unknown", 2)
    state.code("a/b/c", 120, "unit_unknown", 1)
    with reader.snapshot() as view:
        got = view.balance(60, 180)
        one = view.balance(60, 180, "a/b/c")

    assert list(got) == ["", "a/b/c"]
    assert list(one) == ["a/b/c"]
    assert got["a/b/c"].messages == {
        "received": 10,
        "accepted": 6,
        "late": 2,
        "duplicate": 1,
        "quarantined": 1,
        "rejected": 0,
    }
    assert set(got["a/b/c"].readings.values()) == {0}
    assert got["a/b/c"].codes == {"unit_unknown": 3}


def test_gateways_say_what_they_said_last(state, reader):
    state.insert("gateway_status", "a/b/c", 5, 0, 2, b"")
    state.insert("gateway_status", "a/b/d", 6, None, 1, b"")
    with reader.snapshot() as view:
        assert [(g.gateway, g.online) for g in view.gateways()] == [("a/b/c", False), ("a/b/d", None)]


def test_outboxes_count_what_waits(state, reader):
    state.insert("influx_reading", 1, 40, b"")
    state.insert("influx_reading", 2, 2, b"")
    state.insert("influx_emission", 101, 0, 1, 1)
    state.insert("webhook", 1, "e1", "x", "a", b"", 50, 0, 50, 60, "")
    state.insert("webhook", 2, "e2", "x", "a", b"", 70, 0, 70, None, "")
    with reader.snapshot() as view:
        got = view.outboxes()

    assert (got.influx_readings, got.influx_hours, got.influx_alerts) == (42, 1, 0)
    assert (got.webhooks, got.oldest_webhook) == (1, 70)


def test_a_plant_that_names_sources_anew_finds_them_by_name(state):
    """Numbers of the plant are of one configuration; the database goes by names."""
    state.begins(BOILER, 77)
    old = state.plant
    swapped = replace(old, sources=tuple(replace(old.sources[1 - k], index=k) for k in (0, 1)))
    reader = Reader(state.path, swapped)
    with reader.snapshot() as view:
        assert view.begins([0, 1]).tolist() == [77, UNHEARD]
    reader.close()


def test_the_writers_sums_and_the_readers_agree_bit_by_bit(state, reader):
    """Two days as the writer climbed them, and as the reader adds them from windows of ragged hours."""
    rows = noisy(2 * 1440)
    start = MIDNIGHT + np.arange(len(rows)) * NS_PER_MIN
    table = EmissionTable(state.db, NS_PER_MIN, defaultdict(lambda: HAI_PHONG))
    table.apply(np.full(len(rows), GRID + 101), start, rows)
    state.db.commit()
    month = periods.month_start(MIDNIGHT, HAI_PHONG), periods.next_month(MIDNIGHT, HAI_PHONG)
    stored, added = (
        Period(*map(int, month), HAI_PHONG),
        Period(MIDNIGHT, int(start[-1]) + NS_PER_MIN, HAI_PHONG),
    )
    with reader.snapshot() as view:
        whole = period_sums(view, [GRID], stored)
        state.db.execute("DELETE FROM total")
        state.db.commit()
    with reader.snapshot() as view:
        assert np.isnan(period_sums(view, [GRID], added).values).all()
        days = [added.start + k * 24 * NS_PER_HOUR for k in range(3)]
        hours = [
            [view.windows([GRID], hour, hour + NS_PER_HOUR).values for hour in range(a, b, NS_PER_HOUR)]
            for a, b in pairwise(days)
        ]
    by_hand = known_sum(np.array([known_sum(np.array([known_sum(h) for h in day])) for day in hours]))
    assert whole.values[0].tobytes() == by_hand.tobytes()
