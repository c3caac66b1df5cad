"""Makes a device of the inbox part of a configuration: its profile, its subscription, and the lines of its facility."""

import csv
import io
import json
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from api.field.inbox import GuessedValueBody, UnknownDeviceBody
from ingest.subscriptions import Subscriptions
from plant.configuration.bounds import AMOUNTS, is_never_negative
from plant.configuration.environments import AnySecret
from plant.configuration.load import load
from plant.devices.profiles import FOLDER, profiles
from plant.documents.documents import read
from plant.documents.problems import ConfigurationError, Problem
from plant.units import UnknownUnit, unit
from plant.vocabulary import Kind
from rules.catalogue import load_catalogue

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
COLUMNS = ("name", "gateway", "kind", "unit", "quantity")


class AcceptError(Exception):
    """A device cannot be accepted like this; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What is to be written, what people are to add to a file of theirs, and how to replay then."""

    files: Mapping[str, str]
    facility: str
    where: str  # the facility's file
    gateway_lines: str
    channel_lines: str
    point_rows: str
    left_out: tuple[str, ...]  # channels whose unit nobody has said, and how to say it
    warnings: tuple[str, ...]
    replay: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def accepted(
    device: UnknownDeviceBody,
    config: Path,
    place: tuple[str | None, str | None, str | None],
    name: str | None,
    only: Sequence[str],
    units: Mapping[str, str],
) -> Accepted:
    """Return what makes a device part of a configuration; nothing is written.

    Parameters
    ----------
    place
        Park, facility and gateway; a native topic says them itself.
    only
        The channels that are wanted; all where empty.
    units
        What a person says of units, by channel. What is only guessed is no fact: such a channel is left out until then.

    Raises
    ------
    AcceptError
        A name is missing, taken or unknown, or the device has nothing to map.
    ConfigurationError
        The configuration has mistakes, or would have them with this device.
    """
    park, facility, gateway = _place(device, place)
    values = [one for one in device.values if not only or one.name in only]
    if not values:
        raise AcceptError(
            f"{device.device}: no number was found in its messages; see stackmeter quarantine show"
        )
    if unknown := sorted(set(only) - {one.name for one in values}):
        raise AcceptError(f"{device.device} has no channel {unknown[0]}: stackmeter inbox list")
    values, left_out = _with_units(values, units)
    files = {} if device.gateway else _files(device, config, (park, facility, gateway), name, values)
    channels = [_channel(one, gateway) for one in values]
    where, new_gateway = _with(config, files, (park, facility, gateway), channels)
    which = f"--gateway {device.gateway}" if device.gateway else "--code unmapped"
    return Accepted(
        files=files,
        facility=f"{park}/{facility}",
        where=where,
        gateway_lines=f"- name: {gateway}" if new_gateway else "",
        channel_lines="\n".join(f"- {_flow(one)}" for one in channels),
        point_rows=_csv(channels),
        left_out=tuple(left_out),
        warnings=tuple(_doubts(values)),
        replay=f"stackmeter quarantine replay {which} --by YOU",
    )


def said_units(texts: Sequence[str]) -> dict[str, str]:
    """Return units by channel, from CHANNEL=UNIT.

    Raises
    ------
    AcceptError
        One is not of that form.
    """
    found = {}
    for text in texts:
        channel, equals, symbol = text.rpartition("=")
        if not (channel and equals and symbol):
            raise AcceptError(f"--unit {text}: write CHANNEL=UNIT, such as meter/power=kW")
        found[channel] = symbol
    return found


