"""Loads a configuration folder: every YAML file and point list in it, checked as a whole and resolved to a `Plant`.

The files are merged at the top level in the order of their names: lists are joined, `settings` stands once. Factor,
tariff, market and limit files (`factors.yaml`, `*.factors.yaml`, `tariffs.yaml`, ...) belong to `rules`, and mappings of a replay (`mapping.yaml`,
`*.mapping.yaml`) to the simulators, texts for papers (`about.yaml`, `*.about.yaml`) to `about`; all are passed over. Parks, facilities, gateways, channels and sources are
numbered in the order of their names, so that neither files nor lines decide a number.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from plant.alert_rules.alert_parts import AlertPart
from plant.alert_rules.alerts import RuleMaker, Site, webhook
from plant.alert_rules.condition_maker import Candidate, ConditionMaker, candidates
from plant.alert_rules.conditions import Subject
from plant.alert_rules.routing import routing
from plant.alert_rules.standard_rules import StandardMaker
from plant.alerting import LABELS, Routing
from plant.catalogue import Catalogue, FactorSpec
from plant.commitments import MeterBalance
from plant.configuration.balances import BalanceMaker
from plant.configuration.channels import channels_of
from plant.configuration.facilities import BillingMaker, facility_of, instruments_of
from plant.configuration.fingerprint import fingerprint
from plant.configuration.measures import MeasureMaker
from plant.configuration.model import Configuration, FacilityPart, ParkPart, SettingsPart, json_schema
from plant.configuration.parks import park_of
from plant.configuration.sources import SourceMaker
from plant.configuration.virtuals import VirtualMaker
from plant.devices.subscriptions import resolve
from plant.documents.documents import Placed, read, salvage
from plant.documents.findings import Findings
from plant.documents.problems import ConfigurationError, Problem
from plant.indicators.indicator_maker import IndicatorMaker
from plant.park import Channel, Condition, Gateway, Park, Plant, Source, Virtual, Webhook
from plant.station.feeds import FeedMaker
from plant.symbiosis.exchange_maker import ExchangeMaker

__all__ = ["Loaded", "json_schema", "load", "load_with_doubts"]

# Files of other readers, also as *.factors.yaml and so on.
OTHERS = (
    "factors.yaml",
    "tariffs.yaml",
    "market.yaml",
    "limits.yaml",
    "mapping.yaml",
    "about.yaml",
    "members.yaml",
    "shards.yaml",
)

Files = Sequence[Placed[Configuration]]
Facilities = Mapping[Site, Placed[FacilityPart]]
Numbered = TypeVar("Numbered", Gateway, Channel, Source)
Named = TypeVar("Named", Channel, Source, Virtual)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that can be used, and what is probably not meant as it stands there."""

    plant: Plant
    doubts: tuple[Problem, ...]


def load(directory: Path, catalogue: Catalogue, environment: Mapping[str, str] | None = None) -> Plant:
    """Return what a folder configures; see `load_with_doubts`."""
    return load_with_doubts(directory, catalogue, environment).plant


