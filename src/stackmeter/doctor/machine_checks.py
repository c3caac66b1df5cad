"""Checks of everything but the broker: configuration, state directory, clock, InfluxDB, and the service itself."""

import ctypes
import shutil
import sqlite3
import stat
import time
from collections import Counter
from contextlib import closing
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from ingest.subscriptions import Subscriptions
from plant.vocabulary import NS_PER_DAY
from stackmeter.archive.archiving import checked_place, standing
from stackmeter.client.answers import TokenRefused, Unreachable, Unready
from stackmeter.client.calls import Client
from stackmeter.doctor.checkup import Case, CheckResult
from store.access_log import AccessLog
from store.archive.months import ARCHIVED, DUE, WAITS
from store.archive.places import ArchiveAway
from store.faults import FileFault, told_of
from store.folder import FolderUnusable, keys_file, stored_token, stored_url
from store.growth import bytes_per_day, full_in_days
from store.influx.reader import InfluxReader, QueryFailed
from store.messages.journal import JournalReader
from store.messages.journal_head import stored_head
from store.messages.set_aside import rows_aside
from store.sqlite import uri
from store.state import REMEDY
from store.upgrade import SCHEMA_VERSION, of_another_schema

TIMEOUT_S = 5.0
UNSYNCHRONISED = 5  # what adjtimex returns then: TIME_ERROR
LARGEST_SKEW_S = 2.0 + TIMEOUT_S  # Date has whole seconds, and the answer takes its time
MOST_ROWS = 10  # that were set aside are told one by one
URGENT_BYTES, SOON_BYTES, SOON_SHARE = 1 << 30, 4 << 30, 0.05  # free: below the first it is urgent
URGENT_DAYS, SOON_DAYS = 3, 30  # until it is full
FAILURES = (
    OSError,
    ValueError,
    LookupError,
    httpx.HTTPError,
    sqlite3.Error,
    FileFault,
    QueryFailed,
)  # what keeps a check from its answer


def configuration(case: Case) -> CheckResult:
    """Whether `run` would take the configuration."""
    plant = case.plant
    Subscriptions(plant)
    counts = f"{len(plant.parks)} parks, {len(plant.gateways)} gateways, {len(plant.channels)} channels"
    return CheckResult("ok", f"{case.settings.config} can be used: {counts}")


def permissions(case: Case) -> CheckResult:
    """Whether others on this machine can read the state directory."""
    folder = case.state
    if folder.exists() and not folder.is_dir():
        return CheckResult("fail", f"{folder} is no directory", "say where the state is with --state DIR")
    if not folder.is_dir():
        return CheckResult(
            "warn", f"there is no {folder} yet", "stackmeter run makes it; or say where with --state"
        )
    try:
        stored_token(folder), stored_url(folder)
    except FolderUnusable as error:
        return CheckResult("fail", str(error), "as it says")
    files = [folder / "journal.db", folder / "state.db", folder / "token", keys_file(folder)]
    open_ones = [str(p) for p in (folder, *files) if p.exists() and stat.S_IMODE(p.stat().st_mode) & 0o077]
    if open_ones:
        return CheckResult(
            "fail", f"others on this machine may look into {', '.join(open_ones)}", f"chmod -R go= {folder}"
        )
    return CheckResult("ok", f"{folder} is its owner's alone")


def disk(case: Case) -> CheckResult:
    """Whether there is room for the journal: without it nothing is acknowledged any more."""
    folder = next(p for p in (case.state.absolute(), *case.state.absolute().parents) if p.exists())
    usage = shutil.disk_usage(folder)
    return room(usage.free, usage.total, str(folder), _growth(case.state))


def _growth(folder: Path) -> float | None:
    """Return by how many bytes a day journal and state grow, None where nobody can say."""
    journal, state = folder / "journal.db", folder / "state.db"
    return bytes_per_day(journal, state, time.time_ns()) if journal.exists() else None