def _with_units(
    values: Sequence[GuessedValueBody], said: Mapping[str, str]
) -> tuple[list[GuessedValueBody], list[str]]:
    """Return the channels with a unit that the device or a person says, and of the others what to do."""
    if unknown := sorted(set(said) - {one.name for one in values}):
        raise AcceptError(f"--unit {unknown[0]}: there is no such channel: stackmeter inbox list")
    for name, symbol in said.items():
        try:
            unit(symbol)
        except UnknownUnit as error:
            raise AcceptError(f"--unit {name}: {error}") from error
    sure, left_out = [], []
    for one in values:
        if one.name in said:
            sure.append(
                one.model_copy(update={"unit": said[one.name], "unit_from": "payload", "unit_at": ""})
            )
        elif one.unit_from in ("guess", ""):
            usual = f"{one.unit} is only the usual one" if one.unit else "nothing tells it"
            left_out.append(
                f"{one.name}: its unit is not known, {usual}; say it: --unit {one.name}={one.unit or 'UNIT'}"
            )
        else:
            sure.append(one)
    if not sure:
        raise AcceptError("; ".join(left_out))
    return sure, left_out


def written(made: Accepted) -> None:
    """Write the new files; raise OSError where one is there already or cannot be written."""
    for file, text in made.files.items():
        Path(file).parent.mkdir(exist_ok=True)
        with Path(file).open("x") as new:
            new.write(text)


def _place(
    device: UnknownDeviceBody, given: tuple[str | None, str | None, str | None]
) -> tuple[str, str, str]:
    said = tuple(device.gateway.split("/")) if device.gateway else (None, None, None)
    found: list[str] = []
    for option, own, name in zip(("park", "facility", "gateway"), said, given, strict=True):
        if own and name and own != name:
            raise AcceptError(f"--{option} {name}: its topic says {own}")
        if not (own or name):
            raise AcceptError(f"say where the device is: --{option} is missing")
        found.append(str(own or name))
    return found[0], found[1], found[2]


def _files(
    device: UnknownDeviceBody, config: Path, place: tuple[str, str, str], name: str | None, values: Sequence[GuessedValueBody]
) -> dict[str, str]:  # fmt: skip
    """Return profile and subscription, by file."""
    if name is None or not NAME.fullmatch(name):
        raise AcceptError("--profile NAME is missing, or has other characters than a-z, 0-9, - and _")
    if name in profiles(config):
        raise AcceptError(
            f"there is a profile {name} already: choose another name, or subscribe to the topic with it"
        )
    if re.search(r"[+#{}\\]", device.topic):
        raise AcceptError(f"{device.topic}: a topic with such characters cannot be subscribed to by name")
    files = {config / FOLDER / f"{name}.yaml": _profile(device, name, values), config / f"{name}.yaml": _subscription(device, name, place)}  # fmt: skip
    for file in files:
        if file.exists():
            raise AcceptError(f"{file} is there already: choose another name")
    return {str(file): text for file, text in files.items()}


def _profile(device: UnknownDeviceBody, name: str, values: Sequence[GuessedValueBody]) -> str:
    readings = {one.name: _reading(one) for one in values}
    lines = [
        f"# Guessed from the newest messages on {json.dumps(device.topic)}: check every line against the device.",
        f"title: {json.dumps(f'{name} (guessed)')}",
        f"sources: [{json.dumps(f'messages of {device.last_at} in the inbox')}]",
        f"topic: {json.dumps(device.topic)}",
        f"time: {device.time}",
        *([f"time_at: {json.dumps(device.time_at)}"] if device.time_at else []),
        "sections:",
        "  - readings:",
        *(f"      {json.dumps(channel)}: {_flow(reading)}" for channel, reading in readings.items()),
    ]
    return "\n".join(lines) + "\n"


def _reading(value: GuessedValueBody) -> dict[str, str]:
    if value.unit_at:
        return {"value": value.path, "unit_at": value.unit_at, "optional": "true"}
    return {"value": value.path, "unit": value.unit, "optional": "true"}


def _subscription(device: UnknownDeviceBody, name: str, place: tuple[str, str, str]) -> str:
    park, facility, gateway = map(json.dumps, place)
    return (
        f"subscriptions:\n  - topic: {json.dumps(device.topic)}\n    profile: {name}\n"
        f"    park: {park}\n    facility: {facility}\n    gateway: {gateway}\n"
    )


