"""Puts together the limits that channels must keep, and the alerts that the one in force makes of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import isnan
from typing import Any
from zoneinfo import ZoneInfo

from plant.alert_rules.alert_parts import AlertPart
from plant.alert_rules.alerts import Site
from plant.alert_rules.rule_library import library
from plant.alert_rules.standard_model import StandardPart, StandardRowPart
from plant.catalogue import Catalogue, LimitChoice, LimitNumbers, LimitSpec
from plant.commitments import OWN, Averaging, Standard, StandardRow
from plant.configuration.model import FacilityPart
from plant.documents.documents import Placed
from plant.documents.findings import Findings
from plant.park import Channel
from plant.periods import local_day, local_midnight
from plant.units import DimensionError, conversion, unit
from plant.vocabulary import FOREVER, Kind

NO_CHANNEL = -1
_AFTER = "wastewater-limit-day"  # the rule that says what to do first at an outfall


@dataclass(frozen=True, slots=True)
class StandardMaker:
    """Makes standards; channels are by site and name. Their alerts are as if somebody had written them in `alerts`."""

    channels: Mapping[Site, Mapping[str, Channel]]
    zones: Mapping[str, ZoneInfo]
    catalogue: Catalogue
    findings: Findings
    alerts: list[Placed[AlertPart]] = field(default_factory=list)

    def standards(self, facilities: Mapping[Site, Placed[FacilityPart]]) -> tuple[Standard, ...]:
        """Return the standards of facilities, and add their alerts to `alerts`; mistakes go to the findings."""
        made = [
            self._standard(site, one)
            for site, part in facilities.items()
            for one in part.parts("standards", part.value.standards)
            if self.findings.is_first_name(one, "standard")
        ]
        return tuple(sorted((one for one in made if one), key=lambda one: (one.park, one.facility, one.name)))

    def _standard(self, site: Site, part: Placed[StandardPart]) -> Standard | None:
        """Return a standard, None where it leads nowhere."""
        written = part.value
        before = len(self.findings.problems)
        channel = self._channel(part, site, written.channel, "channel", Kind.LEVEL)
        oxygen = self._channel(part, site, written.oxygen, "oxygen", Kind.LEVEL)
        running = self._channel(part, site, written.running, "running", Kind.LEVEL, Kind.RATE)
        specs = [self._spec(part, row) for row in part.parts("rows", written.rows)]
        averaging = self._averaging(part, [one for one in specs if one])
        if channel is None or None in specs or len(self.findings.problems) > before:
            return None
        made = Standard(
            park=site[0],
            facility=site[1],
            name=written.name,
            channel=channel.index,
            averaging=averaging,
            rows=tuple(self._rows(part, channel, [one for one in specs if one])),
            oxygen=oxygen.index if oxygen else NO_CHANNEL,
            oxygen_scale=self._percent(part, oxygen) if oxygen else 1.0,
            highest_oxygen=written.highest_oxygen,
            running=running.index if running else NO_CHANNEL,
            running_above=written.running_above,
        )
        self._check_permits(part, made)
        if made.running >= 0 and (averaging == "day" or any(not isnan(row.low) for row in made.rows)):
            self.findings.refuse(
                part, "is for a most of the hour's mean; days and ranges are judged always", "running"
            )
        if len(self.findings.problems) == before:
            self._make_alerts(part, made, channel, specs[0])
        return made

    def _channel(
        self, part: Placed[StandardPart], site: Site, name: str | None, key: str, *kinds: Kind
    ) -> Channel | None:
        if name is None:
            return None
        found = self.channels[site].get(name)
        if found is None:
            self.findings.unknown(part, "channel", name, self.channels[site], key)
        elif found.kind not in kinds:
            self.findings.refuse(part, f"{name} is of kind {found.kind}, not {' or '.join(kinds)}", key)
        return found

    def _spec(self, part: Placed[StandardPart], row: Placed[StandardRowPart]) -> LimitSpec | None:
        """Return the limit that a row names, None where there is none; what it lacks of the site is refused."""
        written = row.value
        spec = self.catalogue.limits.get(written.limit)
        if spec is None:
            self.findings.unknown(row, "limit", written.limit, self.catalogue.limits, "limit")
            return None
        for key, given, known in (
            ("column", written.column, spec.columns),
            ("zone", written.zone, spec.zones),
        ):
            if known and given not in known:
                self.findings.refuse(row, f"is required by {spec.name}: {', '.join(known)}", key)
            elif given is not None and not known:
                self.findings.refuse(row, f"is not asked for by {spec.name}: leave it out", key)
        if bool(spec.size_unit) != (written.size is not None):
            needs = (
                f"is required by {spec.name}, in {spec.size_unit}"
                if spec.size_unit
                else "makes no difference"
            )
            self.findings.refuse(row, needs, "size")
        for symbol in dict.fromkeys((*spec.coefficients, *written.coefficients)):
            if symbol not in written.coefficients:
                self.findings.refuse(
                    row, f"{spec.name} is multiplied with it: give the site's", "coefficients", symbol
                )
            elif symbol not in spec.coefficients:
                self.findings.refuse(
                    row, f"is not asked for by {spec.name}: leave it out", "coefficients", symbol
                )
        wants_oxygen = not isnan(spec.reference_oxygen) and not part.value.corrected
        if wants_oxygen and part.value.oxygen is None:
            message = (
                f"is required: {spec.name} refers to {spec.reference_oxygen:g} % oxygen;"
                " or say corrected: true where the readings do so already"
            )
            self.findings.refuse(part, message, "oxygen")
        return spec

    def _averaging(self, part: Placed[StandardPart], specs: Sequence[LimitSpec]) -> Averaging:
        """Return over what a mean is taken: what the limits say, else what is written, else the hour."""
        told = {one.averaging: one.name for one in specs if one.averaging}
        given = part.value.averaging
        for averaging, name in told.items():
            if given not in (None, averaging) or len(told) > 1:
                message = f"{name} is over a mean of the {averaging}: limits over another have a standard of their own"
                self.findings.refuse(part, message, "averaging")
                break
        return given or next(iter(told), None) or "hour"

    def _rows(
        self, part: Placed[StandardPart], channel: Channel, specs: Sequence[LimitSpec]
    ) -> Iterator[StandardRow]:
        zone = self.zones[channel.park]
        for placed, spec in zip(part.parts("rows", part.value.rows), specs, strict=True):
            written = placed.value
            try:
                scale, offset = conversion(unit(spec.unit), channel.unit)
            except DimensionError as error:
                self.findings.refuse(placed, f"does not fit {channel.name}: {error}", "limit")
                continue
            choice = LimitChoice(
                written.column, written.zone, written.size, tuple(sorted(written.coefficients.items()))
            )
            found = [
                _held(one, spec, written, zone, scale, offset)
                for one in self.catalogue.limit_numbers(spec.name, choice)
            ]
            holding = [one for one in found if one.start < one.end]
            if not holding:
                self.findings.refuse(placed, f"{spec.name} holds on no day of these", "from")
            yield from holding

    def _percent(self, part: Placed[StandardPart], oxygen: Channel) -> float:
        try:
            return conversion(oxygen.unit, unit("%"))[0]
        except DimensionError as error:
            self.findings.refuse(part, f"{oxygen.name} is no channel of oxygen: {error}", "oxygen")
            return 1.0

    def _check_permits(self, part: Placed[StandardPart], made: Standard) -> None:
        """Refuse two permits that hold at once: nobody could tell which one is in force."""
        own = [row for row in made.rows if row.status == OWN]
        for one, other in combinations(own, 2):
            if one.start < other.end and other.start < one.end:
                message = f"{one.row} and {other.row} are both the site's own and hold at once: end one by to"
                self.findings.refuse(part, message, "rows")

    # --- alerts ---------------------------------------------------------------------------------------------------

    def _make_alerts(
        self, part: Placed[StandardPart], made: Standard, channel: Channel, spec: LimitSpec | None
    ) -> None:
        """Add an alert for each rule of the library that a row in force is judged by, with its numbers by date."""
        if channel.entered:
            self.findings.doubt(
                part, "people enter this channel: no alert is made, GET /v1/limits tells it", "channel"
            )
            return
        medium = spec.medium if spec else "stack"
        days = self._days(made, self.zones[made.park])
        rules = [_rule(made, row, medium) if row else None for _, row in days]
        if None in [rule for rule, (_, row) in zip(rules, days, strict=True) if row]:
            message = "no alert is made of a day's mean at a reference oxygen: GET /v1/limits tells it"
            self.findings.doubt(part, message, "averaging")
        for rule in dict.fromkeys(one for one in rules if one):
            mine = [(day, row if of == rule else None) for of, (day, row) in zip(rules, days, strict=True)]
            alert = AlertPart.model_validate(_alert(part.value, made, channel, rule, mine, medium))
            placed = Placed(part.document, part.path, alert)
            if self.findings.is_first_name(placed, "alert"):
                self.alerts.append(placed)

    def _days(self, made: Standard, zone: ZoneInfo) -> list[tuple[str, StandardRow | None]]:
        """Return the days on which another row comes in force, or none, with that row."""
        edges = sorted({time for row in made.rows for time in (row.start, row.end) if time < FOREVER})
        found: list[tuple[str, StandardRow | None]] = []
        for time in edges:
            place = made.in_force(time)
            row = made.rows[place] if place >= 0 else None
            if not found or found[-1][1] is not row:
                found.append((local_day(time, zone).isoformat(), row))
        return found


def _held(
    one: LimitNumbers, spec: LimitSpec, written: StandardRowPart, zone: ZoneInfo, scale: float, offset: float
) -> StandardRow:
    """Return a dated row as it holds at the site, in the channel's unit; it ends before it begins where it never holds."""
    first = max(day for day in (one.valid_from, written.start) if day)
    lasts = [day for day in (one.valid_to, written.end) if day]
    return StandardRow(
        limit=spec.name,
        row=one.row,
        standard=spec.standard,
        parameter=spec.parameter,
        category=spec.category,
        low=one.low * scale + offset,
        high=one.high * scale + offset,
        reference_oxygen=spec.reference_oxygen,
        start=local_midnight(first, zone),
        end=local_midnight(min(lasts), zone) if lasts else FOREVER,
        status=one.status,
        mark=one.mark,
        source=one.source,
        evidence=one.evidence,
    )