def load_with_doubts(
    directory: Path, catalogue: Catalogue, environment: Mapping[str, str] | None = None
) -> Loaded:
    """Return what a folder configures, and what of it is doubtful.

    Parameters
    ----------
    directory
        The folder; point lists and relative secret files must lie inside it.
    catalogue
        The methods, factors and GWP sets that it may name, with its own factors.
    environment
        Where `secret_env` is looked up; the process's environment where None.

    Raises
    ------
    ConfigurationError
        With every problem of every file, sorted; nothing is loaded then.
    """
    findings = Findings()
    files = list(_files(directory, findings))
    settings = _settings(files, catalogue, findings)
    parks = _parks(directory, files, findings)
    facilities = _facilities(parks, findings)
    channels = _channels(facilities, directory, findings)
    virtuals = _virtuals(facilities, channels, findings)
    resolved = tuple(park_of(park, settings.window, findings) for park in parks)
    zones = {park.name: park.zone for park in resolved}
    sources = _sources(facilities, zones, channels, virtuals, catalogue, findings)
    if facilities and not any(part.value.sources for part in facilities.values()):
        message = "no source is declared, so nothing would be counted"
        findings.problems.append(Problem(str(directory), 0, "", message))
    environment = os.environ if environment is None else environment
    webhooks = _webhooks(files, directory, environment, findings)
    gateways = _gateways(facilities, findings)
    alerts = _alerts(files, findings)
    limited = StandardMaker(_by_site(facilities, channels), zones, catalogue, findings, alerts)
    standards = limited.standards(facilities)
    subjects = candidates([p.value.name for p in parks], list(facilities), gateways, channels, sources)
    measured = _by_site(facilities, channels)
    bills = BillingMaker(measured, _by_site(facilities, virtuals), catalogue, settings.window, findings)
    plant = Plant(
        parks=resolved,
        facilities=tuple(facility_of(part, park, bills, findings) for (park, _), part in facilities.items()),
        gateways=gateways,
        channels=channels,
        sources=sources,
        rules=_rules(alerts, facilities, channels, sources, findings),
        conditions=_conditions(alerts, subjects, measured, catalogue.factors, findings),
        webhooks=webhooks,
        routing=_routing(files, webhooks, alerts, resolved, findings),
        window=settings.window,
        gwp=settings.gwp,
        max_late=settings.max_late,
        allowed_lateness=settings.allowed_lateness,
        second_approval_above=settings.second_approval_above,
        closing_coverage=settings.closing.coverage,
        record_approval=settings.record_approval,
        hash="",
        virtuals=virtuals,
        balances=_balances(_owned(parks, facilities, "balances"), facilities, channels, findings),
        measures=MeasureMaker((*channels, *virtuals), zones, catalogue.factors, findings).measures(
            _owned(parks, facilities, "measures")
        ),
        instruments=instruments_of(_owned(parks, facilities, "instruments"), findings),
        standards=standards,
        indicators=IndicatorMaker((*channels, *virtuals), findings).indicators(parks, facilities),
        subscriptions=resolve(
            (part for file in files for part in file.parts("subscriptions", file.value.subscriptions)),
            gateways,
            directory,
            findings,
        ),
        feeds=FeedMaker(measured, directory, environment, findings).feeds(_owned(parks, facilities, "feeds")),
        exchanges=ExchangeMaker(measured, virtuals, sources, findings).exchanges(parks),
    )
    if findings.problems:
        raise ConfigurationError(findings.problems)
    factors = sorted({source.factor for source in plant.sources} - {""})
    named = replace(plant, hash=fingerprint(plant, catalogue.numbers(factors, plant.gwp)))
    return Loaded(named, tuple(sorted(set(findings.doubts))))


def _files(directory: Path, findings: Findings) -> Iterator[Placed[Configuration]]:
    """Yield every configuration file of the folder, as far as it is valid."""
    paths = sorted(p for p in directory.glob("*") if p.suffix in (".yaml", ".yml") and not _is_of_others(p))
    if not paths:
        what = "has no .yaml file" if directory.is_dir() else "is not a folder"
        raise ConfigurationError.of(directory, 0, what)
    for path in paths:
        try:
            document = read(path)
        except ConfigurationError as error:
            findings.problems += error.problems
            findings.incomplete = True
            continue
        file = salvage(document, Configuration)
        findings.problems += document.problems
        findings.broken |= document.broken
        if file is None:
            findings.incomplete = True
        else:
            yield file


def _is_of_others(path: Path) -> bool:
    return path.name in OTHERS or path.name.endswith(tuple(f".{name}" for name in OTHERS))