def _channel(value: GuessedValueBody, gateway: str) -> dict[str, str | bool]:
    channel: dict[str, str | bool] = {
        "name": value.name,
        "gateway": gateway,
        "kind": str(value.kind),
        "unit": value.unit,
        "quantity": value.quantity or "unknown",
    }
    return channel | {"signed": True} if _is_signed(value) else channel


def _is_signed(value: GuessedValueBody) -> bool:
    """Return whether a value was below 0 that its quantity says cannot be."""
    return value.sample < 0 and is_never_negative(unit(value.unit), value.kind)


def _flow(part: Mapping[str, str | bool]) -> str:
    """Return a mapping on one line of YAML."""
    return "{" + ", ".join(f"{key}: {_scalar(text)}" for key, text in part.items()) + "}"


def _scalar(text: str | bool) -> str:
    if isinstance(text, bool):
        return str(text).lower()
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_/.-]*", text)
    return (
        text
        if plain and text.lower() not in ("null", "yes", "no", "on", "off")
        else json.dumps(text, ensure_ascii=False)
    )


def _csv(channels: Sequence[Mapping[str, str | bool]]) -> str:
    text = io.StringIO()
    signed = ("signed",) if any("signed" in one for one in channels) else ()
    rows = csv.DictWriter(text, (*COLUMNS, *signed), lineterminator="\n")
    rows.writeheader()
    rows.writerows(
        {key: _scalar(text) if text is True else text for key, text in one.items()} for one in channels
    )
    return text.getvalue().rstrip()


def _doubts(values: Sequence[GuessedValueBody]) -> list[str]:
    doubts = []
    for one in values:
        if one.kind is Kind.REGISTER:
            doubts.append(
                f"{one.name}: taken for a register, because its values only advance; give its max_rate"
            )
        elif one.kind in AMOUNTS:
            doubts.append(f"{one.name}: give its max, or one absurd reading is enough to spoil a year")
        if _is_signed(one):
            doubts.append(
                f"{one.name}: {one.sample:g} {one.unit} was seen, so it is written as signed; is that meant?"
            )
    return doubts


def _with(
    config: Path,
    files: Mapping[str, str],
    place: tuple[str, str, str],
    channels: Sequence[dict[str, str | bool]],
) -> tuple[str, bool]:
    """Check the configuration as it will be; return the facility's file, and whether the gateway is new there."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / config.resolve().name
        shutil.copytree(config, trial)
        for file, text in files.items():
            new = trial / Path(file).relative_to(config)
            new.parent.mkdir(exist_ok=True)
            new.write_text(text)
        where, is_new = _add(trial, place, channels)
        try:
            Subscriptions(load(trial, load_catalogue(trial), AnySecret()))
        except ConfigurationError as error:
            problems = [Problem(one.file.replace(str(trial), str(config)), one.line, one.path, one.message) for one in error.problems]  # fmt: skip
            raise ConfigurationError(problems) from error
        return str(config / where.relative_to(trial)), is_new


def _add(
    trial: Path, place: tuple[str, str, str], channels: Sequence[dict[str, str | bool]]
) -> tuple[Path, bool]:
    """Add gateway and channels to the facility in the copy of its file; JSON is YAML too."""
    park, facility, gateway = place
    for file in sorted([*trial.glob("*.yaml"), *trial.glob("*.yml")]):
        content: Any = read(file).value
        for one in (content or {}).get("parks") or []:
            for part in one.get("facilities") or []:
                if (one.get("name"), part.get("name")) != (park, facility):
                    continue
                is_new = all(known.get("name") != gateway for known in part.get("gateways") or [])
                if is_new:
                    part.setdefault("gateways", []).append({"name": gateway})
                part.setdefault("channels", []).extend(channels)
                file.write_text(json.dumps(content, default=str))
                return file, is_new
    raise AcceptError(f"there is no facility {park}/{facility} in {trial.name}: declare it first")
