"""What we remember of our session at the broker: whether there was one, and until when, over restarts of ours.

A broker that has forgotten it has forgotten what waited for us in it, and says nothing of that itself.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from plant.vocabulary import NS_PER_DAY, NS_PER_MIN, NS_PER_S

TOLD_FOR = 7 * NS_PER_DAY  # a loss is shown for so long

_MOST = 20  # addresses that are remembered beside the newest

log = logging.getLogger(__name__)


class Session(msgspec.Struct):
    """A session at one address, and its last loss [ns UTC]; 0 where there was none."""

    broker: str  # host:port
    client_id: str
    connected_until: int
    lost_at: int = 0
    lost_since: int = 0  # until then we know that it was there
    losses: int = 0
    filters: list[str] = []  # what it may be subscribed to
    elsewhere: list["Session"] = []  # at the broker's other addresses


class SessionMemory:
    """Keeps a session in a file; for the network thread, and `seen` for another."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._session = stored_session(file)

    @property
    def session(self) -> Session | None:
        """What is known, None before the first connection."""
        return self._session

    def connected(self, broker: str, client_id: str, *, present: bool, now: int) -> bool:
        """Take note of a connection, and of whether the broker had a session of ours; return whether one was lost."""
        known = self._known(broker, client_id)
        if known is None:
            known = Session(broker, client_id, now)
            present = True
        self._put_first(known)
        if not present:
            known.lost_at, known.lost_since, known.losses = now, known.connected_until, known.losses + 1
        known.connected_until = now
        self._save(known)
        return not present

    def subscribing(self, filters: Sequence[str]) -> list[str]:
        """Take note of what the session is subscribed to from now on; return what it may be subscribed to besides, from before."""
        session = self._session
        if session is None:
            return []
        left = [one for one in session.filters if one not in filters]
        self._note_filters(session, [*filters, *left])
        return left

    def unsubscribed(self, one: str) -> None:
        """Take note that the session is not subscribed to a filter any more."""
        if self._session is not None:
            self._note_filters(self._session, [known for known in self._session.filters if known != one])

    def _note_filters(self, session: Session, filters: list[str]) -> None:
        if session.filters != filters:
            session.filters = filters
            self._save(session)

    def _known(self, broker: str, client_id: str) -> Session | None:
        known = [self._session, *self._session.elsewhere] if self._session is not None else []
        return next((one for one in known if (one.broker, one.client_id) == (broker, client_id)), None)

    def _put_first(self, session: Session) -> None:
        """Make a session the one that is spoken of; those of the same client at other addresses may be met again."""
        before = self._session
        if before is not None and before is not session:
            others = [before, *before.elsewhere]
            before.elsewhere = []
            session.elsewhere = [
                one for one in others if one is not session and one.client_id == session.client_id
            ][:_MOST]
        self._session = session

    def seen(self, now: int) -> None:
        """Take note, about once a minute, that we are connected."""
        if self._session is not None and now - self._session.connected_until >= NS_PER_MIN:
            self._session.connected_until = now
            self._save(self._session)

    def _save(self, session: Session) -> None:
        written = self._file.with_suffix(".new")
        try:
            written.write_bytes(msgspec.json.encode(session))
            written.replace(self._file)
        except OSError as error:
            log.error("our session at the broker cannot be remembered: %s", error)  # noqa: TRY400 - its text says all


def loss(session: Session) -> str:
    """Return what a lost session means, in a sentence."""
    return (
        f"the broker had no session of ours at {_utc(session.lost_at)}, which it had until {_utc(session.lost_since)}: what it held for us"
        " is lost, but where gateways send it again; see that it keeps sessions on disk, and long enough"
    )


def _utc(ns: int) -> str:
    return datetime.fromtimestamp(ns // NS_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def stored_session(file: Path) -> Session | None:
    """Return what a file remembers; None where there is none, or it cannot be read."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Session)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        log.warning("%s is set aside: it does not say what session we had: %s", file, error)
        return None
