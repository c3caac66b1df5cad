"""Puts limits and webhooks together."""

import base64
import binascii
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import nan
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from plant.alert_rules.alert_parts import AlertPart, bilingual
from plant.configuration.model import WebhookPart
from plant.documents.documents import Placed
from plant.documents.files import decode, inside, read_bytes
from plant.documents.findings import Findings
from plant.documents.placeholders import check_texts
from plant.documents.problems import ConfigurationError
from plant.park import Bilingual, Channel, Comparison, Condition, ConditionStep, Instants, Source, Webhook
from plant.suggest import did_you_mean
from plant.units import DimensionError, conversion, unit
from plant.vocabulary import NS_PER_MIN

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix that Standard Webhooks gives every secret
SECRET_BYTES = range(24, 65)
LARGEST_SECRET_FILE = 4096
EMISSION_RATE = "t/h"
CO2E_RATE = "tCO2e/h"
WINDOW_DELAY = NS_PER_MIN

Site = tuple[str, str]  # park and facility
_JUDGED = {Instants.READINGS: "channel", Instants.WINDOWS: "source"}
_OWN = {"channel": ("park", "facility", "gateway", "channel"), "source": ("park", "facility", "source")}


@dataclass(frozen=True, slots=True)
class RuleMaker:
    """Makes limits; channels and sources are by site and name, with their index."""

    channels: Mapping[Site, Mapping[str, Channel]]
    sources: Mapping[Site, Mapping[str, Source]]
    findings: Findings

    def rule(self, part: Placed[AlertPart]) -> Condition | None:
        """Return a limit, in the channel's own unit or in t/h; None where it leads nowhere."""
        written = part.value
        site = self._site(part)
        if site is None:
            return None
        channel = self._channel(part, site) if written.channel is not None else None
        source = self._source(part, site) if written.source is not None else None
        judged = channel or source
        if judged is None:
            return None
        if channel is not None and written.delay is not None:
            self.findings.refuse(part, "is for a source; a channel is judged at each reading", "delay")
        instants = Instants.WINDOWS if channel is None else Instants.READINGS
        check_texts(part, _JUDGED[instants], _OWN[_JUDGED[instants]], self.findings)
        judged_in = channel.unit.symbol if channel else EMISSION_RATE
        made = limit(
            written.name,
            instants,
            judged.index,
            ">" if written.above is not None else "<",
            self._limit(part, judged_in),
            judged_in,
            severity=written.severity,
            summary=bilingual(written.summary),
            delay=0 if channel else WINDOW_DELAY if written.delay is None else written.delay,
        )
        return replace(
            made,
            description=bilingual(written.description),
            first_action=bilingual(written.first_action),
            runbook=written.runbook or "",
        )

    def _site(self, part: Placed[AlertPart]) -> Site | None:
        written = part.value
        sites = [s for s in self.channels if s[1] == written.facility and written.park in (None, s[0])]
        if len(sites) == 1:
            return sites[0]
        if sites:
            parks = " and ".join(sorted(park for park, _ in sites))
            self.findings.refuse(
                part, f"{parks} have a facility {written.facility}; say which park", "facility"
            )
        else:
            known = [facility for park, facility in self.channels if written.park in (None, park)]
            self.findings.unknown(part, "facility", str(written.facility), known, "facility")
        return None

    def _channel(self, part: Placed[AlertPart], site: Site) -> Channel | None:
        name = str(part.value.channel)
        found = self.channels[site].get(name)
        if found is None:
            self.findings.unknown(part, "channel", name, self.channels[site], "channel")
        return found

    def _source(self, part: Placed[AlertPart], site: Site) -> Source | None:
        name = str(part.value.source)
        found = self.sources[site].get(name)
        if found is None:
            self.findings.unknown(part, "source", name, self.sources[site], "source")
        return found

    def _limit(self, part: Placed[AlertPart], judged_in: str) -> float:
        """Return the limit in the unit that is judged; a source's t/h are of CO2e, and may be written as that."""
        written = part.value
        limit = written.above if written.above is not None else written.below
        given = unit(written.unit or judged_in)
        is_co2e = written.source is not None and given.dimension == unit(CO2E_RATE).dimension
        try:
            scale, offset = conversion(given, unit(CO2E_RATE if is_co2e else judged_in))
        except DimensionError as error:
            self.findings.refuse(part, str(error), "unit")
            return nan
        return nan if limit is None else limit * scale + offset