def room(free: int, total: int, where: str, per_day: float | None = None) -> CheckResult:
    """Return what so many free bytes of so many mean, where so many more are used each day; None: nobody knows."""
    told = f"{free / (1 << 30):,.1f} GiB free of {total / (1 << 30):,.1f} at {where}"
    days = full_in_days(free, per_day)
    if per_day and days is not None:
        told += f", full in {days:,.0f} days at the present {per_day / 1e6:,.1f} MB a day"
    if free < URGENT_BYTES or (days is not None and days < URGENT_DAYS):
        return CheckResult("fail", told, "make room: when it is full, messages wait at the broker")
    if free < SOON_BYTES or free < SOON_SHARE * total or (days is not None and days < SOON_DAYS):
        return CheckResult("warn", told, "make room soon")
    return CheckResult("ok", told)


def files_belong_together(case: Case) -> CheckResult:
    """Whether journal and state are of one another, of this version and of this configuration."""
    state, journal = case.state / "state.db", case.state / "journal.db"
    if not state.exists() or not journal.exists():
        both = not state.exists() and not journal.exists()
        return CheckResult("ok" if both else "warn", f"{case.state} holds no {'journal and state' if both else 'pair of both'} yet",
                       "" if both else "restore both from one backup, or start: the journal alone gives the state again")  # fmt: skip
    with (
        told_of(state, REMEDY),
        closing(JournalReader(journal)) as reader,
        closing(_read_only(state)) as connection,
    ):
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != SCHEMA_VERSION:
            return CheckResult(
                "fail", f"{state} {of_another_schema(version)}", "see CHANGELOG.md on upgrading"
            )
        meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
        (cursor,) = connection.execute("SELECT next FROM cursor WHERE name = 'line'").fetchone()
        known, begin, end, whole = reader.identity(), reader.begin(), reader.end(), reader.whole_up_to()
    head = stored_head(journal)
    if head is not None and head.end > end:
        return CheckResult(
            "fail",
            f"{whole}; what came after it, up to message {head.end - 1}, is damaged or missing",
            "restore both from one backup",
        )
    if meta.get("journal") not in (None, known) or not begin <= cursor <= end:
        pruned = f"{journal} begins at message {begin}, and {state} lacks messages from {cursor} on"
        other = f"{state} follows another journal than {journal}"
        remedy = (
            "restore both from one backup, or stackmeter rebuild --archive PLACE, which has what was pruned"
        )
        return CheckResult("fail", pruned if cursor < begin else other, remedy)
    if meta["window"] != case.plant.window:
        return CheckResult(
            "fail",
            f"{state} has windows of {meta['window'] / 1e9:g} s, the configuration says {case.plant.window / 1e9:g} s",
            "another --state, or the window as it was",
        )
    return CheckResult("ok", f"the state follows its journal, {end - cursor:,} messages behind")


def keys(case: Case) -> CheckResult:
    """Whether the file of keys and audit log is whole."""
    file = keys_file(case.state)
    if not file.exists():
        return CheckResult("ok", f"there is no {file} yet")
    with told_of(file, "restore it from a backup: without it no key lets anybody in"):
        AccessLog(file).check()
    return CheckResult("ok", f"{file} is whole; `stackmeter audit` proves its rows")


def stored_rows(case: Case) -> CheckResult:
    """Whether every row that the service needed of the state could be read."""
    state = case.state / "state.db"
    if not state.exists():
        return CheckResult("ok", f"{case.state} holds no state yet")
    with closing(_read_only(state)) as connection:
        rows = rows_aside(connection)
    if not rows:
        return CheckResult("ok", "every stored row could be read")
    told = "; ".join(str(row) for row in rows[:MOST_ROWS])
    more = f"; and {len(rows) - MOST_ROWS} more" if len(rows) > MOST_ROWS else ""
    return CheckResult(
        "warn",
        f"{len(rows)} stored rows could not be read and were set aside: {told}{more}",
        "look at the disk, and at who writes into state.db; stackmeter verify says what does not follow from the journal any more",
    )


