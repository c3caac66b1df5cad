"""Who is let in beside the token, and what the service itself enters into the audit log; both stand in `keys.sqlite`.

Where that file is damaged, locked or gone, nobody is let in by a key and nothing is recorded, and readings go on.
"""

import logging
import sqlite3
import time
from importlib.metadata import version
from pathlib import Path

from api.access.addresses import Clients
from api.access.guard import Access, Issuer
from plant.documents.problems import ConfigurationError
from plant.networks import named_networks
from stackmeter.settings import Settings
from store.access_log import AccessLog, Entry, Head
from store.access_log import make as make_keys
from store.keys import Keys
from store.sqlite import StateMismatch

HEAD_EVERY_S = 3600.0  # the head of the audit log is told so often
LOOK_EVERY_S = 15.0  # and so often it is seen whether the file that it stands in is whole

log = logging.getLogger(__name__)


class ServiceLog:
    """The file of keys and audit log, for the service; nothing that is wrong with it is raised but by `head`."""

    def __init__(self, file: Path) -> None:
        self._file, self._log = file, AccessLog(file)
        self.trouble = ""  # what was wrong with it when it was looked at last
        self._told, self._looked = -HEAD_EVERY_S, time.monotonic()

    def access(self, settings: Settings) -> Access:
        """Return who is let in beside the token, the file made where it is missing; raise ConfigurationError for a wrong provider."""
        try:
            make_keys(self._file)
        except (sqlite3.Error, StateMismatch, OSError) as error:
            log.error("no key lets anybody in, and nothing is recorded: %s: %s", self._file, error)  # noqa: TRY400 - its text says all
        self.look()
        clients = Clients(named_networks(settings.trusted_proxies))
        return Access(Keys(self._file), self._log, _provider(settings), clients)

    def tend(self) -> None:
        """Tell the head and look at the file where that is due; to be called again and again."""
        now = time.monotonic()
        if now - self._told > HEAD_EVERY_S:
            self._told = now
            self.tell_head()
        if now - self._looked > LOOK_EVERY_S:
            self._looked = now
            self.look()

    def look(self) -> None:
        """Look whether the file is whole."""
        try:
            self._log.check()
        except sqlite3.Error as error:
            self.trouble = (
                f"{self._file.name} is damaged or held: keys may be refused, and nothing be recorded: {error}"
            )
        else:
            self.trouble = ""

    def record(self, what: str, old: str, new: str) -> None:
        """Enter what happens to the service; what it does for the park goes on without its row, too."""
        try:
            self._log.note(Entry(time.time_ns(), "service", what, version("stackmeter"), old, new))
        except sqlite3.Error as error:
            log.error("%s cannot be recorded: %s", what, error)  # noqa: TRY400 - its text says all

    def head(self) -> Head | None:
        """Return number and hash of the newest row; raise sqlite3.Error where it cannot be read."""
        return self._log.head()

    def tell_head(self) -> None:
        """Say in the log how far the audit log goes: whoever keeps the log elsewhere can prove later that no row was cut off."""
        try:
            head = self.head()
        except sqlite3.Error as error:
            log.error("the audit log cannot be read: %s", error)  # noqa: TRY400 - its text says all
        else:
            log.info("audit log head %s", head or "none: it has no rows")

    def last_hash(self) -> str:
        """Return the configuration's hash of the start before, "" where there is none or it cannot be read."""
        try:
            rows = self._log.rows(what="service.started", most=1)
        except sqlite3.Error:
            return ""
        return rows[0].entry.new if rows else ""


def _provider(settings: Settings) -> Issuer | None:
    """Return what knows the tokens of the identity provider, None where none is set; raise ConfigurationError where it cannot be."""
    if settings.oidc_issuer is None:
        return None
    try:
        from api.access.oidc import Provider, ProviderTokens  # noqa: PLC0415 - its extra is there only where it is used
    except ModuleNotFoundError as error:
        what = "the setting oidc_issuer needs the extra oidc: pip install 'stackmeter[oidc]'"
        raise ConfigurationError.of(settings.config, 0, what, "oidc_issuer") from error
    provider = Provider(settings.oidc_issuer, settings.oidc_audience, settings.oidc_claim, settings.oidc_name)
    try:
        return ProviderTokens(provider)
    except ValueError as error:
        raise ConfigurationError.of(settings.config, 0, str(error), "oidc_issuer") from error