def limit(
    name: str,
    instants: Instants,
    index: int,
    operator: str,
    number: float,
    unit: str,
    *,
    severity: str,
    summary: Bilingual,
    delay: int = 0,
) -> Condition:
    """Return the condition `value > x`, or `value < x`, of a channel at each reading, or of a source at each window [t/h].

    Parameters
    ----------
    index
        Of the channel, or of the source.
    number, unit
        The limit. [unit]
    delay
        How long after its end a window is judged. [ns]
    """
    return Condition(
        name=name,
        subject=_JUDGED[instants],
        subjects=(index,),
        expr=f"value {operator} {number!r}",
        steps=(ConditionStep("value"), ConditionStep("number", number=number), ConditionStep(operator)),
        unit=unit,
        severity=severity,
        summary=summary,
        delay=delay,
        comparisons=(Comparison(operator, unit),),
        instants=instants,
    )


def webhook(
    part: Placed[WebhookPart], directory: Path, environment: Mapping[str, str], findings: Findings
) -> Webhook:
    """Return a webhook with its secrets; what is wrong with a secret goes to `findings`, never the secret.

    An endpoint that signs shares its secret with no other: who holds one could speak to the other in our name.
    """
    written = part.value

    def read(*keys: str, check: Callable[[str], None] = _check_secret) -> str:
        key = next((k for k in keys if getattr(written, k) is not None), None)
        if key is None:
            return ""
        try:
            secret = _secret(part, key, directory, environment)
            check(secret)
        except ValueError as error:
            findings.refuse(part, str(error), key)
            return ""
        if check is _check_secret:
            message = "is the secret of another endpoint, or of this one twice: each has its own"
            findings.is_only(part, message, ("secret", secret), key)
        return secret

    return Webhook(
        name=written.name,
        url=written.url or "",
        secret=read("url_env", check=_check_chat_url)
        if written.kind == "apprise"
        else read("secret_env", "secret_file", "secret"),
        allow_private=written.allow_private,
        previous_secret=read("previous_secret_env", "previous_secret_file"),
        kind=written.kind,
        format="alertmanager-api" if written.kind == "alertmanager-api" else written.format,
        heartbeat=written.heartbeat or 0,
        language=written.language,
        zone=_zone(part, written.zone, findings),
    )


def _zone(part: Placed[WebhookPart], key: str | None, findings: Findings) -> ZoneInfo | None:
    if key is None:
        return None
    if key in (known := available_timezones()):
        return ZoneInfo(key)
    findings.refuse(part, f"there is no time zone {key}{did_you_mean(key, known)}", "zone")
    return None


def _secret(part: Placed[WebhookPart], key: str, directory: Path, environment: Mapping[str, str]) -> str:
    written = str(getattr(part.value, key))
    if key.endswith("_env"):
        if written not in environment:
            raise ValueError("the environment has no variable of that name")
        return environment[written]
    if key.endswith("_file"):
        return _secret_of_file(written, directory)
    _check_private(part.document.file)
    return written


def _secret_of_file(name: str, directory: Path) -> str:
    """Return a file's text without its last line end; an absolute path may lead anywhere, a relative one may not."""
    try:
        path = Path(name) if Path(name).is_absolute() else inside(directory, name)
    except ValueError as error:
        raise ValueError("a relative path stays inside the configuration folder") from error
    try:
        text = decode(path, read_bytes(path, LARGEST_SECRET_FILE))
    except ConfigurationError as error:
        raise ValueError(f"the file {error.problems[0].message}") from error
    _check_private(path)
    return text.removesuffix("\n").removesuffix("\r")


def _check_private(path: Path) -> None:
    if path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        raise ValueError(
            "the file holds a secret, and every user may open it: take the rights of others away (chmod o=)"
        )


def _check_secret(secret: str) -> None:
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("the secret is not base64") from error
    if not secret.startswith(SECRET_PREFIX) or len(key) not in SECRET_BYTES:
        raise ValueError(
            f"a secret is {SECRET_PREFIX} and then {SECRET_BYTES[0]} to {SECRET_BYTES[-1]} bytes in base64"
        )


def _check_chat_url(url: str) -> None:
    if not url or not url.isprintable():
        raise ValueError("the variable holds no Apprise URL, such as tgram://token/chat")