def _settings(files: Files, catalogue: Catalogue, findings: Findings) -> SettingsPart:
    """Return the one `settings`, or the defaults where there is none."""
    given = [file for file in files if file.value.settings is not None]
    for file in given:
        findings.is_only(file, "is given twice", ("settings",), "settings")
    settings = (given[0].value.settings if given else None) or SettingsPart()
    if settings.gwp not in catalogue.gwp_sets and given:
        findings.unknown(given[0], "GWP set", settings.gwp, catalogue.gwp_sets, "settings", "gwp")
    return settings


def _parks(directory: Path, files: Files, findings: Findings) -> list[Placed[ParkPart]]:
    if not any(file.value.parks for file in files) and not findings.problems:
        findings.problems.append(
            Problem(str(directory), 0, "", "no park is declared: add one under the key parks")
        )
    parks = [park for file in files for park in file.parts("parks", file.value.parks)]
    return sorted((p for p in parks if findings.is_first_name(p, "park")), key=lambda park: park.value.name)


def _facilities(parks: Iterable[Placed[ParkPart]], findings: Findings) -> Facilities:
    facilities: dict[Site, Placed[FacilityPart]] = {}
    for park in parks:
        name = park.value.name
        if not park.value.facilities:
            findings.refuse(park, f"park {name} has no facility", "facilities")
        for facility in park.parts("facilities", park.value.facilities):
            if findings.is_first_name(facility, "facility", name):
                facilities[name, facility.value.name] = facility
    return dict(sorted(facilities.items()))


def _gateways(facilities: Facilities, findings: Findings) -> tuple[Gateway, ...]:
    gateways: list[Gateway] = []
    for (park, facility), part in facilities.items():
        may_be_entered = part.value.points or any(one.entered for one in part.value.channels)
        if not part.value.gateways and not may_be_entered:
            message = (
                f"facility {facility} has no gateway, and no channel that people enter: nothing can reach it"
            )
            findings.refuse(part, message, "gateways")
        gateways += (
            Gateway(-1, park, facility, gateway.value.name)
            for gateway in part.parts("gateways", part.value.gateways)
            if findings.is_first_name(gateway, "gateway", park, facility)
        )
    return _numbered(gateways)


def _channels(facilities: Facilities, directory: Path, findings: Findings) -> tuple[Channel, ...]:
    channels: list[Channel] = []
    for (park, facility), part in facilities.items():
        before = len(findings.problems)
        found = channels_of(part, park, directory, findings)
        if not found and not part.value.channels and len(findings.problems) == before:
            message = (
                f"facility {facility} has no channel: list them under channels, or name a CSV file as points"
            )
            findings.refuse(part, message, "channels")
        channels += found.values()
    return _numbered(channels)


def _sources(
    facilities: Facilities,
    zones: Mapping[str, ZoneInfo],
    channels: Iterable[Channel],
    virtuals: Iterable[Virtual],
    catalogue: Catalogue,
    findings: Findings,
) -> tuple[Source, ...]:
    by_site, virtual = _by_site(facilities, channels), _by_site(facilities, virtuals)
    sellers = {
        site: any(source.sold_by is None for source in part.value.sources)
        for site, part in facilities.items()
    }
    sources: list[Source] = []
    for (park, facility), part in facilities.items():
        maker = SourceMaker(
            park,
            facility,
            zones[park],
            by_site[park, facility],
            virtual[park, facility],
            sellers,
            catalogue,
            findings,
        )
        sources += (
            made
            for source in part.parts("sources", part.value.sources)
            if findings.is_first_name(source, "source", park, facility) and (made := maker.source(source))
        )
    return _numbered(sources)


def _virtuals(facilities: Facilities, channels: Sequence[Channel], findings: Findings) -> tuple[Virtual, ...]:
    by_site = _by_site(facilities, channels)
    virtuals: list[Virtual] = []
    for (park, facility), part in facilities.items():
        first = len(channels) + len(virtuals)
        maker = VirtualMaker(park, facility, by_site[park, facility], first, findings)
        virtuals += maker.virtuals(part)
    return tuple(virtuals)