def clock(_case: Case) -> CheckResult:
    """Whether this machine's clock follows a time server, as far as the kernel knows."""
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjtimex is None:
        return CheckResult(
            "warn", "whether the clock follows a time server cannot be told here", "see to it by hand"
        )
    if adjtimex(ctypes.create_string_buffer(512)) == UNSYNCHRONISED:
        return CheckResult(
            "warn",
            "the kernel says that the clock follows no time server",
            "run chrony or systemd-timesyncd: readings ahead of our clock by 120 s are refused",
        )
    return CheckResult("ok", "the clock follows a time server")


def influx(case: Case) -> CheckResult:
    """Whether InfluxDB answers, what it is, and whether its clock is ours."""
    answer = httpx.get(f"{case.settings.influx_url}/ping", timeout=TIMEOUT_S, trust_env=False)
    answer.raise_for_status()
    told = f"InfluxDB {answer.headers.get('X-Influxdb-Version', 'of an unknown version')} answers"
    skew = skew_of(answer.headers.get("Date"), time.time())
    if skew is not None and abs(skew) > LARGEST_SKEW_S:
        return CheckResult(
            "warn",
            f"{told}, and its clock is {skew:+.0f} s from ours",
            "let both machines follow one time server",
        )
    return CheckResult("ok", told)


def skew_of(date: str | None, now: float) -> float | None:
    """Return how far ahead a server's clock is [s] by its Date header, None where it has none."""
    return None if date is None else parsedate_to_datetime(date).timestamp() - now


def retention(case: Case) -> CheckResult:
    """Whether InfluxDB keeps points for as long as readings may be late."""
    s = case.settings
    with closing(
        InfluxReader(str(s.influx_url), s.influx_token.get_secret_value(), s.influx_bucket, timeout=TIMEOUT_S)
    ) as reader:
        kept = reader.retention()
    late = case.plant.max_late
    if 0 < kept < late:
        return CheckResult(
            "fail",
            f"it keeps {s.influx_bucket} for {kept / NS_PER_DAY:g} days, and readings may be {late / NS_PER_DAY:g} days late",
            "let it keep longer, or shorten max_late",
        )
    return CheckResult(
        "ok", f"it keeps {s.influx_bucket} {'for ever' if not kept else f'for {kept / NS_PER_DAY:g} days'}"
    )


def archive(case: Case) -> CheckResult:
    """Whether the archive can be reached, and which final months it has."""
    where = case.settings.archive
    try:
        checked_place(where).check()
    except ArchiveAway as away:
        return CheckResult("fail", str(away), "until it is back nothing is archived, and nothing is pruned")
    if not (case.state / "state.db").exists():
        return CheckResult("ok", f"{where} can be reached")
    months = Counter(one.status for one in standing(case.state, case.plant))
    told = f"{where} can be reached: {months[ARCHIVED]} final months are there, {months[DUE]} are due, {months[WAITS]} wait"
    return CheckResult("ok", told, "stackmeter archive says what each waits for" if months[WAITS] else "")


def service(case: Case) -> CheckResult:
    """Whether the service is ready."""
    with Client(case.api_url, case.token) as client:
        try:
            ready = client.ready()
        except Unreachable:
            return CheckResult(
                "warn", f"no service answers at {case.api_url}", "stackmeter run, or say where with --url"
            )
        except (TokenRefused, Unready) as error:
            return CheckResult("warn", str(error), "--token, or --state of the service")
    if not ready.ready:
        return CheckResult("fail", f"not ready: {'; '.join(ready.reasons)}", "as each reason says")
    if ready.degradations:
        return CheckResult("warn", f"ready, but {'; '.join(ready.degradations)}", "as each says")
    return CheckResult("ok", f"the service at {case.api_url} is ready")


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(uri(path, "ro"), uri=True, timeout=TIMEOUT_S)
