"""What we remember of our session at the broker: whether there was one, and until when, over restarts of ours.

A broker that has forgotten it has forgotten what waited for us in it, and says nothing of that itself.
"""

import logging
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from plant.vocabulary import NS_PER_DAY, NS_PER_MIN, NS_PER_S

TOLD_FOR = 7 * NS_PER_DAY  # a loss is shown for so long

log = logging.getLogger(__name__)


class Session(msgspec.Struct):
    """A session, and its last loss [ns UTC]; 0 where there was none."""

    broker: str  # host:port
    client_id: str
    connected_until: int
    lost_at: int = 0
    lost_since: int = 0  # until then we know that it was there
    losses: int = 0


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
        known = self._session
        if known is None or (known.broker, known.client_id) != (broker, client_id):
            known = Session(broker, client_id, now)
            present = True
        if not present:
            known.lost_at, known.lost_since, known.losses = now, known.connected_until, known.losses + 1
        known.connected_until, self._session = now, known
        self._save(known)
        return not present

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