def _balances(
    parts: Iterable[tuple[Site, Placed[Any]]],
    facilities: Facilities,
    channels: Iterable[Channel],
    findings: Findings,
) -> tuple[MeterBalance, ...]:
    maker = BalanceMaker(_by_site(facilities, channels), findings)
    made = [
        maker.balance(site, balance)
        for site, balance in parts
        if findings.is_first_name(balance, "balance", *site)
    ]
    return tuple(sorted((one for one in made if one), key=lambda one: (one.park, one.facility, one.name)))


def _owned(
    parks: Iterable[Placed[ParkPart]], facilities: Facilities, key: str
) -> Iterator[tuple[Site, Placed[Any]]]:
    """Yield what parks, as facility "", and facilities have under a key, with whose it is."""
    owners: list[tuple[Site, Placed[Any]]] = [((park.value.name, ""), park) for park in parks]
    for site, owner in chain(owners, facilities.items()):
        yield from ((site, part) for part in owner.parts(key, getattr(owner.value, key)))


def _alerts(files: Files, findings: Findings) -> list[Placed[AlertPart]]:
    alerts = [alert for file in files for alert in file.parts("alerts", file.value.alerts)]
    return [alert for alert in alerts if findings.is_first_name(alert, "alert")]


def _rules(
    alerts: Iterable[Placed[AlertPart]],
    facilities: Facilities,
    channels: Iterable[Channel],
    sources: Iterable[Source],
    findings: Findings,
) -> tuple[Condition, ...]:
    maker = RuleMaker(_by_site(facilities, channels), _by_site(facilities, sources), findings)
    made = [maker.rule(alert) for alert in alerts if alert.value.expr is None]
    return tuple(sorted((rule for rule in made if rule), key=lambda rule: rule.name))


def _conditions(
    alerts: Iterable[Placed[AlertPart]],
    subjects: Mapping[Subject, Sequence[Candidate]],
    channels: Mapping[Site, Mapping[str, Channel]],
    factors: Mapping[str, FactorSpec],
    findings: Findings,
) -> tuple[Condition, ...]:
    maker = ConditionMaker(subjects, channels, factors, findings)
    made = [maker.conditions(alert) for alert in alerts if alert.value.expr is not None]
    return tuple(sorted(chain.from_iterable(made), key=lambda one: (one.name, one.subjects)))


def _webhooks(
    files: Files, directory: Path, environment: Mapping[str, str], findings: Findings
) -> tuple[Webhook, ...]:
    parts = [part for file in files for part in file.parts("webhooks", file.value.webhooks)]
    made = [
        webhook(p, directory, environment, findings) for p in parts if findings.is_first_name(p, "webhook")
    ]
    return tuple(sorted(made, key=lambda hook: hook.name))


def _routing(
    files: Files,
    webhooks: Iterable[Webhook],
    alerts: Iterable[Placed[AlertPart]],
    parks: Sequence[Park],
    findings: Findings,
) -> Routing:
    zone = parks[0].zone if parks else ZoneInfo("UTC")
    labels = dict.fromkeys((*LABELS, *(name for part in alerts for name in part.value.labels)))
    return routing(files, [hook.name for hook in webhooks], labels, zone, findings)


def _numbered(parts: list[Numbered]) -> tuple[Numbered, ...]:
    """Return the parts in the order of park, facility and name, each with its place as its index."""
    parts.sort(key=lambda part: (part.park, part.facility, part.name))
    return tuple(replace(part, index=index) for index, part in enumerate(parts))


def _by_site(facilities: Facilities, parts: Iterable[Named]) -> dict[Site, dict[str, Named]]:
    found: dict[Site, dict[str, Named]] = {site: {} for site in facilities}
    for part in parts:
        found[part.park, part.facility][part.name] = part
    return found