def is_corrected(made: Standard, row: StandardRow) -> bool:
    """Return whether readings are brought to the row's reference oxygen before they are judged."""
    return made.oxygen >= 0 and not isnan(row.reference_oxygen)


def _rule(made: Standard, row: StandardRow, medium: str) -> str | None:
    """Return the rule of the library that judges a row, None where there is none."""
    if not isnan(row.low):
        return "ph-out-of-range"
    if made.averaging == "day":
        by_medium = "stack-limit-day" if medium == "stack" else _AFTER
        return None if is_corrected(made, row) else by_medium
    return "stack-limit-corrected" if is_corrected(made, row) else "stack-limit"


_SUFFIX = {
    "ph-out-of-range": "range",
    "stack-limit-day": "day",
    _AFTER: "day",
    "stack-limit-corrected": "hour-corrected",
    "stack-limit": "hour",
}


def _alert(
    written: StandardPart,
    made: Standard,
    channel: Channel,
    rule: str,
    days: Sequence[tuple[str, StandardRow | None]],
    medium: str,
) -> dict[str, Any]:
    """Return the keys of an alert as somebody would write them in `alerts`."""

    def dated(of: str) -> list[dict[str, Any]]:
        return [{"from": day, "value": getattr(row, of) if row else None} for day, row in days]

    parameters: dict[str, Any] = {"low": dated("low"), "high": dated("high")}
    if rule != "ph-out-of-range":
        parameters = {"limit": dated("high")}
    if rule == "stack-limit-corrected":
        parameters |= {"oxygen": written.oxygen, "reference_oxygen": dated("reference_oxygen")}
        parameters |= {"highest_oxygen": made.highest_oxygen}
    if written.running and "running" in library()[rule].parameters:
        parameters |= {"running": written.running, "running_above": made.running_above}
    alert: dict[str, Any] = {
        "name": f"{made.name}-{_SUFFIX[rule]}",
        "use": rule,
        "match": {"park": made.park, "facility": made.facility, "channel": channel.name},
        "parameters": parameters,
    }
    if written.severity:
        alert["severity"] = written.severity
    if medium == "wastewater" and rule == "stack-limit":
        alert["first_action"] = library()[_AFTER].first_action.model_dump()
    return alert
